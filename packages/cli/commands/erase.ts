import { setTimeout as sleep } from "node:timers/promises";
import type { ErasureKind } from "@plumbline/schemas";
import type { AddCommand } from "../shell/command.ts";
import { CommandFailure, EXIT, UsageError } from "../shell/failure.ts";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../project/project-options.ts";
import { printableLine } from "../text/printable.ts";
import { formatTable } from "../text/table.ts";
import { ErasureAnswer } from "../registry/answers.ts";

interface EraseFlags extends RegistryFlags {
  readonly conversation?: string;
  readonly userHash?: string;
  readonly call?: string;
  readonly tenant?: string;
  readonly dryRun?: boolean;
  readonly wait: string;
}

const LOOK_MS = 500;

export const addErase: AddCommand = (program, context) => {
  const command = program
    .command("erase")
    .summary("remove what a conversation or a person wrote")
    .description(
      "Removes texts, variables, attributes, judges' explanations and comments of one conversation, one user or one call from the store, and from a log that can be rewritten, and says what it removed where and what is left until when. Numbers stay. Later deliveries of the same records do not bring the texts back.",
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline erase --conversation c-4711 --dry-run
  plumbline erase --user-hash 9f86d081884c7d65
  plumbline erase --call 0198f3a0-0000-7000-8000-000000000001
`,
    );
  addRegistryOptions(command)
    .option("--conversation <id>", "conversation_id of the calls")
    .option("--user-hash <hash>", "user_hash of the calls")
    .option("--call <id>", "call_id")
    .option("--tenant <name>", "whose calls (default: your key's tenant)")
    .option("--dry-run", "count what would be removed, and remove nothing")
    .option("--wait <seconds>", "longest wait until it is done", "600")
    .action(async (flags: EraseFlags) => {
      const { kind, id } = subjectOf(flags);
      const waitMs = Number(flags.wait) * 1000;
      if (!Number.isFinite(waitMs) || waitMs < 0)
        throw new UsageError(`--wait "${flags.wait}" is no number of seconds`);
      const registry = await openRegistry(context, flags);
      const { tenant, dryRun = false } = flags;
      const body = { kind, id, dry_run: dryRun, ...(tenant !== undefined && { tenant }) };
      let answer = await registry.post("/v1/erasures", body, ErasureAnswer);
      const deadline = context.clock.now() + waitMs;
      while (answer.state === "pending") {
        if (context.clock.now() >= deadline) throw notDone(answer.erasure_id);
        await sleep(LOOK_MS, undefined, { signal: context.io.signal });
        answer = await registry.get(`/v1/erasures/${answer.erasure_id}`, ErasureAnswer);
      }
      if (answer.state !== "done")
        context.say(
          `The registry calls this erasure ${printableLine(answer.state)}, which is newer than this command.`,
        );
      const rows = answer.places.map(({ place, removed, remains }) => [
        place,
        String(removed),
        remains ?? "nothing",
      ]);
      context.answer(
        answer,
        formatTable([["PLACE", dryRun ? "WOULD REMOVE" : "REMOVED", "REMAINS"], ...rows]),
      );
    });
};

/** @throws UsageError unless exactly one is named */
function subjectOf({ conversation, userHash, call }: EraseFlags): {
  readonly kind: ErasureKind;
  readonly id: string;
} {
  const named = (
    [
      ["conversation", conversation],
      ["user", userHash],
      ["call", call],
    ] as const
  ).flatMap(([kind, id]) => (id === undefined || id === "" ? [] : [{ kind, id }]));
  const [only] = named;
  if (only !== undefined && named.length === 1) return only;
  throw new UsageError("name one of --conversation, --user-hash and --call");
}

function notDone(erasureId: string): CommandFailure {
  return new CommandFailure(
    EXIT.unavailable,
    "erasure-pending",
    `The erasure ${erasureId} was taken and is not done yet. It is carried out by the writer's process, and not lost by a restart.`,
    { next: "look whether the writer and ClickHouse run; the same command again is safe" },
  );
}
