/** Every variable of the product, from the schemas by which its processes read them. */
import { httpUrl } from "@plumbline/runtime/process/process-config";
import { isSecretName } from "@plumbline/runtime/secrets";
import { variableRows } from "@plumbline/runtime/variables/variable-rows";
import { PROCESS_CONFIGS } from "@plumbline/services/local/process-configs";
import { CliVariables } from "../../packages/cli/variables.ts";

const SHAPES = {
  ...Object.fromEntries(Object.entries(PROCESS_CONFIGS).map(([name, { shape }]) => [name, shape])),
  "command line": CliVariables.shape,
  // What examples/ticket-summary/traffic.ts reads beside what the command line does.
  example: {
    PLUMBLINE_COLLECTOR_URL: httpUrl("http://collector:4319")
      .default("http://127.0.0.1:4319")
      .describe("of the collector, for the example application"),
  },
};

/** @returns names, sorted */
export function knownVariables(): readonly string[] {
  return [...new Set(Object.values(SHAPES).flatMap((shape) => Object.keys(shape)))].toSorted();
}

/** The text of `packages/runtime/variables/known-variables.ts`. */
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
  const rows = variableRows(SHAPES).map(
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
