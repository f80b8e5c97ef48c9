import { InvalidArgumentError, type Command as Program } from "commander";
import type { AddCommand } from "../../shell/command.ts";
import { rollBack, type RollbackFlags } from "../../deploy/roll-back.ts";
import { UsageError } from "../../shell/failure.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  openConfigIfAny,
  openRegistry,
  type EnvFlags,
  type RegistryFlags,
} from "../../project/project-options.ts";

interface Flags extends RegistryFlags, EnvFlags, RollbackFlags {
  readonly to?: string;
  readonly reason: string;
}

export const addRollback: AddCommand = (program, context) => {
  const command = program
    .command("rollback")
    .summary("put the last good version back")
    .description(
      "Takes the newest live version back: a canary first, else what serves everybody. It is quarantined until it passes a new evaluation. Then waits until calls that clients report prove the switch, and says how long it took. Exit code 5 when more than 5% of the clients go on with another version.",
    )
    .argument("<use-case>")
    .addHelpText(
      "before",
      `Examples:
  plumbline rollback ticket-summary --reason "loses amounts"
  plumbline rollback ticket-summary --to v12 --reason "v13 and v14 lose amounts" --yes
`,
    );
  addEnvOption(addRegistryOptions(command))
    .option("--to <version>", "v3 or 12 or more hex digits (default: the last good one)")
    .requiredOption("--reason <text>", "kept in the history");
  addRollbackOptions(command).action(async (name: string, flags: Flags) => {
    if (flags.reason.trim() === "") throw new UsageError("--reason must say why");
    const found = await openConfigIfAny(context, flags);
    const env = checkEnv(flags, found?.config);
    const registry = await openRegistry(context, flags, found ?? undefined);
    await rollBack({ name, env, to: flags.to, reason: flags.reason }, flags, registry, context);
  });
};

/** Whether it asks, and what it waits for. */
export function addRollbackOptions(command: Program): Program {
  return command
    .option("--yes", "do not ask", false)
    .option("--no-wait", "do not wait for served calls")
    .option(
      "--sql <url>",
      "ClickHouse's HTTP interface, to read calls (default: PLUMBLINE_SQL_URL; beside a local registry, local mode's)",
    )
    .option("--calls <n>", "calls of the new version that prove the switch", positive, 20)
    .option("--timeout <seconds>", "longest wait for them", positive, 60);
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("must be a whole number above 0");
}
