import { readFileSync } from "node:fs";
import { z } from "zod";
import { EXIT } from "./exit-code.ts";
import { isSecretName, rememberSecret } from "./secrets.ts";

/** Raised once at start, with every problem in one message and never a value. */
export class InvalidConfigError extends Error {
  /** Exit code that the command line promises for configuration problems. */
  readonly exitCode = EXIT.config;
}

/**
 * Parses a service's environment once. Only the schema's own variables are read. A secret may come as a file: the first
 * line of the one that `<variable>_FILE` names.
 *
 * @throws InvalidConfigError naming every offending variable
 */
export function loadConfig<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const known = Object.fromEntries(
    Object.keys(schema.shape)
      .map((key) => [key, valueOf(key, environment)] as const)
      // An empty variable is how a compose file says "not set".
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  for (const [key, value] of Object.entries(known)) {
    if (value !== undefined && isSecretName(key)) rememberSecret(key, value);
  }
  const parsed = schema.safeParse(known);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const description = describe(schema, issue.path[0]);
    const problem = String(issue.path[0]) in known ? issue.message : "not set";
    return `  ${issue.path.join(".")}: ${problem}${description === "" ? "" : ` (${description})`}`;
  });
  throw new InvalidConfigError(`invalid configuration:\n${lines.join("\n")}`);
}

/** @throws InvalidConfigError when the file of a secret can't be read */
function valueOf(key: string, environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const value = environment[key];
  const file = environment[`${key}_FILE`];
  const isGiven = value !== undefined && value !== "";
  if (isGiven || file === undefined || file === "" || !isSecretName(key)) return value;
  try {
    return readFileSync(file, "utf8").split("\n", 1)[0]!.trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidConfigError(`invalid configuration:\n  ${key}_FILE: ${why}`, { cause: error });
  }
}

function describe(schema: z.ZodObject, key: PropertyKey | undefined): string {
  const field: unknown = key === undefined ? undefined : schema.shape[String(key)];
  return field instanceof z.ZodType ? (field.description ?? "") : "";
}
