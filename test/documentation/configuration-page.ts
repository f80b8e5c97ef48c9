/** Every variable of the product, from the schemas by which its processes read them. */
import { defaultOf } from "@plumbline/runtime/read-settings";
import { isSecretName } from "@plumbline/runtime/secrets";
import { PROCESS_CONFIGS } from "@plumbline/services/local/process-configs";
import { z } from "zod";
import { CliVariables } from "../../packages/cli/variables.ts";

/** What `examples/ticket-summary/traffic.ts` reads beside what the command line does. */
const ExampleVariables = z.object({
  PLUMBLINE_COLLECTOR_URL: z
    .url()
    .default("http://127.0.0.1:4319")
    .describe("of the collector, for the example application"),
});

const READERS: Readonly<Record<string, z.ZodObject>> = {
  ...PROCESS_CONFIGS,
  "command line": CliVariables,
  example: ExampleVariables,
};

interface Row {
  readonly variable: string;
  readonly meaning: string;
  readonly values: string;
  readonly usual: string;
  readonly readers: readonly string[];
}

/** @returns names, sorted */
export function knownVariables(): readonly string[] {
  return [...new Set(Object.values(READERS).flatMap(({ shape }) => Object.keys(shape)))].toSorted();
}

/** The text of `packages/runtime/known-variables.ts`. */
export function renderKnownVariables(): string {
  return `/** Written by \`npm run docs:configuration\` from the schemas of every process; a test compares. */
export const KNOWN_VARIABLES: readonly string[] = [
${knownVariables()
  .map((name) => `  "${name}",`)
  .join("\n")}
];
`;
}

/** The text of `docs/reference/configuration.md`. */
export function renderConfigurationPage(): string {
  const rows = readRows().map(
    ({ variable, meaning, values, usual, readers }) =>
      `| \`${variable}\`${isSecretName(variable) ? " (secret)" : ""} | ${meaning} | ${values} | ${usual} | ${readers.join(", ")} |`,
  );
  return `# Configuration

Written by \`npm run docs:configuration\` from the schemas by which the processes read their environment; a test compares.

\`plumbline config print --service NAME\` shows what is in force for one process and where it comes from. A process reads its
environment once, at its start, and says everything that is wrong at once (exit code 3). A \`PLUMBLINE_*\` variable that nothing
reads is warned about with the nearest name; what another process reads is no mistake, so one file may serve them all. An empty
variable is one that is not set. A secret may come as a file: \`<VARIABLE>_FILE\` names it, and its first line is the value.

*Required* stands where a process does not start without it, – where it may be left out.

| Variable | Meaning | Values | Default | Read by |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

/** Processes that give a variable another meaning or default have a row of their own. */
function readRows(): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const [reader, { shape }] of Object.entries(READERS)) {
    for (const [variable, field] of Object.entries(shape)) {
      if (!(field instanceof z.ZodType)) throw new TypeError(`${variable} has no schema`);
      const meaning = (field.description ?? "").replaceAll("|", String.raw`\|`);
      const row = { variable, meaning, values: valuesOf(field), usual: usualOf(field) };
      const key = JSON.stringify(row);
      rows.set(key, { ...row, readers: [...(rows.get(key)?.readers ?? []), reader] });
    }
  }
  return [...rows.values()].toSorted((a, b) =>
    a.variable < b.variable ? -1 : a.variable > b.variable ? 1 : 0,
  );
}

function usualOf(field: z.ZodType): string {
  const value = defaultOf(field);
  if (value !== null && value !== "") return `\`${value}\``;
  return field.safeParse(undefined).success ? "–" : "required";
}

function valuesOf(field: z.ZodType): string {
  const schema = z.toJSONSchema(field, { io: "input", unrepresentable: "any" });
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.format === "uri") return "address";
  if (schema.type !== "integer" && schema.type !== "number") return "text";
  const kind = schema.type === "integer" ? "whole number" : "number";
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema;
  const lower = minimum ?? exclusiveMinimum;
  const upper = maximum ?? exclusiveMaximum;
  const from =
    lower === undefined || lower === Number.MIN_SAFE_INTEGER
      ? []
      : [minimum === undefined ? `above ${lower}` : `at least ${lower}`];
  const to =
    upper === undefined || upper === Number.MAX_SAFE_INTEGER
      ? []
      : [maximum === undefined ? `below ${upper}` : `at most ${upper}`];
  return [kind, ...from, ...to].join(", ");
}
