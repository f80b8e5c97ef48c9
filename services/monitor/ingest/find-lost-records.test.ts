/**
 * The scan for lost records against histories of a writer that is killed and recovers: notes of batches that never
 * arrived, ranges noted twice and cut anew, repeats, dead letters, offsets that the log itself used. What it finds must
 * be the records that were lost on purpose, each of them and nothing else.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import type { CallRow, IngestAudit, LogRecord, Store } from "@plumbline/ports";
import { LlmCall, type Topic } from "@plumbline/schemas";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findLostRecords, type ScanDeps } from "./find-lost-records.ts";

let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-lost-"));
  store = createClickHouseStore(await openEmbeddedClickHouse({ path: folder }));
  await store.migrate();
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** Rows expire by the clock of the machine, so histories lie in its past. */
const NOW = Date.now();
/** What stands at an offset. `none`: the log used it itself. `late_repeat`: stored, then collapsed with its first copy. */
type Kind = "call" | "repeat" | "late_repeat" | "bad" | "none";

interface History {
  readonly kinds: readonly Kind[];
  /** Offsets whose rows are lost, if they are calls. */
  readonly lost: readonly boolean[];
  /** Where one batch ends and the next begins, and whether its note survived. */
  readonly cuts: readonly number[];
  readonly isNoted: readonly boolean[];
  /** Ranges that were noted again by a recovery, as shares of the whole. */
  readonly again: readonly (readonly [number, number])[];
}

const history: fc.Arbitrary<History> = fc.integer({ min: 1, max: 60 }).chain((length) =>
  fc.record({
    kinds: fc.array(
      fc.constantFrom<Kind>("call", "call", "call", "call", "repeat", "late_repeat", "bad", "none"),
      { minLength: length, maxLength: length },
    ),
    lost: fc.array(
      fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      {
        minLength: length,
        maxLength: length,
      },
    ),
    cuts: fc.array(fc.integer({ min: 1, max: length }), { maxLength: 12 }),
    isNoted: fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
    again: fc.array(fc.tuple(fc.nat(length), fc.nat(length)), { maxLength: 4 }),
  }),
);

let partition = 0;

/** Writes a history into a partition of its own; @returns the offsets that are lost within what was noted. */
async function play({ kinds, lost, cuts, isNoted, again }: History) {
  partition += 1;
  const at = NOW - 60_000 * partition;
  const records: LogRecord[] = [];
  const rows: CallRow[] = [];
  const letters: number[] = [];
  const lostOffsets: number[] = [];
  let lastCall: string | null = null;
  for (const [offset, given] of kinds.entries()) {
    const kind: Kind = (given === "repeat" || given === "late_repeat") && lastCall === null ? "call" : given;
    if (kind === "none") continue;
    const isNew: boolean = kind === "call" || kind === "bad";
    const id: string = isNew ? callId(partition, offset) : lastCall!;
    const value = kind === "bad" ? "{" : JSON.stringify({ call_id: id });
    records.push({
      partition,
      offset,
      timestamp: at,
      key: "foreign",
      value: new TextEncoder().encode(value),
      headers: {},
    });
    if (kind === "bad") letters.push(offset);
    if (kind !== "call") continue;
    if (lost[offset] === true) {
      lostOffsets.push(offset);
      continue;
    }
    lastCall = id;
    rows.push(callRow(id, offset, at));
  }
  await store.insertCalls(rows);
  await store.insertDeadLetters(
    letters.map((offset) => ({
      topic: "plumbline.calls",
      partition,
      offset,
      type: "dead_letter",
      tenant: "default",
      app: "",
      emitter_id: "",
      sequence: null,
      reason: "not_json",
      detail: "",
      bytes: 1,
      first_seen: iso(at),
      redriven_by: "",
      log_partition: 0,
      log_offset: offset,
      ingested_at: iso(at),
    })),
  );
  const ends = [...new Set([...cuts.filter((cut) => cut < kinds.length), kinds.length])].toSorted(
    (a, b) => a - b,
  );
  const ranges = ends.map((end, i) => [i === 0 ? 0 : ends[i - 1]!, end - 1] as const);
  const noted = [
    ...ranges.filter((_, i) => isNoted[i] === true),
    ...again.map(
      ([a, b]) => [Math.min(a, b, kinds.length - 1), Math.min(Math.max(a, b), kinds.length - 1)] as const,
    ),
  ];
  await store.insertIngestAudit(
    noted.map(([from, to]) => audit(kinds.slice(from, to + 1), from, to, at, letters)),
  );
  const first = Math.min(...noted.map(([from]) => from));
  const last = Math.max(...noted.map(([, to]) => to));
  return {
    window: { start: iso(at - 1), end: iso(at + 1) },
    lost: lostOffsets.filter((offset) => offset >= first && offset <= last),
    log: logOf(records),
  };
}

/** A note as the writer makes it: it believes that every row was stored. */
function audit(
  kinds: readonly Kind[],
  from: number,
  to: number,
  at: number,
  letters: readonly number[],
): IngestAudit {
  const dead = letters.filter((offset) => offset >= from && offset <= to).length;
  const duplicates = kinds.filter((kind) => kind === "repeat").length;
  return {
    topic: "plumbline.calls",
    log_partition: partition,
    from_offset: from,
    to_offset: to,
    rows: kinds.filter((kind) => kind !== "none").length - dead - duplicates,
    duplicates,
    dead_letters: dead,
    recovered: false,
    written_at: iso(at),
  };
}

