import type { Command as Program } from "commander";
import { DAY_MS, type Scope, SCOPES } from "@plumbline/schemas";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { UsageError } from "../shell/failure.ts";
import { readTime } from "../sql/read-window.ts";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../project/project-options.ts";
import { formatTable } from "../text/table.ts";
import { KeyAnswer, KeysAnswer, type Key } from "../registry/answers.ts";

interface CreateFlags extends RegistryFlags {
  readonly scope: readonly string[];
  readonly tenant?: string;
  readonly expires?: string;
}

interface RotateFlags extends RegistryFlags {
  readonly grace: string;
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS };

export const addKeys: AddCommand = (program, context) => {
  const keys = program
    .command("keys")
    .summary("API keys: who may do what")
    .description(
      "Makes, lists, replaces and revokes API keys. A key has scopes: ingest sends calls and feedback, read sees prompts and incidents, respond acknowledges and dismisses them, deploy changes what is live, admin makes keys and erases. It belongs to one tenant, and the history names its holder.",
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline keys create checkout-service --scope ingest --scope read
  plumbline keys create ann@example.com --scope read --scope deploy --expires 90d
  plumbline keys list
  plumbline keys rotate k7c2m5x3qa --grace 1h
  plumbline keys revoke k7c2m5x3qa
`,
    );
  addCreate(keys, context);
  addList(keys, context);
  addRotate(keys, context);
  addRevoke(keys, context);
};

function addCreate(keys: Program, context: CommandContext): void {
  const create = keys
    .command("create")
    .summary("make a key")
    .description("Makes a key and shows it once. Only its hash is kept.")
    .argument("<name>", "person or application that holds it; name people by their address, as in commits");
  addRegistryOptions(create)
    .option(
      "--scope <scope>",
      `${SCOPES.join(", ")}; again for more than one`,
      (scope: string, all: readonly string[]) => [...all, scope],
      [],
    )
    .option("--tenant <name>", "whose data it opens (default: your key's tenant)")
    .option(
      "--expires <time>",
      "after a time such as 90d, or at a moment such as 2027-01-31T00:00:00Z, UTC unless it says otherwise",
    )
    .action(async (name: string, flags: CreateFlags) => {
      if (flags.scope.length === 0) throw new UsageError(`name what it may do: --scope ${SCOPES.join("|")}`);
      const registry = await openRegistry(context, flags);
      const { key, secret } = await registry.post(
        "/v1/keys",
        {
          name,
          scopes: flags.scope.map(readScope),
          ...(flags.tenant !== undefined && { tenant: flags.tenant }),
          expires_at: flags.expires === undefined ? null : readMoment(flags.expires, context.clock.now()),
        },
        KeyAnswer,
      );
      show(context, key, secret);
    });
}

function addList(keys: Program, context: CommandContext): void {
  const list = keys
    .command("list")
    .summary("keys of your tenant")
    .description("Lists keys, never their secrets.");
  addRegistryOptions(list).action(async (flags: RegistryFlags) => {
    const registry = await openRegistry(context, flags);
    const answer = await registry.get("/v1/keys", KeysAnswer);
    context.answer(answer, formatTable([HEAD, ...answer.keys.map(rowOf)]));
    if (answer.keys.length === 0)
      context.say("There is no key. Next: plumbline keys create <name> --scope <scope>");
  });
}

function addRotate(keys: Program, context: CommandContext): void {
  const rotate = keys
    .command("rotate")
    .summary("replace a key")
    .description(
      "Makes a key like another one, and revokes that one, at once or after a time for changing over.",
    )
    .argument("<key-id>", "the 10 characters between plb_ and the next _");
  addRegistryOptions(rotate)
    .option("--grace <time>", "how long the old key goes on, such as 1h", "0m")
    .action(async (keyId: string, flags: RotateFlags) => {
      const registry = await openRegistry(context, flags);
      const grace_seconds = Math.round(readLifetime("--grace", flags.grace) / 1000);
      const { key, secret } = await registry.post(
        `/v1/keys/${encodeURIComponent(keyId)}/rotate`,
        { grace_seconds },
        KeyAnswer,
      );
      show(context, key, secret);
    });
}

function addRevoke(keys: Program, context: CommandContext): void {
  const revoke = keys
    .command("revoke")
    .summary("refuse a key from now on")
    .description("Revokes a key. Every process that asks for keys refuses it within a second or two.")
    .argument("<key-id>", "the 10 characters between plb_ and the next _");
  addRegistryOptions(revoke).action(async (keyId: string, flags: RegistryFlags) => {
    const registry = await openRegistry(context, flags);
    const answer = await registry.post(`/v1/keys/${encodeURIComponent(keyId)}/revoke`, {}, KeyAnswer);
    context.answer(answer, `${answer.key.key_id}  ${answer.key.name}  ${answer.key.state}`);
  });
}

const HEAD = ["KEY", "NAME", "TENANT", "SCOPES", "STATE", "CREATED", "EXPIRES", "LAST USED"];

function rowOf(key: Key): readonly string[] {
  const { key_id, name, tenant, scopes, state, created_at, expires_at, stops_at, last_used_on } = key;
  const ends = state === "active" && stops_at !== null ? stops_at : expires_at;
  return [
    key_id,
    name,
    tenant,
    scopes.join(","),
    state,
    dayOf(created_at),
    ends === null ? "never" : dayOf(ends),
    last_used_on ?? "never",
  ];
}

function dayOf(at: string): string {
  return at.slice(0, 10);
}

/** The secret goes to standard output alone on its line, so that a script can take it. */
function show(context: CommandContext, key: Key, secret: string | undefined): void {
  context.say(`${key.name}: ${key.scopes.join(", ")} of tenant ${key.tenant}. It is shown this once:`);
  context.answer({ key, secret: secret ?? null }, secret ?? "");
}

/** @throws UsageError */
function readScope(given: string): Scope {
  const scope = SCOPES.find((each) => each === given);
  if (scope !== undefined) return scope;
  throw new UsageError(`--scope "${given}" is none of ${SCOPES.join(", ")}`);
}

/** @returns ISO 8601 UTC @throws UsageError */
function readMoment(given: string, nowMs: number): string {
  if (/^\d+[mhd]$/.test(given)) return new Date(nowMs + readLifetime("--expires", given)).toISOString();
  try {
    return new Date(readTime(given)).toISOString();
  } catch {
    throw new UsageError(`--expires "${given}" is no time: write one such as 90d or 2027-01-31T00:00:00Z`);
  }
}

/** @returns ms @throws UsageError */
function readLifetime(flag: string, given: string): number {
  const [, count = "", unit = ""] = /^(\d{1,6})([mhd])$/.exec(given) ?? [];
  const ms = UNITS_MS[unit];
  if (ms === undefined)
    throw new UsageError(`${flag} "${given}" is no time: write one such as 30m, 1h or 90d`);
  return Number(count) * ms;
}
