/** Takes a live version back, and waits until served calls prove that clients switched. */
import { CommandAccepted } from "@plumbline/schemas";
import type { CommandContext } from "../shell/command.ts";
import { confirm } from "../shell/confirm.ts";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { HistoryAnswer } from "../registry/answers.ts";
import { readUseCase } from "../registry/read-use-case.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { openSqlEndpoint, type SqlEndpoint } from "../sql/sql-endpoint.ts";
import { confirmSwitch, describeConfirmation } from "./confirm-switch.ts";
import { explainRefusal } from "./refusals.ts";
import { planRollback, type RollbackPlan } from "./rollback-plan.ts";

/** Flags of whatever rolls back. */
export interface RollbackFlags {
  readonly yes: boolean;
  readonly wait: boolean;
  readonly sql?: string;
  readonly calls: number;
  readonly timeout: number;
}

interface RollbackRequest {
  readonly name: string;
  readonly env: string;
  /** Undefined: the last good version. */
  readonly to: string | undefined;
  /** Hash of the version that must be live; undefined: whichever is. */
  readonly from?: string;
  readonly reason: string;
}

/** @throws CommandFailure when it is refused, not confirmed, or another version is live */
export async function rollBack(
  { name, env, to: target, from: expected, reason }: RollbackRequest,
  flags: RollbackFlags,
  registry: RegistryClient,
  context: CommandContext,
): Promise<void> {
  const plan = planRollback(await readUseCase(registry, name), env, target);
  const { from, to } = plan;
  if (expected !== undefined && expected !== from.prompt_version) {
    throw new CommandFailure(
      EXIT.precondition,
      "not-live",
      `The alert blames another version: v${from.number} is live in ${env} now.`,
      { next: `plumbline status ${name}` },
    );
  }
  await confirm(
    context.io,
    `Roll ${name} in ${env} back from v${from.number} (${from.short}) to v${to.number} (${to.short})?`,
    flags,
  );
  const accepted = await sendRollback(registry, plan, reason, context);
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
}

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
