/**
 * What every `EventLog` must do. Each adapter's test runs this suite against its own technology.
 *
 * The suite assumes nothing about what a topic already holds or how many partitions it has: it uses fresh group
 * names and fresh keys, and looks only at its own records. The topics must exist. Joining a group may take seconds.
 *
 * Rules that the port leaves open and this suite fixes:
 * - An append is refused as a whole. When one record is over the topic's `record_bytes_max` (bytes of key, value
 *   and headers together), it rejects with `record_too_large` and none of its records is written.
 * - A batch in flight when its reader is stopped may still commit until its `handle` settles, so that a clean
 *   stop repeats nothing. Later commits are `not_assigned`.
 */
import { randomUUID } from "node:crypto";
import { TOPICS, type Topic } from "@plumbline/schemas";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LogError } from "./errors.ts";
import { refuseGap } from "./refuse-gap.fixture.ts";
import {
  READ_BYTES_MAX,
  type Batch,
  type EventLog,
  type Gap,
  type LogRecord,
  type NewRecord,
  type SubscribeOptions,
} from "./event-log.ts";

export interface EventLogUnderTest {
  readonly log: EventLog;
  /** Opens the same data again after `log` was closed. Absent where nothing outlives `close`. */
  readonly reopen?: () => Promise<EventLog>;
  /** Removes a partition's records below an offset, as retention does. Absent where nothing can. */
  readonly removeBefore?: (topic: Topic, partition: number, offset: number) => Promise<void>;
  /** Removes what `open` made. Called after every log was closed. */
  readonly close: () => Promise<void>;
}

/** Has several partitions on Kafka. */
const MANY: Topic = "plumbline.calls";
/** Has one partition everywhere. */
const ONE: Topic = "plumbline.registry";
const SCHEDULE: Topic = "plumbline.schedule";

/** Longest wait for something that must happen, ms: a group join on Kafka takes seconds. */
const PATIENCE_MS = 60_000;

