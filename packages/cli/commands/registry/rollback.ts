import { InvalidArgumentError } from "commander";
import { CommandAccepted } from "@plumbline/schemas";
import type { AddCommand, CommandContext } from "../../shell/command.ts";
import { confirm } from "../../shell/confirm.ts";
import { confirmSwitch, describeConfirmation } from "../../deploy/confirm-switch.ts";
import { planRollback, type RollbackPlan } from "../../deploy/rollback-plan.ts";
import { explainRefusal } from "../../deploy/refusals.ts";
import { EXIT, UsageError } from "../../shell/failure.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  openConfigIfAny,
  openRegistry,
  type EnvFlags,
  type RegistryFlags,
} from "../../project/project-options.ts";
import { HistoryAnswer } from "../../registry/answers.ts";
import { readUseCase } from "../../registry/read-use-case.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import { openSqlEndpoint, type SqlEndpoint } from "../../sql/sql-endpoint.ts";

interface RollbackFlags extends RegistryFlags, EnvFlags {
  readonly to?: string;
  readonly reason: string;
  readonly yes: boolean;
  readonly wait: boolean;
  readonly sql?: string;
  readonly calls: number;
  readonly timeout: number;
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
    .requiredOption("--reason <text>", "kept in the history")
    .option("--yes", "do not ask", false)
    .option("--no-wait", "do not wait for served calls")
    .option(
      "--sql <url>",
      "ClickHouse's HTTP interface, to read calls (default: PLUMBLINE_SQL_URL; beside a local registry, local mode's)",
    )
    .option("--calls <n>", "calls of the new version that prove the switch", positive, 20)
    .option("--timeout <seconds>", "longest wait for them", positive, 60)
    .action(async (name: string, flags: RollbackFlags) => {
      if (flags.reason.trim() === "") throw new UsageError("--reason must say why");
      const found = await openConfigIfAny(context, flags);
      const env = checkEnv(flags, found?.config);
      const registry = await openRegistry(context, flags, found ?? undefined);
      const plan = planRollback(await readUseCase(registry, name), env, flags.to);
      const { from, to } = plan;
      await confirm(
        context.io,
        `Roll ${name} in ${env} back from v${from.number} (${from.short}) to v${to.number} (${to.short})?`,
        flags,
      );
      const accepted = await sendRollback(registry, plan, flags.reason, context);
      const reverse = `plumbline promote ${name} v${from.number} --env ${env} --bypass-reason "…"`;
      context.say(`v${from.number} is quarantined until it passes an evaluation. Reverse: ${reverse}`);
      const line = `${name}  v${to.number}  ${to.short}  live in ${env} instead of v${from.number}`;
      if (!flags.wait || !accepted.changed) {
        context.answer({ ...accepted, to: to.prompt_version, reverse, confirmation: null }, line);
        return;
      }

      const move = {
        useCase: name,
        env,
        oldVersion: from.prompt_version,
        newVersion: to.prompt_version,
        movedAt: await readMovedAt(registry, name, accepted.offset),
      };
      const wait = { callsNeeded: flags.calls, waitMs: flags.timeout * 1000 };
      const confirmation = await confirmSwitch(openSql(flags, registry, context), move, wait, context);
      const names = { oldName: `v${from.number}`, newName: `v${to.number}` };
      const said = describeConfirmation(confirmation, names, wait);
      const { confirmed_by, served } = confirmation;
      if (confirmed_by !== "served_calls" && said !== "") context.warn(said);
      context.answer(
        { ...accepted, to: to.prompt_version, reverse, confirmation },
        confirmed_by === "served_calls" ? `${line}\n${said}` : line,
        served !== null && !served.is_followed ? EXIT.unavailable : undefined,
      );
    });
};

async function sendRollback(
  registry: RegistryClient,
  { useCase, env, from, to, revision }: RollbackPlan,
  reason: string,
  { io }: CommandContext,
): Promise<CommandAccepted> {
  const body = { env, from: from.prompt_version, to: to.prompt_version, expected_revision: revision, reason };
  try {
    return await registry.post(`/v1/use-cases/${useCase}/rollback`, body, CommandAccepted);
  } catch (error) {
    throw explainRefusal(error, { name: `v${to.number}`, useCase, io });
  }
}

/** The log's own time of the command, ms since the epoch. */
async function readMovedAt(registry: RegistryClient, useCase: string, offset: number): Promise<number> {
  const { entries } = await registry.get(
    `/v1/use-cases/${useCase}/history?limit=1&before=${offset + 1}`,
    HistoryAnswer,
  );
  return Date.parse(entries[0]!.at);
}

/** Null when calls cannot be expected anywhere: local mode's address is only right beside local mode's registry. */
function openSql(
  { sql }: RollbackFlags,
  registry: RegistryClient,
  { io }: CommandContext,
): SqlEndpoint | null {
  const isGiven = sql !== undefined || (io.environment["PLUMBLINE_SQL_URL"] ?? "") !== "";
  const isLocal = /^(?:127\.0\.0\.1|localhost|\[::1\])$/.test(new URL(registry.url).hostname);
  return isGiven || isLocal ? openSqlEndpoint(io, sql) : null;
}

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("must be a whole number above 0");
}
