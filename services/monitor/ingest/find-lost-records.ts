/**
 * Finds records of the log that are in no table, independently of the writer that should have stored them.
 *
 * The ledger of finished batches, compared with what the store holds, gives suspicions cheaply: offsets between batches,
 * and more offsets than rows, repeats and dead letters. Each suspicion is then looked at record by record, in the log
 * and in the store. Suspicions may be wrong, because a killed writer loses its newest notes, a recovery notes ranges
 * anew, a repeat that escaped the writer collapses later, and logs use offsets of their own; what is returned is not.
 */
import {
  type EventLog,
  type IngestLedger,
  type LogRecord,
  type OffsetRun,
  readPages,
  type Store,
  type Watermark,
} from "@plumbline/ports";
import { DEAD_LETTERS_TOPIC, deadLetterId, type Topic, TOPIC_NAMES } from "@plumbline/schemas";

/** Records of one partition that are in no table. */
export interface LostRecords {
  readonly topic: Topic;
  readonly log_partition: number;
  readonly records: number;
  readonly first_offset: number;
  readonly last_offset: number;
  /** The part that the log itself no longer holds: its retention overtook the writer. */
  readonly expired: number;
}

export interface IngestScan {
  readonly lost: readonly LostRecords[];
  /** Topics with a finished batch in the window. */
  readonly topics: readonly Topic[];
  /** Offsets that finished batches were about. */
  readonly offsets: number;
  /** Suspicious offsets that were not looked at, because there were too many. */
  readonly unchecked: number;
}

export interface ScanDeps {
  readonly store: Pick<
    Store,
    "ingestLedger" | "unstoredRuns" | "storedCalls" | "deadLetterOffsets" | "storedOffsets"
  >;
  readonly log: Pick<EventLog, "read" | "watermarks" | "committed">;
}

/** Suspicious offsets of one partition that one scan looks at. */
const CHECKED_OFFSETS_MAX = 100_000;
const RUNS_MAX = 10_000;
/** Records read at a time, and calls asked for at a time. */
const PAGE = { recordsMax: 1_000, bytesMax: 8_388_608 };

/** Dead letters that wait for their table are looked through up to this many pages. */
const LETTER_PAGES_MAX = 100;
const WRITER_GROUP = "writer";

const TABLES: Readonly<Partial<Record<Topic, Parameters<Store["storedOffsets"]>[0]>>> = {
  "plumbline.verdicts": "verdicts",
  "plumbline.feedback": "feedback",
  "plumbline.incidents": "incidents",
  "plumbline.registry": "registry_events",
  "plumbline.calls.dead_letter": "dead_letters",
};

/** @param window of the times at which batches were noted, ISO 8601 UTC */
export async function findLostRecords(
  { store, log }: ScanDeps,
  window: { readonly start: string; readonly end: string },
): Promise<IngestScan> {
  const lost: LostRecords[] = [];
  const topics = new Set<Topic>();
  let offsets = 0;
  let unchecked = 0;
  for (const ledger of await store.ingestLedger(window)) {
    const topic = TOPIC_NAMES.find((name) => name === ledger.topic);
    if (topic === undefined) continue;
    topics.add(topic);
    offsets += ledger.last_offset - ledger.first_offset + 1;
    const found =
      topic === "plumbline.calls"
        ? await lostCalls(ledger, { store, log })
        : await lostEvents(topic, ledger, { store, log });
    unchecked += found.unchecked;
    const missing = await withoutNewLetters(topic, ledger.log_partition, found.offsets, log);
    const [first] = missing;
    if (first === undefined) continue;
    lost.push({
      topic,
      log_partition: ledger.log_partition,
      records: missing.length,
      first_offset: missing.reduce((least, offset) => Math.min(least, offset), first),
      last_offset: missing.reduce((most, offset) => Math.max(most, offset), first),
      expired: found.expired,
    });
  }
  return { lost, topics: [...topics], offsets, unchecked };
}

interface Found {
  /** In no order. */
  readonly offsets: number[];
  expired: number;
  unchecked: number;
}

async function lostCalls(ledger: IngestLedger, { store, log }: ScanDeps): Promise<Found> {
  const { log_partition, first_offset, last_offset, explained } = ledger;
  const found: Found = { offsets: [], expired: 0, unchecked: 0 };
  if (last_offset - first_offset + 1 - (ledger.stored ?? 0) - explained === 0) return found;
  const runs = await store.unstoredRuns({
    log_partition,
    from: first_offset,
    to: last_offset,
    limit: RUNS_MAX,
  });
  const { due, unchecked } = withinLimit(runs);
  found.unchecked = unchecked;
  for (const run of due) {
    for await (const records of recordsOf(run, "plumbline.calls", log_partition, log, found)) {
      const calls = records.map((record) => ({ offset: record.offset, ...callOf(record) }));
      const ids = calls.flatMap(({ call_id: id }) => (id === null ? [] : [id]));
      const stored = await store.storedCalls({ call_ids: [...new Set(ids)] });
      const known = new Set(stored.map(({ tenant, call_id: id }) => `${id}/${tenant}`));
      for (const { offset, tenant, call_id: id } of calls)
        if (id === null || !known.has(`${id}/${tenant}`)) found.offsets.push(offset);
    }
  }
  return found;
}

