/**
 * The delivery protocol against a store that fails in every way that a real one was seen to fail: refused blocks,
 * half-written blocks, answers that got lost, and the end of the process between any two steps.
 */
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { StoreError, type EventLog, type LogRecord, type Origin } from "@plumbline/ports";
import { pino } from "pino";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createDelivery, type Destination } from "./delivery.ts";

const TOPIC = "plumbline.calls";
const silent = pino({ level: "silent" });

interface Row extends Origin {
  readonly value: string;
}

/** What the next insert does: keeps all rows, keeps some and fails, or keeps all and loses the answer. */
type Fault = "none" | "refuse_all" | "half" | "lost_answer" | "end_of_process";

class EndOfProcess extends Error {}

/** A table that may hold an offset twice, as a plain MergeTree would. */
function createTable(nextFault: () => Fault) {
  const rows: Row[] = [];
  return {
    rows,
    destination: {
      topic: TOPIC,
      group: "writer",
      warmUpOffsets: 0,
      createState: () => null,
      warmUp: () => undefined,
      prepare: (records: readonly LogRecord[]) => {
        const all = records.map((record) => ({ record, value: new TextDecoder().decode(record.value) }));
        return {
          rows: all
            .filter((each) => !each.value.startsWith("bad"))
            .map(({ record, value }) => toRow(record, value)),
          rejected: all
            .filter((each) => each.value.startsWith("bad"))
            .map(({ record }) => ({ record, reason: "schema:value", detail: "value: is bad" })),
          duplicates: 0,
        };
      },
      insert: async (block: readonly Row[]) => {
        if (block.some((row) => row.value.startsWith("poison")))
          throw new StoreError("store_data", "cannot parse", { clickhouseCode: 27 });
        const fault = nextFault();
        if (fault === "refuse_all") throw new StoreError("store_retriable", "too many parts");
        if (fault === "half") {
          rows.push(...block.filter((_, i) => i % 2 === 0));
          throw new StoreError("store_unknown", "timeout");
        }
        rows.push(...block);
        if (fault === "lost_answer") throw new StoreError("store_unknown", "socket closed");
        if (fault === "end_of_process") throw new EndOfProcess();
      },
      storedOffsets: async ({ from, to }: { from: number; to: number }) =>
        new Set(rows.map((row) => row.log_offset).filter((offset) => offset >= from && offset <= to)),
    } satisfies Destination<Row, null>,
  };
}

function toRow(record: LogRecord, value: string): Row {
  return { log_partition: record.partition, log_offset: record.offset, ingested_at: "", value };
}

/** Runs writers one after another, a new one whenever the last one ended, until everything is committed. */
async function runUntilDone(
  log: EventLog,
  destination: Destination<Row, null>,
  clock: VirtualClock,
): Promise<void> {
  const [mark] = await log.watermarks(TOPIC);
  for (let lives = 0; lives < 200; lives++) {
    const abort = new AbortController();
    const deliver = createDelivery(destination, {
      log,
      clock,
      logger: silent,
      recordAudit: async () => undefined,
    });
    const ended = log
      .subscribe(TOPIC, { group: "writer", signal: abort.signal, recordsMax: 7 }, deliver)
      .then(
        () => null,
        (error: unknown) => error,
      )
      .finally(() => abort.abort());
    while (!abort.signal.aborted) {
      await clock.advance(60_000);
      const { offset, metadata } = await log.committed("writer", TOPIC, 0);
      if (metadata === "" && offset >= (mark?.high ?? 0)) abort.abort();
    }
    const fault = await ended;
    if (fault !== null && !(fault instanceof EndOfProcess)) throw fault;
    const { offset, metadata } = await log.committed("writer", TOPIC, 0);
    if (metadata === "" && offset >= (mark?.high ?? 0)) return;
  }
  throw new Error("did not finish within 200 lives");
}

async function appendValues(log: EventLog, values: readonly string[]): Promise<void> {
  await log.append(
    TOPIC,
    values.map((value, i) => ({ key: `k${i}`, value: new TextEncoder().encode(value) })),
  );
}

test("every record is stored exactly once through refused, half-written and unanswered inserts and ends of the process", async () => {
  const faults = fc.array(
    fc.constantFrom<Fault>("none", "refuse_all", "half", "lost_answer", "end_of_process"),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(faults, fc.integer({ min: 1, max: 60 }), async (plan, count) => {
      const clock = new VirtualClock(0);
      const log = createMemoryEventLog({ clock });
      await appendValues(
        log,
        Array.from({ length: count }, (_, i) => `v${i}`),
      );
      const left = [...plan];
      const { rows, destination } = createTable(() => left.shift() ?? "none");
      await runUntilDone(log, destination, clock);
      expect(rows.map((row) => row.log_offset).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: count }, (_, i) => i),
      );
    }),
    { numRuns: 60, seed: 7 },
  );
});

test("a record that can't become a row goes to the dead letters with its bytes and reason, and its neighbours are stored", async () => {
  const clock = new VirtualClock(0);
  const log = createMemoryEventLog({ clock });
  await appendValues(log, ["a", "bad one", "b"]);
  const { rows, destination } = createTable(() => "none");
  await runUntilDone(log, destination, clock);
  expect(rows.map((row) => row.value)).toEqual(["a", "b"]);
  const [letter] = await log.read("plumbline.calls.dead_letter", 0, 0, { recordsMax: 10 });
  expect(new TextDecoder().decode(letter!.value)).toBe("bad one");
  expect(letter!.headers).toMatchObject({
    topic: TOPIC,
    offset: "1",
    reason: "schema:value",
    detail: "value: is bad",
  });
});

test("a row that the store refuses is cut out alone, wherever it stands in its block", async () => {
  const clock = new VirtualClock(0);
  const log = createMemoryEventLog({ clock });
  const values = Array.from({ length: 40 }, (_, i) => (i === 3 || i === 28 ? `poison ${i}` : `v${i}`));
  await appendValues(log, values);
  const { rows, destination } = createTable(() => "none");
  await runUntilDone(log, destination, clock);
  expect(rows.map((row) => row.log_offset).toSorted((a, b) => a - b)).toEqual(
    values.flatMap((value, i) => (value.startsWith("poison") ? [] : [i])),
  );
  const letters = await log.read("plumbline.calls.dead_letter", 0, 0, { recordsMax: 10 });
  expect(letters.map((letter) => letter.headers["offset"])).toEqual(["3", "28"]);
  expect(letters[0]!.headers["reason"]).toBe("store:27");
});

test("a store that refuses everything stops the writer instead of draining the topic into the dead letters", async () => {
  const clock = new VirtualClock(0);
  const log = createMemoryEventLog({ clock });
  await appendValues(
    log,
    Array.from({ length: 300 }, (_, i) => `poison ${i}`),
  );
  const { destination } = createTable(() => "none");
  await expect(runUntilDone(log, destination, clock)).rejects.toThrow(/refused 101 rows in a row/);
});

test("wrong credentials stop the writer at once and commit nothing past the batch", async () => {
  const clock = new VirtualClock(0);
  const log = createMemoryEventLog({ clock });
  await appendValues(log, ["a", "b"]);
  const { destination } = createTable(() => "none");
  const refusing: Destination<Row, null> = {
    ...destination,
    insert: async () => {
      throw new StoreError("store_config", "authentication failed", { clickhouseCode: 516 });
    },
  };
  await expect(runUntilDone(log, refusing, clock)).rejects.toThrow("authentication failed");
  expect((await log.committed("writer", TOPIC, 0)).offset).toBe(0);
});
