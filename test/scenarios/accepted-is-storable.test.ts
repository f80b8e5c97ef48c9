/**
 * What the collector accepts, the writer can store: every event that passes its door has an encoding, and the engine
 * takes it. One that had none would be refused again at every start.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CALL_PAYLOADS, CALLS, hasPayload } from "@plumbline/adapters/clickhouse/tables/call-tables";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { encodeBlocks } from "@plumbline/adapters/clickhouse/encode/encode-rows";
import { encodeNative } from "@plumbline/adapters/clickhouse/encode/encode-native";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { FEEDBACK } from "@plumbline/adapters/clickhouse/tables/tables";
import type { CallRow, LogRecord, Origin, Store } from "@plumbline/ports";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BodyItem } from "../../services/collector/split-body.ts";
import { readCall, readFeedback, type ReadEvent } from "../../services/collector/read-call.ts";
import { callDestination } from "../../services/writer/calls/call-destination.ts";
import type { Destination } from "../../services/writer/delivery/destination.ts";
import { createEnrichment } from "../../services/writer/calls/enrich-call.ts";
import { feedbackDestination } from "../../services/writer/event-destinations.ts";
import { withRecordTime } from "../../services/writer/delivery/record-time.ts";
import type { DestinationDeps } from "../../services/writer/delivery/stored-in.ts";

/** The engine's own: rows past their age are dropped by it. */
const NOW = Date.now();
const YEAR_MS = 365 * 86_400_000;
const RUNS = 3_000;

/** Only what becomes of a record is asked here; nothing is stored. */
const deps: DestinationDeps = { store: {} as Store, logEpoch: 0, recordAudit: async () => undefined };
const calls = callDestination(
  deps,
  createEnrichment({
    PLUMBLINE_JUDGE_SAMPLE_RATIO: 0.05,
    PLUMBLINE_SAMPLING_EPOCH: "1",
    PLUMBLINE_PINNED_SLICES: [],
  }),
);
const feedback = feedbackDestination(deps);

/** Mostly what the schema takes, or all events would be refused. */
const mostly = <Good, Bad>(good: fc.Arbitrary<Good>, bad: fc.Arbitrary<Bad>) =>
  fc.oneof({ arbitrary: good, weight: 12 }, { arbitrary: bad, weight: 1 });
const two = (min: number, max: number) => fc.integer({ min, max }).map((n) => String(n).padStart(2, "0"));
/** Times of every year, some of which no calendar has. */
const time = fc
  .tuple(
    fc.integer({ min: 0, max: 9_999 }).map((year) => String(year).padStart(4, "0")),
    two(1, 12),
    mostly(two(1, 28), two(29, 31)),
    mostly(two(0, 23), two(24, 24)),
    two(0, 59),
    two(0, 59),
    fc.constantFrom("", ".1", ".123", ".123456789"),
    fc.constantFrom("Z", "+14:00", "-12:00", "+23:59", "-23:59"),
  )
  .map(([y, m, d, h, min, s, f, zone]) => `${y}-${m}-${d}T${h}:${min}:${s}${f}${zone}`);
const anyTime = mostly(
  time,
  fc.constantFrom(
    "yesterday",
    "2026-02-30T00:00:00Z",
    "2026-11-24T24:00:00.000Z",
    "0001-01-01T00:00:00Z",
    "",
  ),
);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
);
const name = fc.oneof({ arbitrary: text, weight: 1 }, { arbitrary: fc.constantFrom("a", "b"), weight: 9 });
const number = fc.oneof(
  fc.integer({ min: 0, max: 1_000 }),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 1e6, 1e8, 4_294_967_296, Number.MAX_SAFE_INTEGER),
);
const count = mostly(fc.integer({ min: 0, max: 100_000_000 }), number);
const amount = mostly(fc.double({ min: 0, max: 1e6, noNaN: true }), number);
const odd = fc.oneof(fc.constant(null), fc.constant(undefined), number, name);
const strings = fc.dictionary(name, text, { maxKeys: 5 });

const anyCall = fc.record(
  {
    call_id: fc.oneof(
      fc.uuid(),
      fc.uuid().map((id) => id.toUpperCase()),
    ),
    started_at: anyTime,
    app: name,
    use_case: name,
    model: name,
    status: fc.constantFrom("ok", "error", "refused"),
    latency_ms: fc.integer({ min: 0, max: 10_000 }),
    prompt_version: mostly(name, odd),
    provider: name,
    ttft_ms: mostly(fc.integer({ min: 0, max: 10_000 }), odd),
    input_tokens: count,
    output_tokens: count,
    cost_usd: amount,
    sequence: mostly(fc.nat(), odd),
    dropped: mostly(fc.maxSafeInteger().map(Math.abs), number),
    conversation_id: mostly(name, odd),
    input: fc.option(text),
    output: fc.option(text),
    vars: fc.option(strings),
    attributes: strings,
    attempts: fc.array(
      fc.record({
        model: name,
        path: fc.constant("primary"),
        status: fc.constant("ok"),
        latency_ms: count,
        cost_usd: amount,
      }),
      { maxLength: 2 },
    ),
    something_new: fc.jsonValue(),
  },
  { requiredKeys: ["call_id", "app", "use_case", "model", "status", "latency_ms"] },
);

