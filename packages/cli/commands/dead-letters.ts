import type { Command as Program } from "commander";
import {
  DeadLetterDetail,
  DeadLettersAnswer,
  DEAD_LETTERS_PAGE_MAX,
  type DeadLetterView,
} from "@plumbline/schemas";
import type { AddCommand, CommandContext } from "../shell/command.ts";
import { confirm } from "../shell/confirm.ts";
import { redriveInSteps, type RedriveTotals } from "../dead-letters/redrive.ts";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../project/project-options.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { readSpan, wholeNumber } from "../sql/read-window.ts";
import { hexDump, printable, printableLine, textOf } from "../text/printable.ts";
import { ago, count, minute } from "../text/spoken.ts";
import { formatTable } from "../text/table.ts";

interface FilterFlags extends RegistryFlags {
  readonly reason?: string;
  readonly topic?: string;
  readonly tenant?: string;
  readonly since?: number;
}

interface ListFlags extends FilterFlags {
  readonly all: boolean;
  readonly limit: number;
  readonly before?: number;
}

interface ShowFlags extends RegistryFlags {
  readonly hex: boolean;
}

interface RedriveFlags extends FilterFlags {
  readonly all: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly yes: boolean;
}

const LIMIT_DEFAULT = 50;
/** Letters that one command redrives. */
const REDRIVE_LETTERS_MAX = 10_000;
const DETAIL_CHARS = 60;

