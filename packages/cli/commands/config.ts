import { describeUnknown, findUnknown } from "@plumbline/runtime/variables/unknown-variables";
import { maskSecrets } from "@plumbline/runtime/secrets";
import type { Setting } from "@plumbline/runtime/variables/read-settings";
import { PROCESS_CONFIGS, settingsOf, type ProcessName } from "@plumbline/services/local/process-configs";
import type { Command as Program } from "commander";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { EXIT, UsageError } from "../shell/failure.ts";
import { formatTable } from "../text/table.ts";

const NAMES = Object.keys(PROCESS_CONFIGS) as readonly ProcessName[];

export const addConfig: AddCommand = (program, context) => {
  const config = program
    .command("config")
    .summary("what is in force, and where it comes from")
    .description("Shows the configuration that a process would run with.");
  addPrint(config, context);
};

function addPrint(config: Program, context: CommandContext): void {
  config
    .command("print")
    .summary("every variable of a process, its value and its source")
    .description(
      "Prints what a process started in this environment would run with: each variable, its value, and where that comes from (default, environment, file, flag). Secrets are masked. Variables that nothing reads are listed.\n" +
        "Exit code 3 when the process would not start.",
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline config print
  plumbline config print -- --port 5000 --data-dir /var/lib/plumbline
  plumbline config print --service judge
  plumbline config print --service writer --json | jq '.data.settings[] | select(.source != "default")'
`,
    )
    .argument("[flags...]", "after --, the flags that local mode would be started with")
    .option("--service <name>", NAMES.join(", "), "local")
    .action((flags: readonly string[], { service }: { readonly service: string }) => {
      const name = NAMES.find((each) => each === service);
      if (name === undefined) throw new UsageError(`--service "${service}" is none of ${NAMES.join(", ")}`);
      if (name !== "local" && flags.length > 0) throw new UsageError(`${name} takes no flags: ${flags[0]}`);
      const { environment } = context.io;
      const { settings, problems } = settingsOf(name, environment, flags);
      const shown = settings.map((setting) => ({
        ...setting,
        value: setting.value === null ? null : maskSecrets(setting.variable, setting.value),
      }));
      const unknown = findUnknown(environment);
      context.answer(
        { service: name, settings: shown, problems, unknown },
        describe(shown, problems, unknown.map(describeUnknown)),
        problems.length > 0 ? EXIT.config : EXIT.ok,
      );
    });
}

function describe(
  settings: readonly Setting[],
  problems: readonly string[],
  unknown: readonly string[],
): string {
  const rows = settings.map(({ variable, value, source, from }) => [
    variable,
    value ?? "–",
    value === null && source === "default" ? "not set" : from === null ? source : `${source} ${from}`,
  ]);
  return [
    formatTable([["VARIABLE", "VALUE", "FROM"], ...rows]),
    ...listOf("It would not start:", problems),
    ...listOf("Nothing reads:", unknown),
  ].join("\n");
}

function listOf(head: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", head, ...lines.map((line) => `  ${line}`)];
}