function logOf(records: readonly LogRecord[], low = 0): ScanDeps["log"] {
  return {
    watermarks: async (topic: Topic) =>
      topic === "plumbline.calls" ? [{ partition, low, high: 1_000 }] : [{ partition: 0, low: 0, high: 0 }],
    committed: async () => ({ offset: 0, metadata: "" }),
    read: async (topic, _partition, from, { recordsMax = 10 }) =>
      topic === "plumbline.calls"
        ? records.filter(({ offset }) => offset >= from && offset >= low).slice(0, Math.min(recordsMax, 7))
        : [],
  };
}

test("the scan finds every record that was lost, and nothing else, whatever was noted, noted twice or not at all", async () => {
  let withLoss = 0;
  await fc.assert(
    fc.asyncProperty(history, async (each) => {
      const { window, lost, log } = await play(each);
      const scan = await findLostRecords({ store, log }, window);
      const [found] = scan.lost;
      expect({ records: found?.records ?? 0, first: found?.first_offset, last: found?.last_offset }).toEqual({
        records: lost.length,
        first: lost[0],
        last: lost.at(-1),
      });
      if (lost.length > 0) withLoss += 1;
    }),
    { numRuns: 50, seed: 11 },
  );
  expect(withLoss).toBeGreaterThan(15);
});

test("records that the log's retention removed before they were stored are lost, and said to have expired", async () => {
  const { window } = await play({
    kinds: ["call", "call", "call", "call", "call", "call"],
    lost: [false, true, true, true, false, false],
    cuts: [1, 4],
    isNoted: [true, false, true],
    again: [],
  });
  const scan = await findLostRecords({ store, log: logOf([], 4) }, window);
  expect(scan.lost).toEqual([
    {
      topic: "plumbline.calls",
      log_partition: partition,
      records: 3,
      first_offset: 1,
      last_offset: 3,
      expired: 3,
    },
  ]);
});

test("what expired while the writer was stopped is found from the last batch before it, however long ago", async () => {
  partition += 1;
  const at = NOW - 60_000 * partition;
  const kinds = Array.from({ length: 10 }, (): Kind => "call");
  const rows = [0, 1, 8, 9].map((offset) => callRow(callId(partition, offset), offset, at));
  await store.insertCalls(rows);
  await store.insertIngestAudit([
    audit(kinds.slice(0, 2), 0, 1, at - 8 * 86_400_000, []),
    audit(kinds.slice(8), 8, 9, at, []),
  ]);
  const scan = await findLostRecords({ store, log: logOf([], 8) }, { start: iso(at - 1), end: iso(at + 1) });
  expect(scan.lost).toMatchObject([
    { log_partition: partition, first_offset: 2, last_offset: 7, expired: 6 },
  ]);
});

test("another tenant's call of the same id is not taken for the one that is lost", async () => {
  const { window, log } = await play({
    kinds: ["call", "call", "call"],
    lost: [false, true, false],
    cuts: [],
    isNoted: [true],
    again: [],
  });
  const other = callRow(callId(partition, 1), 900, Date.parse(window.start));
  await store.insertCalls([{ ...other, tenant: "somebody-else", log_partition: 60_000 }]);
  expect((await findLostRecords({ store, log }, window)).lost).toMatchObject([
    { records: 1, first_offset: 1 },
  ]);
});

test("a dead letter that is not in its table yet is not lost", async () => {
  const { window, log } = await play({
    kinds: ["call", "call", "call"],
    lost: [false, true, false],
    cuts: [],
    isNoted: [true],
    again: [],
  });
  const letter: LogRecord = {
    partition: 0,
    offset: 0,
    timestamp: 0,
    key: "",
    value: new Uint8Array(),
    headers: { topic: "plumbline.calls", partition: String(partition), offset: "1" },
  };
  const behind: ScanDeps["log"] = {
    ...log,
    watermarks: async (topic) =>
      topic === "plumbline.calls" ? log.watermarks(topic) : [{ partition: 0, low: 0, high: 1 }],
    read: async (topic, at, from, limits) =>
      topic === "plumbline.calls" ? log.read(topic, at, from, limits) : from === 0 ? [letter] : [],
  };
  expect((await findLostRecords({ store, log: behind }, window)).lost).toEqual([]);
  expect((await findLostRecords({ store, log }, window)).lost).toHaveLength(1);
});

function callId(of: number, offset: number): string {
  return `0198f3a0-0000-7000-8000-${of.toString(16).padStart(6, "0")}${offset.toString(16).padStart(6, "0")}`;
}

function callRow(id: string, offset: number, at: number): CallRow {
  const call = LlmCall.parse({
    call_id: id,
    started_at: iso(at),
    app: "a",
    use_case: "u",
    model: "m",
    status: "ok",
    latency_ms: 1,
  });
  return {
    tenant: "default",
    call,
    prompt_version: "",
    conversation_id: id,
    started_at: iso(at),
    clock_skew_ms: 0,
    cost_usd: null,
    slices: [],
    features: {},
    is_sampled: false,
    sample_rate: 0.05,
    flags: [],
    log_partition: partition,
    log_offset: offset,
    ingested_at: iso(at),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
