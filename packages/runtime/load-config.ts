import { z } from "zod";

/** Raised once at start, with every problem in one message and never a value. */
export class InvalidConfigError extends Error {
  /** Exit code that the command line promises for configuration problems. */
  readonly exitCode = 3;
}

/**
 * Parses a service's environment once. Only the schema's own variables are read.
 *
 * @throws InvalidConfigError naming every offending variable
 */
export function loadConfig<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const known = Object.fromEntries(
    Object.keys(schema.shape)
      .map((key) => [key, environment[key]] as const)
      // An empty variable is how a compose file says "not set".
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = schema.safeParse(known);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const description = describe(schema, issue.path[0]);
    const problem = String(issue.path[0]) in known ? issue.message : "not set";
    return `  ${issue.path.join(".")}: ${problem}${description === "" ? "" : ` (${description})`}`;
  });
  throw new InvalidConfigError(`invalid configuration:\n${lines.join("\n")}`);
}

function describe(schema: z.ZodObject, key: PropertyKey | undefined): string {
  const field: unknown = key === undefined ? undefined : schema.shape[String(key)];
  return field instanceof z.ZodType ? (field.description ?? "") : "";
}