/** @param options.removesRecords whether `open` gives `removeBefore`; without it nothing is asked about retention */
export function eventLogContract(
  name: string,
  open: () => Promise<EventLogUnderTest>,
  options: { readonly removesRecords: boolean },
): void {
  describe(`${name} keeps the contract of the event log`, { timeout: 2 * PATIENCE_MS }, () => {
    let opened: EventLogUnderTest;
    let log: EventLog;
    /** Unique per test: the prefix of its keys and the name of its group. */
    let own: string;
    const cleanUp: (() => Promise<unknown>)[] = [];

    beforeEach(async () => {
      own = `contract-${randomUUID()}`;
      opened = await open();
      cleanUp.push(opened.close);
      log = opened.log;
      cleanUp.push(() => opened.log.close());
    });

    afterEach(async () => {
      for (const step of cleanUp.splice(0).toReversed()) await step();
    });

    const ownRecord = (suffix: string, value = suffix): NewRecord => ({
      key: `${own}-${suffix}`,
      value: bytes(value),
    });
    const isOwn = (record: LogRecord): boolean => record.key.startsWith(own);

    /** Starts a reader that is stopped at the end of the test. */
    function startReader(
      reading: EventLog,
      topic: Topic,
      options: Partial<SubscribeOptions> = {},
      handle: (batch: Batch) => Promise<void> = async () => undefined,
    ): Reader {
      const reader = createReader(reading, topic, { group: own, onGap: refuseGap, ...options }, handle);
      cleanUp.push(() => reader.stop().catch(() => undefined));
      return reader;
    }

    async function reopened(): Promise<EventLog> {
      if (opened.reopen === undefined) throw new Error("this log cannot be reopened");
      await log.close();
      const again = await opened.reopen();
      cleanUp.push(() => again.close());
      return again;
    }

    test("keeps its identity as long as it is kept", async () => {
      const identity = await log.identity();
      expect(identity).toMatch(/^[a-z]+:.+/);
      expect(await log.identity()).toBe(identity);
      if (opened.reopen !== undefined) expect(await (await reopened()).identity()).toBe(identity);
    });

    describe("append", () => {
      test("resolves the position of each record, in the order of the records", async () => {
        const records = Array.from({ length: 20 }, (_, i) => ownRecord(`${i}`));
        const positions = await log.append(MANY, records);

        expect(positions).toHaveLength(20);
        for (const [i, position] of positions.entries()) {
          const [found] = await log.read(MANY, position.partition, position.offset, { recordsMax: 1 });
          expect(text(found!)).toBe(`${i}`);
          expect(found).toMatchObject({ ...position, key: `${own}-${i}` });
        }
      });

      test("keeps equal keys in one partition and in order", async () => {
        const same = (value: string): NewRecord => ownRecord("same", value);
        const first = await log.append(MANY, [same("0"), ownRecord("other"), same("1")]);
        const second = await log.append(MANY, [same("2")]);
        const positions = [first[0]!, first[2]!, second[0]!];

        expect(new Set(positions.map((each) => each.partition)).size).toBe(1);
        const offsets = positions.map((each) => each.offset);
        expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        const found = await log.read(MANY, positions[0]!.partition, offsets[0]!, { recordsMax: 1_000 });
        expect(found.filter((each) => each.key === `${own}-same`).map(text)).toEqual(["0", "1", "2"]);
      });

      test("is possible while the log takes records, and adds none by being asked", async () => {
        const before = await log.watermarks(MANY);
        await log.assertAppendable(MANY);
        expect(await log.watermarks(MANY)).toEqual(before);
      });

      test("of nothing is nothing", async () => {
        expect(await log.append(ONE, [])).toEqual([]);
      });

      test("stores keys, headers and values as they are", async () => {
        const value = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
        const headers = { tenant: "größe 東京 🧭", empty: "" };
        const key = `${own}-Ünïcode 東京 🧭`;
        const [position] = await log.append(MANY, [{ key, value, headers }]);
        const [found] = await log.read(MANY, position!.partition, position!.offset, { recordsMax: 1 });

        expect(found!.key).toBe(key);
        expect(found!.headers).toEqual(headers);
        expect(Array.from(found!.value)).toEqual(Array.from(value));
        expect(found!.timestamp).toBeGreaterThan(0);
      });

      test("stores an empty value, and a record without headers", async () => {
        const [position] = await log.append(MANY, [{ key: own, value: new Uint8Array() }]);
        const [found] = await log.read(MANY, position!.partition, position!.offset, { recordsMax: 1 });

        expect(found!.value.byteLength).toBe(0);
        expect(found!.headers).toEqual({});
      });

      test("stores a value of 900 KB", async () => {
        const value = new Uint8Array(900_000).fill(7);
        const [position] = await log.append(MANY, [{ key: own, value }]);
        const [found] = await log.read(MANY, position!.partition, position!.offset, { recordsMax: 1 });

        expect(Buffer.compare(found!.value, value)).toBe(0);
      });

      test("is refused as a whole when one record is too large, and the log goes on", async () => {
        const tooLarge = new Uint8Array(TOPICS[ONE].record_bytes_max + 1);
        const refused = log.append(ONE, [
          ownRecord("before"),
          { key: `${own}-large`, value: tooLarge },
          ownRecord("after"),
        ]);
        await expect(refused).rejects.toBeInstanceOf(LogError);
        await expect(refused).rejects.toMatchObject({ code: "record_too_large", retryable: false });

        const [position] = await log.append(ONE, [ownRecord("next")]);
        const found = await log.read(ONE, 0, Math.max(0, position!.offset - 10), { recordsMax: 1_000 });
        expect(found.filter(isOwn).map(text)).toEqual(["next"]);
      });
    });

    describe("read", () => {
      test("returns at most `recordsMax` records from an offset on, oldest first", async () => {
        const positions = await log.append(
          ONE,
          Array.from({ length: 10 }, (_, i) => ownRecord(`${i}`)),
        );
        const offsets = positions.map((each) => each.offset);

        const middle = await log.read(ONE, 0, offsets[3]!, { recordsMax: 4 });
        expect(middle.map(text)).toEqual(["3", "4", "5", "6"]);
        expect(middle.map((each) => each.offset)).toEqual(offsets.slice(3, 7));
        expect((await log.read(ONE, 0, offsets[8]!, { recordsMax: 1_000 })).filter(isOwn).map(text)).toEqual([
          "8",
          "9",
        ]);
      });

      test("returns at most `bytesMax` bytes of values, but a record that alone is larger", async () => {
        const sizes = [400, 400, 400, 5_000, 400];
        const [first] = await log.append(
          ONE,
          sizes.map((size) => ({ key: own, value: new Uint8Array(size) })),
        );

        const reads: number[][] = [];
        for (let next = first!.offset; reads.flat().length < sizes.length;) {
          const found = (await log.read(ONE, 0, next, { bytesMax: 1_000 })).filter(isOwn);
          reads.push(found.map((each) => each.value.byteLength));
          next = found.at(-1)!.offset + 1;
        }
        expect(reads).toEqual([[400, 400], [400], [5_000], [400]]);
      });

      test("keeps within bytes over many records, where they are read in slices", async () => {
        const count = 5_000;
        const positions = await log.append(
          ONE,
          Array.from({ length: count }, () => ({ key: own, value: new Uint8Array(100) })),
        );

        const found = await log.read(ONE, 0, positions[0]!.offset, { bytesMax: 450_050 });
        expect(found).toHaveLength(4_500);
        expect(found.at(-1)!.offset).toBe(positions[4_499]!.offset);
      });

      test("reads 10,000 records and 16 MiB at most when not told otherwise", async () => {
        const [large] = await log.append(
          ONE,
          Array.from({ length: 20 }, () => ({ key: own, value: new Uint8Array(900_000) })),
        );
        const found = await log.read(ONE, 0, large!.offset, {});
        expect(found.length * 900_000).toBeLessThanOrEqual(READ_BYTES_MAX);
        expect((found.length + 1) * 900_000).toBeGreaterThan(READ_BYTES_MAX);
      });

      test("returns nothing past the end", async () => {
        await log.append(ONE, [ownRecord("last")]);
        const [watermark] = await log.watermarks(ONE);
        expect(await log.read(ONE, 0, watermark!.high, { recordsMax: 10 })).toEqual([]);
        expect(await log.read(ONE, 0, watermark!.high + 1_000, { recordsMax: 10 })).toEqual([]);
      });
    });

    test("watermarks name every partition and grow with what is appended", async () => {
      const before = await log.watermarks(MANY);
      expect(before.map((each) => each.partition)).toEqual(before.map((_, i) => i));
      const positions = await log.append(
        MANY,
        Array.from({ length: 32 }, (_, i) => ownRecord(`${i}`)),
      );

      for (const { partition, low, high } of await log.watermarks(MANY)) {
        const offsets = positions.filter((each) => each.partition === partition).map((each) => each.offset);
        expect(low).toBeLessThanOrEqual(high);
        expect(high).toBe(offsets.length === 0 ? before[partition]!.high : Math.max(...offsets) + 1);
      }
    });

    if (options.removesRecords)
      describe("retention", () => {
        test("that overtakes a group is told as a gap, and what the group committed is left alone", async () => {
          const positions = await log.append(
            ONE,
            Array.from({ length: 6 }, (_, i) => ownRecord(`${i}`)),
          );
          const offsets = positions.map((each) => each.offset);
          const intent = { offset: offsets[1]!, metadata: "an open intent" };
          const first = startReader(log, ONE, {}, async ({ partition, records }) => {
            if (records.some(isOwn)) await log.commit(own, ONE, partition, intent);
          });
          await first.until(() => first.records().filter(isOwn).length === 6);
          await first.stop();
          await opened.removeBefore!(ONE, 0, offsets[4]!);

          const told: (Gap | string)[] = [];
          const second = startReader(
            log,
            ONE,
            {
              onGap: async (gap) => {
                expect(await log.committed(own, ONE, 0)).toEqual(intent);
                told.push(gap);
              },
            },
            async ({ records }) => void told.push(...records.filter(isOwn).map(text)),
          );
          await second.until(() => second.records().filter(isOwn).length === 2);
          expect(await log.committed(own, ONE, 0)).toEqual(intent);
          const { assignment } = second.batches[0]!;
          const gap = {
            topic: ONE,
            partition: 0,
            from: offsets[1],
            to: offsets[4]! - 1,
            reason: "expired",
            assignment,
          };
          expect(told).toEqual([expect.objectContaining(gap), "4", "5"]);

          // Whoever commits past a gap has dealt with it.
          await log.commit(own, ONE, 0, { offset: offsets[5]! + 1, metadata: "" });
          await second.stop();
          await log.append(ONE, [ownRecord("6")]);
          const third = startReader(log, ONE);
          await third.until(() => third.records().filter(isOwn).length === 1);
          await third.stop();
        });

        test("that removed a gap's every record still lets the reader tell of it, and go on", async () => {
          const [position] = await log.append(ONE, [ownRecord("0"), ownRecord("1")]);
          const { offset } = position!;
          const first = startReader(log, ONE, {}, async ({ partition, records }) => {
            if (records.some(isOwn)) await log.commit(own, ONE, partition, { offset, metadata: "" });
          });
          await first.until(() => first.records().filter(isOwn).length === 2);
          await first.stop();
          await opened.removeBefore!(ONE, 0, offset + 2);

          let told: Gap | null = null;
          const second = startReader(log, ONE, { onGap: async (gap) => void (told = gap) });
          await expect
            .poll(() => told, { timeout: PATIENCE_MS })
            .toMatchObject({ from: offset, to: offset + 1 });
          await log.append(ONE, [ownRecord("2")]);
          await second.until(() => second.records().filter(isOwn).map(text).join() === "2");
          await second.stop();
        });

        test("is no gap to a group that never committed", async () => {
          const positions = await log.append(ONE, [ownRecord("0"), ownRecord("1")]);
          await opened.removeBefore!(ONE, 0, positions[1]!.offset);
          const reader = startReader(log, ONE);
          await reader.until(() => reader.records().filter(isOwn).map(text).join() === "1");
          await reader.stop();
        });
      });

    describe("subscribe", () => {
      test("hands everything over once, in order, from the oldest record on", async () => {
        const early = Array.from({ length: 30 }, (_, i) => ownRecord(`${i % 7}`, `${i}`));
        const late = Array.from({ length: 30 }, (_, i) => ownRecord(`${(30 + i) % 7}`, `${30 + i}`));
        const positions = [...(await log.append(MANY, early))];
        const reader = startReader(log, MANY);
        await reader.until(() => reader.records().filter(isOwn).length >= 30);
        positions.push(...(await log.append(MANY, late)));
        await reader.until(() => reader.records().filter(isOwn).length >= 60);
        await reader.stop();

        const place = (each: { partition: number; offset: number }): string =>
          `${each.partition}:${each.offset}`;
        const found = reader.records().filter(isOwn);
        expect(found.map(place).toSorted()).toEqual(positions.map(place).toSorted());
        for (const [i, position] of positions.entries()) {
          const record = found.find((each) => place(each) === place(position))!;
          expect([record.key, text(record)]).toEqual([`${own}-${i % 7}`, `${i}`]);
        }
        expectRisingOffsets(reader.records());
      });

      test("hands over batches of one partition, no longer than `recordsMax`", async () => {
        await log.append(
          MANY,
          Array.from({ length: 25 }, (_, i) => ownRecord(`${i}`)),
        );
        const reader = startReader(log, MANY, { recordsMax: 4 });
        await reader.until(() => reader.records().filter(isOwn).length === 25);
        await reader.stop();

        for (const batch of reader.batches) {
          expect(batch.topic).toBe(MANY);
          expect(batch.records.length).toBeGreaterThan(0);
          expect(batch.records.length).toBeLessThanOrEqual(4);
          expect(batch.records.every((each) => each.partition === batch.partition)).toBe(true);
          expect(batch.highWatermark).toBeGreaterThan(batch.records.at(-1)!.offset);
        }
        expectRisingOffsets(reader.records());
      });

      test("hands over no more than `bytesMax`, but a record that alone is larger", async () => {
        const sizes = [400, 400, 400, 5_000, 400, 400];
        await log.append(
          MANY,
          sizes.map((size) => ({ key: `${own}-same`, value: new Uint8Array(size) })),
        );
        const reader = startReader(log, MANY, { bytesMax: 1_000 });
        await reader.until(() => reader.records().filter(isOwn).length === sizes.length);
        await reader.stop();

        for (const batch of reader.batches) {
          const size = batch.records.reduce((sum, each) => sum + each.value.byteLength, 0);
          expect(batch.records.length === 1 || size <= 1_000).toBe(true);
        }
        const found = reader.records().filter(isOwn);
        expect(found.map((each) => each.value.byteLength)).toEqual(sizes);
      });

      test("has one batch of a partition in flight, and the next waits for it", async () => {
        const inFlight = new Map<number, number>();
        let inFlightMax = 0;
        let release = (): void => undefined;
        const blocked = new Promise<void>((resolve) => (release = resolve));
        const [{ partition } = { partition: -1 }] = await log.append(MANY, [ownRecord("same")]);
        const blockedBatches = (): Batch[] =>
          reader.batches.filter((each) => each.partition === partition && each.records.some(isOwn));

        const reader = startReader(log, MANY, { recordsMax: 1 }, async (batch) => {
          const count = (inFlight.get(batch.partition) ?? 0) + 1;
          inFlight.set(batch.partition, count);
          inFlightMax = Math.max(inFlightMax, count);
          if (batch.records.some(isOwn)) await blocked;
          inFlight.set(batch.partition, count - 1);
        });
        await reader.until(() => blockedBatches().length === 1);
        await log.append(MANY, [ownRecord("same"), ownRecord("same")]);
        // Time in which a log that ignores backpressure would hand over the next batch.
        await new Promise((resolve) => setTimeout(resolve, 200));
        expect(blockedBatches()).toHaveLength(1);
        release();
        await reader.until(() => blockedBatches().length === 3);
        await reader.stop();

        expect(inFlightMax).toBe(1);
      });

      test("lets each group read everything, independent of the others", async () => {
        await log.append(MANY, [ownRecord("a"), ownRecord("b")]);
        const left = startReader(log, MANY, { group: `${own}-left` });
        const right = startReader(log, MANY, { group: `${own}-right` });

        await left.until(() => left.records().filter(isOwn).length === 2);
        await right.until(() => right.records().filter(isOwn).length === 2);
      });

      test("resolves after the batch in flight when its signal aborts, and that batch may still commit", async () => {
        await log.append(MANY, [ownRecord("a")]);
        let finish = (): void => undefined;
        const blocked = new Promise<void>((resolve) => (finish = resolve));
        const reader = startReader(log, MANY, {}, async (batch) => {
          if (!batch.records.some(isOwn)) return;
          await blocked;
          await log.commit(own, MANY, batch.partition, endOf(batch, "finished"));
        });
        await reader.until(() => reader.records().some(isOwn));
        const inFlight = reader.batches.find((batch) => batch.records.some(isOwn))!;
        expect(inFlight.signal.aborted).toBe(false);

        let isResolved = false;
        const stopped = reader.stop().then(() => (isResolved = true));
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(inFlight.signal.aborted).toBe(true);
        expect(isResolved).toBe(false);
        finish();
        await stopped;
        expect(await log.committed(own, MANY, inFlight.partition)).toEqual(endOf(inFlight, "finished"));
      });

      test("resolves when its signal aborts while there is nothing to read", async () => {
        await log.append(MANY, [ownRecord("a")]);
        const reader = startReader(log, MANY);
        await reader.until(() => reader.records().some(isOwn));
        await reader.stop();
      });

      test("resolves at once when its signal has already aborted", async () => {
        await log.subscribe(MANY, { group: own, signal: AbortSignal.abort(), onGap: refuseGap }, async () => {
          throw new Error("must not be called");
        });
      });

      test("rejects with the fault of `handle`, and the batch is handed over again later", async () => {
        const [position] = await log.append(MANY, [ownRecord("a")]);
        const fault = new Error("disk on fire");
        const failing = startReader(log, MANY, {}, async (batch) => {
          if (batch.records.some(isOwn)) throw fault;
        });
        await expect(failing.finished).rejects.toBe(fault);

        const next = startReader(log, MANY);
        await next.until(() => next.records().some(isOwn));
        expect(next.records().find(isOwn)).toMatchObject(position!);
      });
    });

    describe("commit", () => {
      test("nothing is committed by itself: a new reader of the group gets everything again", async () => {
        const [{ partition } = { partition: -1 }] = await log.append(MANY, [ownRecord("a")]);
        const first = startReader(log, MANY);
        await first.until(() => first.records().some(isOwn));
        await first.stop();

        expect(await log.committed(own, MANY, partition)).toEqual({ offset: 0, metadata: "" });
        const second = startReader(log, MANY);
        await second.until(() => second.records().some(isOwn));
      });

      test("a new reader continues at the committed offset", async () => {
        const records = Array.from({ length: 6 }, (_, i) => ownRecord("same", `${i}`));
        const [{ partition } = { partition: -1 }] = await log.append(MANY, records);
        const first = startReader(log, MANY, { recordsMax: 1 }, async (batch) => {
          const value = batch.records.filter(isOwn).map(text)[0];
          if (value === undefined || Number(value) > 3) return;
          await log.commit(own, MANY, batch.partition, endOf(batch));
        });
        await first.until(() => first.records().filter(isOwn).length === 6);
        await first.stop();

        const second = startReader(log, MANY);
        const again = (): LogRecord[] => second.records().filter((each) => each.partition === partition);
        await second.until(() => again().length >= 2);
        expect(again().slice(0, 2).map(text)).toEqual(["4", "5"]);
      });

      test("metadata comes back as it was stored, up to 4,096 bytes", async () => {
        await log.append(MANY, [ownRecord("a")]);
        const longest = "m".repeat(4_096);
        const stored: string[] = [];
        let refusal: unknown;
        const reader = startReader(log, MANY, {}, async (batch) => {
          if (!batch.records.some(isOwn)) return;
          for (const metadata of ['{"v":1,"note":"größe 東京"}', "", longest]) {
            await log.commit(own, MANY, batch.partition, endOf(batch, metadata));
            stored.push((await log.committed(own, MANY, batch.partition)).metadata);
          }
          refusal = await log
            .commit(own, MANY, batch.partition, endOf(batch, `${longest}m`))
            .catch((error: unknown) => error);
          stored.push((await log.committed(own, MANY, batch.partition)).metadata);
        });
        await reader.until(() => stored.length === 4);

        expect(stored).toEqual(['{"v":1,"note":"größe 東京"}', "", longest, longest]);
        expect(refusal).toBeInstanceOf(Error);
      });

      test("an intent stored at the offset of an unfinished batch is there for the next reader", async () => {
        const [position] = await log.append(MANY, [ownRecord("a")]);
        const crash = new Error("crash");
        const first = startReader(log, MANY, { recordsMax: 1 }, async (batch) => {
          if (!batch.records.some(isOwn)) return;
          await log.commit(own, MANY, batch.partition, {
            offset: batch.records[0]!.offset,
            metadata: "intent",
          });
          throw crash;
        });
        await expect(first.finished).rejects.toBe(crash);

        const second = startReader(log, MANY);
        await second.until(() => second.records().some(isOwn));
        const { partition, offset } = position!;
        expect(second.records().find((each) => each.partition === partition)!.offset).toBe(offset);
        expect(await log.committed(own, MANY, partition)).toEqual({ offset, metadata: "intent" });
      });

      test("by somebody who does not hold the partition is refused", async () => {
        const [{ partition } = { partition: -1 }] = await log.append(MANY, [ownRecord("a")]);
        const refused = { name: "LogError", code: "not_assigned" };
        const commit = (): Promise<void> => log.commit(own, MANY, partition, { offset: 1, metadata: "" });
        await expect(commit()).rejects.toMatchObject(refused);

        const reader = startReader(log, MANY);
        await reader.until(() => reader.records().some(isOwn));
        await reader.stop();
        await expect(commit()).rejects.toMatchObject(refused);
        expect(await log.committed(own, MANY, partition)).toEqual({ offset: 0, metadata: "" });
      });
    });

    test("one group reads several topics at once, each with offsets of its own", async () => {
      const many = startReader(log, MANY);
      const one = startReader(log, ONE);
      await log.append(MANY, [ownRecord("many")]);
      await log.append(ONE, [ownRecord("one")]);
      await many.until(() => many.records().some(isOwn));
      await one.until(() => one.records().some(isOwn));
      expect(
        many
          .records()
          .filter(isOwn)
          .map((record) => record.key),
      ).toEqual([`${own}-many`]);
      expect(
        one
          .records()
          .filter(isOwn)
          .map((record) => record.key),
      ).toEqual([`${own}-one`]);
    });

    describe("claim", () => {
      test("gives a single member all partitions, and ends when its signal aborts", async () => {
        const stop = new AbortController();
        const claimed: (readonly number[])[] = [];
        for await (const partitions of log.claim(own, SCHEDULE, stop.signal)) {
          claimed.push(partitions);
          stop.abort();
        }

        const all = (await log.watermarks(SCHEDULE)).map((each) => each.partition);
        expect(claimed[0]!.toSorted((a, b) => a - b)).toEqual(all);
        expect(claimed).toHaveLength(1);
      });

      test("ends when its signal aborts while nothing changes", async () => {
        const stop = new AbortController();
        const claims = log.claim(own, SCHEDULE, stop.signal)[Symbol.asyncIterator]();
        expect((await claims.next()).done).toBe(false);
        const next = claims.next();
        stop.abort();
        expect((await next).done).toBe(true);
      });

      test("divides the partitions between two members, and gives them back when one leaves", async () => {
        const all = (await log.watermarks(SCHEDULE)).map((each) => each.partition);
        const stayStop = new AbortController();
        const leaveStop = new AbortController();
        const stay = follow(log.claim(own, SCHEDULE, stayStop.signal));
        await stay.until((held) => held.length === all.length);
        const leave = follow(log.claim(own, SCHEDULE, leaveStop.signal));
        const union = (): number[] =>
          [...(stay.held() ?? []), ...(leave.held() ?? [])].toSorted((a, b) => a - b);
        await leave.until(() => leave.held() !== undefined);
        await stay.until(() => union().join() === all.join());

        leaveStop.abort();
        await leave.finished;
        await stay.until((held) => held.length === all.length);
        stayStop.abort();
        await stay.finished;
      });
    });

    describe("close", () => {
      test("is idempotent, and nothing is accepted afterwards", async () => {
        await log.append(ONE, [ownRecord("a")]);
        await log.close();
        await log.close();
        await expect(log.append(ONE, [ownRecord("b")])).rejects.toBeInstanceOf(LogError);
      });

      test("waits for appends in flight", async () => {
        const appended = log.append(ONE, [ownRecord("a")]);
        await log.close();
        expect(await appended).toHaveLength(1);
      });

      test("loses nothing: records, offsets, cursors and metadata are there when opened again", async (context) => {
        context.skip(opened.reopen === undefined, "nothing outlives this log");
        const positions = await log.append(
          MANY,
          Array.from({ length: 5 }, (_, i) => ownRecord("same", `${i}`)),
        );
        const partition = positions[0]!.partition;
        const reader = startReader(log, MANY, { recordsMax: 1 }, async (batch) => {
          if (batch.records.filter(isOwn).map(text)[0] !== "2") return;
          await log.commit(own, MANY, batch.partition, endOf(batch, "kept"));
        });
        await reader.until(() => reader.records().filter(isOwn).length === 5);
        await reader.stop();
        const watermarks = await log.watermarks(MANY);

        const again = await reopened();
        expect(await again.watermarks(MANY)).toEqual(watermarks);
        expect(await again.committed(own, MANY, partition)).toEqual({
          offset: positions[2]!.offset + 1,
          metadata: "kept",
        });
        const found = await again.read(MANY, partition, positions[0]!.offset, { recordsMax: 1_000 });
        expect(found.filter(isOwn).map(text)).toEqual(["0", "1", "2", "3", "4"]);

        const [next] = await again.append(MANY, [ownRecord("same", "5")]);
        expect(next!.offset).toBeGreaterThan(positions[4]!.offset);
        const resumed = startReader(again, MANY);
        const fromPartition = (): LogRecord[] =>
          resumed.records().filter((each) => each.partition === partition);
        await resumed.until(() => fromPartition().length >= 3);
        expect(fromPartition().map(text)).toEqual(["3", "4", "5"]);
      });
    });
  });
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const bytes = (value: string): Uint8Array => encoder.encode(value);
const text = (record: LogRecord): string => decoder.decode(record.value);

function endOf(batch: Batch, metadata = ""): { offset: number; metadata: string } {
  return { offset: batch.records.at(-1)!.offset + 1, metadata };
}

function expectRisingOffsets(records: readonly LogRecord[]): void {
  const last = new Map<number, number>();
  for (const { partition, offset } of records) {
    expect(offset).toBeGreaterThan(last.get(partition) ?? -1);
    last.set(partition, offset);
  }
}

interface Reader {
  /** Every batch handed over so far, the one in flight included. */
  readonly batches: readonly Batch[];
  /** The records of `batches`, in order of delivery. */
  records(): LogRecord[];
  /** Resolves as soon as `condition` holds after a batch; rejects when the reader ended or nothing came in time. */
  until(condition: () => boolean): Promise<void>;
  stop(): Promise<void>;
  readonly finished: Promise<void>;
}

function createReader(
  log: EventLog,
  topic: Topic,
  options: Omit<SubscribeOptions, "signal">,
  handle: (batch: Batch) => Promise<void>,
): Reader {
  const batches: Batch[] = [];
  const stop = new AbortController();
  const progress = createProgress();
  const finished = log.subscribe(topic, { ...options, signal: stop.signal }, async (batch) => {
    batches.push(batch);
    progress.notify();
    await handle(batch);
    progress.notify();
  });
  finished.then(
    () => progress.end(new Error("the reader ended early")),
    (error: unknown) => progress.end(error),
  );
  return {
    batches,
    records: () => batches.flatMap((batch) => batch.records),
    until: (condition) => progress.until(condition),
    stop: () => {
      stop.abort();
      return finished;
    },
    finished,
  };
}

function follow(claims: AsyncIterable<readonly number[]>): {
  held(): readonly number[] | undefined;
  until(condition: (held: readonly number[]) => boolean): Promise<void>;
  readonly finished: Promise<void>;
} {
  let current: readonly number[] | undefined;
  const progress = createProgress();
  const finished = (async () => {
    for await (const partitions of claims) {
      current = partitions;
      progress.notify();
    }
  })();
  finished.then(
    () => progress.end(new Error("the claim ended early")),
    (error: unknown) => progress.end(error),
  );
  return {
    held: () => current,
    until: (condition) => progress.until(() => current !== undefined && condition(current)),
    finished,
  };
}

interface Progress {
  notify(): void;
  end(reason: unknown): void;
  until(condition: () => boolean): Promise<void>;
}

/** Waits for a condition that only events change; a condition over two sources is also looked at every 50 ms. */
function createProgress(): Progress {
  const waiting = new Set<() => void>();
  let ended: { readonly reason: unknown } | undefined;
  const notify = (): void => {
    for (const look of waiting) look();
  };
  return {
    notify,
    end(reason) {
      ended = { reason };
      notify();
    },
    until: (condition) =>
      new Promise<void>((resolve, reject) => {
        const settle = (act: () => void): void => {
          waiting.delete(look);
          clearTimeout(deadline);
          clearInterval(poll);
          act();
        };
        const look = (): void => {
          if (condition()) settle(resolve);
          else if (ended !== undefined) settle(() => reject(ended!.reason));
        };
        const late = new Error(`waited ${PATIENCE_MS} ms for: ${condition.toString()}`);
        const deadline = setTimeout(() => settle(() => reject(late)), PATIENCE_MS);
        const poll = setInterval(look, 50);
        waiting.add(look);
        look();
      }),
  };
}
