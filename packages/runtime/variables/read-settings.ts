/** The variables of one process: what each is set to, where that comes from, and what is wrong. */
import { readFileSync } from "node:fs";
import { plainWords } from "@plumbline/schemas";
import { z } from "zod";
import { isSecretName } from "../secrets.ts";
import { whyUnreadable } from "../system-error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Setting {
  readonly variable: string;
  /** Text as it was given, or the default's; null when nothing is set and there is no default. May be a secret. */
  readonly value: string | null;
  readonly source: "default" | "environment" | "file" | "flag";
  /** Names the file, or the flag. */
  readonly from: string | null;
}

interface Settings<Config> {
  /** In the order of the schema. */
  readonly settings: readonly Setting[];
  /** A line each, which names the variable and never its value. */
  readonly problems: readonly string[];
  /** Null when there is a problem. */
  readonly config: Config | null;
}

/** readSettings reads every variable of `schema` and finds every problem; between two variables, once each holds. */
export function readSettings<Schema extends z.ZodObject>(
  schema: Schema,
  environment: Environment,
): Settings<z.output<Schema>> {
  const problems: string[] = [];
  const settings = Object.keys(schema.shape).map((variable): Setting => {
    const field = fieldOf(schema, variable);
    const meaning = field.description ?? "";
    const addProblem = (problem: string): void => {
      problems.push(`${variable}: ${problem}${meaning === "" ? "" : ` (${meaning})`}`);
    };
    const given = givenValue(variable, environment);
    if (given !== null && "problem" in given) problems.push(given.problem);
    if (given === null) {
      if (!field.safeParse(undefined).success) addProblem("not set");
      return { variable, value: defaultOf(field), source: "default", from: null };
    }
    if ("problem" in given) return { variable, value: null, source: "file", from: given.from };
    const { error } = field.safeParse(given.value, { error: plainWords });
    for (const issue of error?.issues ?? []) addProblem(issue.message);
    return { variable, ...given };
  });
  if (problems.length > 0) return { settings, problems, config: null };
  const given = settings.flatMap(({ variable, value, source }) =>
    source === "default" ? [] : [[variable, value]],
  );
  const parsed = schema.safeParse(Object.fromEntries(given), { error: plainWords });
  return parsed.success
    ? { settings, problems, config: parsed.data }
    : { settings, problems: parsed.error.issues.map(({ message }) => message), config: null };
}

/** The text of a field's default, as one would write it into an environment; null when it has none. */
export function defaultOf(field: z.ZodType): string | null {
  const { default: value } = z.toJSONSchema(field, { io: "input", unrepresentable: "any" });
  return value === undefined ? null : typeof value === "string" ? value : JSON.stringify(value);
}

type Given = Pick<Setting, "value" | "source" | "from">;

/** An empty variable is how a compose file says "not set". */
function givenValue(
  variable: string,
  environment: Environment,
): Given | { readonly problem: string; readonly from: string } | null {
  const value = environment[variable];
  if (value !== undefined && value !== "") return { value, source: "environment", from: null };
  const file = environment[`${variable}_FILE`];
  if (file === undefined || file === "" || !isSecretName(variable)) return null;
  try {
    const line = readFileSync(file, "utf8").split("\n", 1)[0]!.trim();
    return line === "" ? null : { value: line, source: "file", from: file };
  } catch (error) {
    return { problem: `${variable}_FILE: ${file} can't be read: ${whyUnreadable(error)}`, from: file };
  }
}

function fieldOf(schema: z.ZodObject, variable: string): z.ZodType {
  const field: unknown = schema.shape[variable];
  if (field instanceof z.ZodType) return field;
  throw new TypeError(`${variable} has no schema`);
}