export const addDeadLetters: AddCommand = (program, context) => {
  const letters = program
    .command("dead-letters")
    .summary("records that could not become rows: list, show, redrive")
    .description(
      "A record that can't be read, or that the store refuses, is set aside with its bytes and a reason, and stops nobody. Here they are looked at, and appended to their topics again once the cause is mended. Needs the log, so it asks the registry; keys need scope admin.",
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline dead-letters list --since 1d
  plumbline dead-letters list --reason schema:latency_ms --limit 500 --json
  plumbline dead-letters show plumbline.calls/0/4711
  plumbline dead-letters redrive plumbline.calls/0/4711
  plumbline dead-letters redrive --reason store:469 --since 2h --dry-run
`,
    );
  addList(letters, context);
  addShow(letters, context);
  addRedrive(letters, context);
};

function addFilters(command: Program): Program {
  return addRegistryOptions(command)
    .option("--reason <reason>", "only this one, such as not_json, schema:latency_ms or store:469")
    .option("--topic <name>", "only records of this topic, such as plumbline.calls")
    .option("--tenant <name>", "only this tenant's (default: your key's tenant; without keys, all)")
    .option("--since <span>", "only what was set aside in this time: 90s, 10m, 2h, 7d", readSpan);
}

function addList(letters: Program, context: CommandContext): void {
  addFilters(
    letters
      .command("list")
      .summary("the newest first")
      .description("Lists dead letters, the newest first; those that were redriven only with --all."),
  )
    .option("--all", "also what was redriven", false)
    .option(
      "--limit <n>",
      `most that are shown; 1 to ${DEAD_LETTERS_PAGE_MAX}`,
      wholeNumber(1, DEAD_LETTERS_PAGE_MAX),
      LIMIT_DEFAULT,
    )
    .option(
      "--before <cursor>",
      "the page after, as the page before says",
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .action(async (flags: ListFlags) => {
      const registry = await openRegistry(context, flags);
      const page = await readPage(registry, flags, context, {
        limit: flags.limit,
        before: flags.before ?? null,
        all: flags.all,
      });
      const now = context.clock.now();
      context.answer(
        page,
        page.letters.length === 0 ? "" : formatTable([HEAD, ...page.letters.map((each) => rowOf(each, now))]),
      );
      if (page.letters.length === 0) context.say("No dead letter fits.");
      else context.say(`${page.letters.length} of ${count(page.matching, "dead letter")}.`);
      if (page.next_before !== null) context.say(`Next: the same with --before ${page.next_before}`);
    });
}

const HEAD = ["ID", "SET ASIDE", "REASON", "TENANT", "BYTES", "STATE", "DETAIL"];

function rowOf(letter: DeadLetterView, now: number): readonly string[] {
  const detail = printableLine(letter.detail);
  return [
    printableLine(letter.id),
    ago(letter.dead_lettered_at, now),
    printableLine(letter.reason),
    printableLine(letter.tenant),
    String(letter.bytes),
    stateOf(letter),
    detail.length > DETAIL_CHARS ? `${detail.slice(0, DETAIL_CHARS - 1)}…` : detail,
  ];
}

function stateOf(letter: DeadLetterView): string {
  if (letter.redriven_at !== null) return "redriven";
  if (letter.is_cut) return "cut";
  return letter.came_back ? "came back" : "waiting";
}

function addShow(letters: Program, context: CommandContext): void {
  addRegistryOptions(
    letters
      .command("show")
      .summary("one record: headers and bytes")
      .description(
        "Shows one dead letter with the headers and bytes of its record. Characters that a terminal would obey are written out; with --json the bytes are base64, as they are.",
      )
      .argument("<id>", "as the list names it: <topic>/<partition>/<offset>"),
  )
    .option("--hex", "the bytes as a hex dump, also when they are text", false)
    .action(async (id: string, flags: ShowFlags) => {
      const registry = await openRegistry(context, flags);
      const letter = await registry.get(`/v1/dead-letters/${readId(id)}`, DeadLetterDetail);
      context.answer(letter, describe(letter, flags.hex));
    });
}

function readId(id: string): string {
  const [, topic, partition, offset] = /^([\w.-]+)\/(\d+)\/(\d+)$/.exec(id) ?? [];
  if (topic === undefined)
    throw new UsageError(`"${id}" is no id of a dead letter, such as plumbline.calls/0/4711`);
  return `${topic}/${partition}/${offset}`;
}

function describe(letter: DeadLetterDetail, asHex: boolean): string {
  const bytes = Buffer.from(letter.value_base64, "base64");
  const text = asHex ? null : textOf(bytes);
  const redriven =
    letter.redriven_at === null
      ? []
      : [["redriven", `${minute(letter.redriven_at)} by ${letter.redriven_by ?? ""}`]];
  const facts = [
    ["id", letter.id],
    ["reason", letter.reason],
    ["detail", letter.detail],
    ["tenant", letter.tenant],
    ["key", letter.key],
    ["first seen", minute(letter.first_seen)],
    ["set aside", minute(letter.dead_lettered_at)],
    ["state", stateOf(letter)],
    ...redriven,
    ["bytes", `${letter.bytes}${letter.is_cut ? `, of which ${bytes.length} were kept` : ""}`],
    ...Object.entries(letter.headers).map(([name, value]) => [`header ${name}`, value]),
  ];
  return [
    formatTable(facts.map((row) => row.map(printableLine))),
    "",
    text === null ? hexDump(bytes) : printable(text),
  ].join("\n");
}

function addRedrive(letters: Program, context: CommandContext): void {
  addFilters(
    letters
      .command("redrive")
      .summary("append records to their topics again")
      .description(
        `Appends the original bytes, key and headers to the original topic again: named records, or those that fit the filters, the oldest first, at most ${REDRIVE_LETTERS_MAX}. A call keeps its id, so one that is stored already is left out. What was redriven is not redriven again. It begins with a few and stops when they come back as dead letters.`,
      )
      .argument("[ids...]", "as the list names them (default: what fits the filters)"),
  )
    .option("--all", "without a filter: everything that waits", false)
    .option("--force", "also what was redriven before", false)
    .option("--dry-run", "say what would be redriven, and do nothing", false)
    .option("--no-wait", "don't wait for the writer, and don't look whether records come back")
    .option("--yes", "without asking", false)
    .action(async (ids: readonly string[], flags: RedriveFlags) => {
      const registry = await openRegistry(context, flags);
      const chosen = ids.length > 0 ? ids.map(readId) : await fittingIds(registry, flags, context);
      if (flags.dryRun) {
        context.answer({ would_redrive: chosen.length, ids: chosen }, chosen.join("\n"));
        context.say(`${count(chosen.length, "record")} would be redriven.`);
        return;
      }
      if (chosen.length === 0) {
        context.answer(NOTHING, "Nothing waits that fits.");
        return;
      }
      await confirm(context.io, `Redrive ${count(chosen.length, "record")}?`, flags);
      const totals = await redriveInSteps(registry, chosen, {
        force: flags.force,
        wait: flags.wait,
        onStep: ({ redriven, left }) => {
          if (left > 0) context.say(`${redriven} redriven, ${left} left`);
        },
      });
      answer(totals, flags.wait, context);
    });
}

const NOTHING: RedriveTotals = { redriven: 0, came_back: 0, skipped: [], left: 0, is_settled: true };

/** Oldest first: what was first set aside is first put back. */
async function fittingIds(
  registry: RegistryClient,
  flags: RedriveFlags,
  context: CommandContext,
): Promise<readonly string[]> {
  const { reason, topic, tenant, since, all } = flags;
  if (!all && [reason, topic, tenant, since].every((each) => each === undefined))
    throw new UsageError("name records, give a filter, or say --all");
  const ids: string[] = [];
  let before: number | null = null;
  do {
    const page: DeadLettersAnswer = await readPage(registry, flags, context, {
      limit: DEAD_LETTERS_PAGE_MAX,
      before,
      all: flags.force,
    });
    ids.push(...page.letters.filter(({ is_cut: isCut }) => !isCut).map(({ id }) => id));
    before = page.next_before;
  } while (before !== null);
  const oldest = ids.toReversed();
  if (oldest.length > REDRIVE_LETTERS_MAX)
    context.warn(
      `${oldest.length} fit; the oldest ${REDRIVE_LETTERS_MAX} are taken. Run it again for the others.`,
    );
  return oldest.slice(0, REDRIVE_LETTERS_MAX);
}

async function readPage(
  registry: RegistryClient,
  { reason, topic, tenant, since }: FilterFlags,
  { clock }: CommandContext,
  { limit, before, all }: { readonly limit: number; readonly before: number | null; readonly all: boolean },
): Promise<DeadLettersAnswer> {
  const search = new URLSearchParams({ limit: String(limit) });
  if (reason !== undefined) search.set("reason", reason);
  if (topic !== undefined) search.set("topic", topic);
  if (tenant !== undefined) search.set("tenant", tenant);
  if (since !== undefined) search.set("since", new Date(clock.now() - since).toISOString());
  if (before !== null) search.set("before", String(before));
  if (all) search.set("redriven", "true");
  return registry.get(`/v1/dead-letters?${search.toString()}`, DeadLettersAnswer);
}

const WHY: Readonly<Record<string, string>> = {
  unknown: "not there, or expired",
  redriven: "redriven before; --force does it again",
  cut: "larger than a dead letter may be, so its end is gone",
  topic: "its topic is none of this version",
};

function answer(totals: RedriveTotals, waited: boolean, context: CommandContext): void {
  const { redriven, came_back: cameBack, skipped, left, is_settled: isSettled } = totals;
  const lines = [`${count(redriven, "record")} redriven.`];
  for (const { id, why } of skipped.slice(0, 20))
    lines.push(`left out  ${printableLine(id)}: ${printableLine(WHY[why] ?? why)}`);
  if (skipped.length > 20) lines.push(`left out  ${skipped.length - 20} more`);
  if (waited && redriven > 0)
    lines.push(
      isSettled ? `${cameBack} came back as dead letters.` : "The writer has not read all of them yet.",
    );
  if (left > 0)
    throw new CommandFailure(
      EXIT.gate,
      "redrive-stopped",
      `${cameBack} of ${redriven} redriven records came back as dead letters, so ${left} were left where they are.`,
      { next: "plumbline dead-letters list shows why; mend the cause first", details: totals },
    );
  context.answer(totals, lines.join("\n"), cameBack > 0 ? EXIT.gate : EXIT.ok);
}
