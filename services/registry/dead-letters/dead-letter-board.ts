/**
 * What stands in the dead-letter topic, and appending it to its topics again.
 *
 * The topic alone says what was done: a letter is a record, and so is the note that it was redriven. The board keeps an
 * index of the newest letters, without their bytes, and reads on whenever it is asked; an idle one costs nothing.
 */
import { randomUUID } from "node:crypto";
import {
  type Clock,
  type EventLog,
  type LogRecord,
  type NewRecord,
  type Position,
  readPages,
} from "@plumbline/ports";
import {
  DEAD_LETTER_HEADERS,
  DEAD_LETTERS_TOPIC,
  type DeadLetterDetail,
  deadLetterId,
  type DeadLetterView,
  REDRIVE_ID,
  type RedriveAnswer,
  REDRIVEN_BY,
  REDRIVEN_FROM,
  type Topic,
  TOPIC_NAMES,
  VALUE_BYTES,
} from "@plumbline/schemas";

interface DeadLetterBoardDeps {
  readonly log: Pick<EventLog, "append" | "read" | "watermarks" | "committed">;
  readonly clock: Clock;
}

interface LetterFilter {
  /** Whose letters; null for everybody's. */
  readonly tenant: string | null;
  readonly reason: string | null;
  readonly topic: string | null;
  /** Set aside at or after this moment, ms since the epoch. */
  readonly sinceMs: number | null;
  /** Also what was redriven. */
  readonly withRedriven: boolean;
}

interface LetterPage {
  readonly letters: readonly DeadLetterView[];
  readonly matching: number;
  readonly nextBefore: number | null;
}

interface RedriveOptions {
  readonly actor: string;
  readonly tenant: string | null;
  /** Also what was redriven before. */
  readonly force: boolean;
  /** Longest wait for the writer to have read what was appended. */
  readonly waitMs: number;
}

/** The topic has one partition: letters have one order. */
const PARTITION = 0;
/** The group that reads what is redriven. */
const WRITER_GROUP = "writer";
/** Letters that the board knows; older ones are counted in ClickHouse. */
const LETTERS_MAX = 100_000;
const PAGE = { recordsMax: 1_000, bytesMax: 8_388_608 } as const;
const POLL_MS = 50;

interface Entry extends DeadLetterView {
  /** Offset of the letter in the dead-letter topic. */
  readonly at: number;
  readonly redriveId: string | null;
}

interface Letter {
  readonly entry: Entry;
  readonly record: LogRecord;
}

type TopicPosition = Position & { readonly topic: Topic };

export class DeadLetterBoard {
  private readonly log: DeadLetterBoardDeps["log"];
  private readonly clock: Clock;
  /** In the order of the topic. */
  private readonly entries = new Map<string, Entry>();
  private readonly notes = new Map<string, { readonly at: string; readonly by: string }>();
  private next = 0;
  /** Reads and appends, one after another. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor({ log, clock }: DeadLetterBoardDeps) {
    this.log = log;
    this.clock = clock;
  }

  /** Newest first. @param before cursor of the page before, or null */
  list(filter: LetterFilter, before: number | null, limit: number): Promise<LetterPage> {
    return this.inTurn(async () => {
      await this.refresh();
      const found = [...this.entries.values()].filter((entry) =>
        isWanted(entry, filter, this.notes.has(entry.id)),
      );
      const older = found.filter(({ at }) => before === null || at < before).toReversed();
      const page = older.slice(0, limit);
      return {
        letters: page.map((entry) => this.viewOf(entry)),
        matching: found.length,
        nextBefore: older.length > limit ? page.at(-1)!.at : null,
      };
    });
  }

  /** Null when there is none of that id, or it has expired. */
  show(id: string, tenant: string | null): Promise<DeadLetterDetail | null> {
    return this.inTurn(async () => {
      await this.refresh();
      const entry = this.find(id, tenant);
      const record = entry === null ? null : await this.read(entry);
      if (entry === null || record === null) return null;
      return {
        ...this.viewOf(entry),
        key: record.key,
        headers: originalHeaders(record),
        value_base64: Buffer.from(record.value).toString("base64"),
      };
    });
  }

