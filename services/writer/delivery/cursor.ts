/**
 * How far the delivery of one partition has come, durably. The log keeps it as the group's committed offset.
 *
 * A range that is being written is an *intent*. A new one can be committed from an `IdleCursor` only, and an open one
 * becomes idle only by being finished with proof that the whole range was dealt with. So nobody can overwrite an intent
 * that they did not finish, whatever was aborted on the way.
 */
import type { EventLog } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import { z } from "zod";
import type { Run } from "./destination.ts";

/** Rows this old are on the disk of any store: an operating system writes its pages back within half a minute. */
const SETTLE_MS = 5 * 60_000;
/** Marks of progress are this far apart at least, ms. */
const MARK_MS = 10_000;

/**
 * The metadata of a committed offset. An empty range (`to` = `from` - 1) means that nothing is open; releases before
 * this one wrote "" for that, and neither `at` nor `settled`.
 */
const Metadata = z.object({
  v: z.literal(1),
  from: z.number().int(),
  to: z.number().int(),
  /** When the intent was made, ms: the time of records that have none. */
  at: z.number().optional(),
  /** Everything below was in the store `SETTLE_MS` ago. */
  settled: z.number().int().optional(),
});

/** One partition of a group, and the log that keeps its cursor. */
interface CursorOf {
  readonly log: Pick<EventLog, "commit" | "committed">;
  readonly group: string;
  readonly topic: Topic;
  readonly partition: number;
}

/** Below `offset` everything was in the store at `at`. */
interface Mark {
  readonly offset: number;
  readonly at: number;
}

interface Progress {
  readonly settled: number;
  readonly marks: readonly Mark[];
}

/** Nothing is open; everything below `next` is delivered. */
class IdleCursor {
  readonly kind = "idle";
  readonly #of: CursorOf;
  readonly #progress: Progress;
  readonly next: number;

  constructor(of: CursorOf, next: number, progress: Progress) {
    this.#of = of;
    this.next = next;
    this.#progress = progress;
  }

  /** The lowest offset that a loss of power may still take from the store. */
  get settled(): number {
    return this.#progress.settled;
  }

  /** Notes that everything below `next` was found in the store just now. @param now ms since the epoch */
  confirmed(now: number): IdleCursor {
    const marks = [{ offset: this.next, at: now }];
    return new IdleCursor(this.#of, this.next, { settled: this.settled, marks });
  }

  /** Commits the intent to write a range that begins at or after `next`. @param at ms since the epoch */
  async begin({ from, to }: Run, at: number): Promise<OpenCursor> {
    if (from < this.next || to < from)
      throw new RangeError(`an intent ${from} to ${to} can't follow offset ${this.next}`);
    await commit(this.#of, from, { v: 1, from, to, at, settled: this.settled }, this.settled);
    return new OpenCursor(this.#of, { from, to }, at, this.#progress);
  }
}

/** A range whose delivery has begun, here or in a process that ended. */
class OpenCursor {
  readonly kind = "open";
  readonly #of: CursorOf;
  readonly #progress: Progress;
  readonly range: Run;
  readonly at: number;

  constructor(of: CursorOf, range: Run, at: number, progress: Progress) {
    this.#of = of;
    this.range = range;
    this.at = at;
    this.#progress = progress;
  }

  get settled(): number {
    return this.#progress.settled;
  }

  /**
   * Commits the offset after the range.
   *
   * @param dealtWith what was read, written or accounted for without a gap; must cover the range
   * @param now ms since the epoch
   */
  async finish(dealtWith: Run, now: number): Promise<IdleCursor> {
    const { from, to } = this.range;
    if (dealtWith.from > from || dealtWith.to < to) {
      throw new Error(
        `offsets ${from} to ${to} are open and only ${dealtWith.from} to ${dealtWith.to} were dealt with`,
      );
    }
    return idle(this.#of, to + 1, advance(this.#progress, to + 1, now));
  }
}

/** Only this module makes them: from what the log says, or from one another. */
export type { IdleCursor, OpenCursor };

/**
 * Reads where the delivery of a partition stands.
 *
 * @param newest one past the last offset: what a commit that isn't ours leaves open reaches up to there
 */
export async function readCursor(
  of: CursorOf,
  newest: number,
  now: number,
): Promise<IdleCursor | OpenCursor> {
  const { offset, metadata } = await of.log.committed(of.group, of.topic, of.partition);
  if (metadata === "") return new IdleCursor(of, offset, { settled: offset, marks: [] });
  const known = readMetadata(metadata);
  // A newer release, or somebody with Kafka's tools: what lies from there on may be stored or not.
  const { from, to, at = now, settled = from } = known ?? { from: offset, to: newest - 1 };
  const progress = { settled: Math.min(settled, from), marks: [] };
  return to < from ? new IdleCursor(of, from, progress) : new OpenCursor(of, { from, to }, at, progress);
}

async function idle(of: CursorOf, next: number, progress: Progress): Promise<IdleCursor> {
  const { settled } = progress;
  await commit(of, next, { v: 1, from: next, to: next - 1, settled }, settled);
  return new IdleCursor(of, next, progress);
}

function advance({ settled, marks }: Progress, offset: number, now: number): Progress {
  const newest = marks.at(-1);
  const all = newest === undefined || now - newest.at >= MARK_MS ? [...marks, { offset, at: now }] : marks;
  const old = all.filter(({ at }) => now - at >= SETTLE_MS);
  return { settled: Math.max(settled, old.at(-1)?.offset ?? 0), marks: all.slice(old.length) };
}

async function commit(
  { log, group, topic, partition }: CursorOf,
  offset: number,
  metadata: z.infer<typeof Metadata>,
  keepFrom: number,
): Promise<void> {
  await log.commit(group, topic, partition, { offset, metadata: JSON.stringify(metadata), keepFrom });
}

function readMetadata(metadata: string): z.infer<typeof Metadata> | null {
  try {
    return Metadata.parse(JSON.parse(metadata));
  } catch {
    return null;
  }
}