/**
 * Other topics: tables replace rows of the same key, so that an offset without a row says nothing. A hole is believed
 * when no offset of it is a row or a dead letter, and the log had records there.
 */
async function lostEvents(topic: Topic, ledger: IngestLedger, { store, log }: ScanDeps): Promise<Found> {
  const { log_partition, holes } = ledger;
  const found: Found = { offsets: [], expired: 0, unchecked: 0 };
  const table = TABLES[topic];
  if (table === undefined || holes.length === 0) return found;
  const { due, unchecked } = withinLimit(
    holes.toReversed().map(([from_offset, to_offset]) => ({ from_offset, to_offset })),
  );
  found.unchecked = unchecked;
  for (const run of due) {
    const range = { log_partition, from: run.from_offset, to: run.to_offset };
    if ((await store.storedOffsets(table, range)).size > 0) continue;
    if ((await store.deadLetterOffsets({ ...range, topic })).length > 0) continue;
    for await (const records of recordsOf(run, topic, log_partition, log, found))
      found.offsets.push(...records.map(({ offset }) => offset));
  }
  return found;
}

/** Leaves out what is a dead letter in the log already and not in its table yet. */
async function withoutNewLetters(
  topic: Topic,
  partition: number,
  offsets: readonly number[],
  log: ScanDeps["log"],
): Promise<readonly number[]> {
  if (offsets.length === 0) return offsets;
  const letters = new Set<string>();
  for (const mark of await log.watermarks(DEAD_LETTERS_TOPIC)) {
    const committed = await log.committed(WRITER_GROUP, DEAD_LETTERS_TOPIC, mark.partition);
    const unread = { ...PAGE, from: Math.max(mark.low, committed.offset), to: mark.high };
    let pages = 0;
    for await (const page of readPages(log, DEAD_LETTERS_TOPIC, mark.partition, unread)) {
      for (const { headers } of page) {
        const id = deadLetterId(headers);
        if (id !== null) letters.add(id);
      }
      pages += 1;
      if (pages === LETTER_PAGES_MAX) break;
    }
  }
  return offsets.filter((offset) => !letters.has(`${topic}/${partition}/${offset}`));
}

/** The newest runs, as many as may be looked at. */
function withinLimit(runs: readonly OffsetRun[]): {
  readonly due: readonly OffsetRun[];
  readonly unchecked: number;
} {
  const due: OffsetRun[] = [];
  let room = CHECKED_OFFSETS_MAX;
  let unchecked = 0;
  for (const { from_offset, to_offset } of runs) {
    const size = to_offset - from_offset + 1;
    const taken = Math.min(room, size);
    room -= taken;
    unchecked += size - taken;
    if (taken > 0) due.push({ from_offset: to_offset - taken + 1, to_offset });
  }
  return { due, unchecked };
}

/** Yields the records of a run. Offsets below what the log keeps are added to `found`: nobody will store them. */
async function* recordsOf(
  { from_offset, to_offset }: OffsetRun,
  topic: Topic,
  partition: number,
  log: ScanDeps["log"],
  found: Found,
): AsyncGenerator<readonly LogRecord[]> {
  const mark = (await log.watermarks(topic)).find((each: Watermark) => each.partition === partition);
  const low = Math.min(mark?.low ?? from_offset, to_offset + 1);
  for (let offset = from_offset; offset < low; offset++) {
    found.offsets.push(offset);
    found.expired += 1;
  }
  yield* readPages(log, topic, partition, { ...PAGE, from: Math.max(from_offset, low), to: to_offset + 1 });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The call that a record is, whatever its key; a null id when it names none. */
function callOf({ value, headers }: LogRecord): { readonly tenant: string; readonly call_id: string | null } {
  const tenant = headers["tenant"] ?? "default";
  try {
    const event: unknown = JSON.parse(new TextDecoder().decode(value));
    const id: unknown = (event as { call_id?: unknown } | null)?.call_id;
    const lower = typeof id === "string" ? id.toLowerCase() : "";
    return { tenant, call_id: UUID.test(lower) ? lower : null };
  } catch {
    return { tenant, call_id: null };
  }
}