  /** Appends letters to their topics again and notes that, then waits for the writer to have read them. */
  async redrive(
    ids: readonly string[],
    { actor, tenant, force, waitMs }: RedriveOptions,
  ): Promise<RedriveAnswer> {
    const redriveId = randomUUID();
    const { positions, skipped } = await this.inTurn(async () => {
      await this.refresh();
      const sorted = await this.sortOut(ids, tenant, force);
      return { ...sorted, positions: await this.append(sorted.due, redriveId, actor) };
    });
    const isSettled = await this.settled(positions, waitMs);
    await this.inTurn(() => this.refresh());
    const cameBack = [...this.entries.values()].filter((entry) => entry.redriveId === redriveId).length;
    return { redriven: positions.length, skipped, is_settled: isSettled, came_back: cameBack };
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async refresh(): Promise<void> {
    const mark = (await this.log.watermarks(DEAD_LETTERS_TOPIC)).find(
      ({ partition }) => partition === PARTITION,
    );
    if (mark === undefined) return;
    this.next = Math.max(this.next, mark.low, mark.high - LETTERS_MAX);
    const unread = { ...PAGE, from: this.next, to: mark.high };
    for await (const page of readPages(this.log, DEAD_LETTERS_TOPIC, PARTITION, unread)) {
      for (const record of page) {
        this.fold(record);
        this.next = record.offset + 1;
      }
    }
    for (const [id, { at }] of this.entries) {
      if (at >= mark.low && this.entries.size <= LETTERS_MAX) break;
      this.entries.delete(id);
      this.notes.delete(id);
    }
  }

  private fold(record: LogRecord): void {
    const id = deadLetterId(record.headers);
    if (id === null) return;
    const by = record.headers[REDRIVEN_BY];
    if (by !== undefined) this.notes.set(id, { at: iso(record.timestamp), by });
    // A recovery of the writer may set a record aside twice; the first place counts.
    else if (!this.entries.has(id)) this.entries.set(id, toEntry(id, record));
  }

  private viewOf({ at: _at, redriveId: _redriveId, ...view }: Entry): DeadLetterView {
    const note = this.notes.get(view.id);
    return { ...view, redriven_at: note?.at ?? null, redriven_by: note?.by ?? null };
  }

  private find(id: string, tenant: string | null): Entry | null {
    const entry = this.entries.get(id);
    return entry === undefined || (tenant !== null && entry.tenant !== tenant) ? null : entry;
  }

  private async read({ at, id }: Entry): Promise<LogRecord | null> {
    const [record] = await this.log.read(DEAD_LETTERS_TOPIC, PARTITION, at, { recordsMax: 1 });
    return record !== undefined && deadLetterId(record.headers) === id ? record : null;
  }

  private async sortOut(ids: readonly string[], tenant: string | null, force: boolean) {
    const skipped: RedriveAnswer["skipped"] = [];
    const due = new Map<Topic, Letter[]>();
    for (const id of new Set(ids)) {
      const entry = this.find(id, tenant);
      const record = entry === null ? null : await this.read(entry);
      const topic = TOPIC_NAMES.find((name) => name === entry?.topic && name !== DEAD_LETTERS_TOPIC);
      if (entry === null || record === null) skipped.push({ id, why: "unknown" });
      else if (topic === undefined) skipped.push({ id, why: "topic" });
      else if (entry.is_cut) skipped.push({ id, why: "cut" });
      else if (this.notes.has(id) && !force) skipped.push({ id, why: "redriven" });
      else due.set(topic, [...(due.get(topic) ?? []), { entry, record }]);
    }
    return { due, skipped };
  }

  /** The note follows the append: what ends in between is redriven again rather than forgotten, and repeats are left out. */
  private async append(
    due: ReadonlyMap<Topic, readonly Letter[]>,
    redriveId: string,
    actor: string,
  ): Promise<readonly TopicPosition[]> {
    const positions: TopicPosition[] = [];
    for (const [topic, letters] of due) {
      const appended = await this.log.append(
        topic,
        letters.map(({ entry, record }) => toOriginal(record, entry.id, redriveId)),
      );
      positions.push(...appended.map((position) => ({ ...position, topic })));
      await this.log.append(
        DEAD_LETTERS_TOPIC,
        letters.map(({ entry, record }) => toNote(entry, record, actor)),
      );
    }
    return positions;
  }

  /** Resolves with whether the writer has read everything within the time. */
  private async settled(positions: readonly TopicPosition[], waitMs: number): Promise<boolean> {
    const until = this.clock.monotonic() + waitMs;
    const ends = new Map<string, TopicPosition>();
    for (const position of positions) {
      const key = `${position.topic}/${position.partition}`;
      if ((ends.get(key)?.offset ?? -1) < position.offset) ends.set(key, position);
    }
    for (const { topic, partition, offset } of ends.values()) {
      while ((await this.log.committed(WRITER_GROUP, topic, partition)).offset <= offset) {
        if (this.clock.monotonic() >= until) return false;
        await this.clock.sleep(POLL_MS);
      }
    }
    return true;
  }
}

function isWanted(entry: Entry, filter: LetterFilter, isRedriven: boolean): boolean {
  return (
    (filter.tenant === null || entry.tenant === filter.tenant) &&
    (filter.reason === null || entry.reason === filter.reason) &&
    (filter.topic === null || entry.topic === filter.topic) &&
    (filter.sinceMs === null || Date.parse(entry.dead_lettered_at) >= filter.sinceMs) &&
    (filter.withRedriven || !isRedriven)
  );
}

function toEntry(id: string, { headers, value, timestamp, offset }: LogRecord): Entry {
  const cut = Number(headers[VALUE_BYTES] ?? value.length);
  return {
    id,
    topic: headers["topic"] ?? "",
    partition: Number(headers["partition"]),
    offset: Number(headers["offset"]),
    tenant: headers["tenant"] ?? "default",
    reason: headers["reason"] ?? "unknown",
    detail: headers["detail"] ?? "",
    bytes: Number.isFinite(cut) ? cut : value.length,
    first_seen: headers["first_seen"] ?? iso(timestamp),
    dead_lettered_at: iso(timestamp),
    redriven_at: null,
    redriven_by: null,
    came_back: headers[REDRIVEN_FROM] !== undefined,
    is_cut: headers[VALUE_BYTES] !== undefined,
    at: offset,
    redriveId: headers[REDRIVE_ID] ?? null,
  };
}

const OURS: ReadonlySet<string> = new Set([...DEAD_LETTER_HEADERS, VALUE_BYTES, REDRIVEN_FROM, REDRIVE_ID]);

function originalHeaders({ headers }: LogRecord): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OURS.has(name)));
}

/** The original record, byte for byte under its own key: a call keeps its id, so a repeat is left out. */
function toOriginal(record: LogRecord, id: string, redriveId: string): NewRecord {
  return {
    key: record.key,
    value: record.value,
    headers: { ...originalHeaders(record), [REDRIVEN_FROM]: id, [REDRIVE_ID]: redriveId },
  };
}

function toNote(entry: Entry, record: LogRecord, actor: string): NewRecord {
  return {
    key: record.key,
    value: new Uint8Array(),
    headers: {
      topic: entry.topic,
      partition: String(entry.partition),
      offset: String(entry.offset),
      reason: entry.reason,
      tenant: entry.tenant,
      [REDRIVEN_BY]: actor,
    },
  };
}

/** Foreign producers write timestamps that no calendar has. */
function iso(ms: number): string {
  return new Date(Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? ms : 0).toISOString();
}