const anyFeedback = fc.record(
  {
    feedback_id: name,
    call_id: name,
    use_case: name,
    kind: fc.constantFrom("thumb", "label", "correction"),
    value: mostly(fc.constantFrom(0, 1, 0.5), number),
    criterion: fc.option(text),
    comment: fc.option(text),
    author: fc.option(text),
    given_at: anyTime,
  },
  { requiredKeys: ["feedback_id", "call_id", "use_case", "kind", "value", "given_at"] },
);

/** The row that an event becomes; null when the collector refuses it. */
function rowOf<Row extends Origin, State>(
  event: unknown,
  read: (item: BodyItem) => ReadEvent,
  destination: Destination<Row, State>,
  offset = 0,
): Row | null {
  const json = JSON.stringify(event);
  const accepted = read({ kind: "value", value: JSON.parse(json), bytes: Buffer.from(json) });
  if (accepted.kind === "rejected") return null;
  const { key, value } = accepted;
  const record: LogRecord = { partition: 0, offset, timestamp: NOW, key, value, headers: { tenant: "acme" } };
  const outcome = destination.prepare(withRecordTime(record, NOW), destination.createState());
  if (outcome.kind !== "row") throw new Error(`${JSON.stringify(outcome)} of ${json}`);
  return outcome.row;
}

const callRow = (event: unknown, offset?: number): CallRow | null =>
  rowOf(event, (item) => readCall(item, NOW), calls, offset);
const feedbackRow = (event: unknown, offset?: number) => rowOf(event, readFeedback, feedback, offset);

async function bytesOf(blocks: AsyncIterable<{ readonly bytes: Uint8Array }>): Promise<number> {
  let bytes = 0;
  for await (const block of blocks) bytes += block.bytes.length;
  return bytes;
}

test("every call and every piece of feedback that the collector accepts has an encoding", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(anyCall, anyFeedback, async (call, said) => {
      const row = callRow(call);
      if (row !== null) {
        accepted += 1;
        expect(await bytesOf(encodeNative([row], CALLS))).toBeGreaterThan(0);
        await bytesOf(encodeNative([row], CALL_PAYLOADS, hasPayload));
      }
      const given = feedbackRow(said);
      if (given !== null) {
        accepted += 1;
        expect(await bytesOf(encodeBlocks([given], FEEDBACK))).toBeGreaterThan(0);
      }
    }),
    { numRuns: RUNS, seed: 11 },
  );
  // Proves something only while both are accepted often enough.
  expect(accepted).toBeGreaterThan(RUNS / 5);
});

test("and the engine takes them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-storable-"));
  const clickhouse = await openEmbeddedClickHouse({ path: folder });
  try {
    const store = createClickHouseStore(clickhouse);
    await store.migrate();
    const rows = fc
      .sample(anyCall, { numRuns: 600, seed: 12 })
      .map((call, offset) => callRow(call, offset))
      .filter((row) => row !== null);
    await store.insertCalls(rows);
    // More months than a block may reach into by default.
    const said = fc
      .sample(anyFeedback, { numRuns: 600, seed: 13 })
      .map((each, offset) => feedbackRow({ ...each, feedback_id: `f${offset}` }, offset))
      .filter((row) => row !== null);
    await store.insertFeedback(said);
    expect(rows.length).toBeGreaterThan(60);
    expect(said.length).toBeGreaterThan(60);
    const range = { log_partition: 0, from: 0, to: 1_000 };
    expect(await store.storedOffsets("calls", range)).toEqual(new Set(rows.map((row) => row.log_offset)));
    const kept = said.filter(({ feedback: { given_at } }) => NOW - Date.parse(given_at) < YEAR_MS);
    expect(kept.length).toBeGreaterThan(60);
    const stored = await store.storedOffsets("feedback", range);
    expect(kept.filter((row) => !stored.has(row.log_offset))).toEqual([]);
  } finally {
    await clickhouse.close();
    await rm(folder, { recursive: true });
  }
});

test.each([
  "yesterday",
  "2026-02-30T10:00:00Z",
  "2026-11-24T09:15:00",
  "2026-11-24T24:00:00Z",
  "1764000000",
  "",
])("feedback given at %j is refused, by the name of the field and what to write", (given_at) => {
  const value = { feedback_id: "f", call_id: "c", use_case: "u", kind: "thumb", value: 1, given_at };
  expect(readFeedback({ kind: "value", value, bytes: Buffer.from(JSON.stringify(value)) })).toMatchObject({
    kind: "rejected",
    field: "given_at",
    message: "given_at must be an ISO 8601 time with a zone, such as 2026-11-24T09:15:00.000Z",
  });
});
