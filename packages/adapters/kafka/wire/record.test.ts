import type { LogRecord } from "@plumbline/ports";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sliceRecords, toLogRecord, toOffset } from "./record.ts";

const record = (offset: number, bytes: number): LogRecord => ({
  partition: 0,
  offset,
  timestamp: 1,
  key: "",
  value: new Uint8Array(bytes),
  headers: {},
});

test("slices lose nothing, keep the order and both limits, and are as long as they may be", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(200), { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 400 }),
      (sizes, recordsMax, bytesMax) => {
        const records = sizes.map((bytes, offset) => record(offset, bytes));
        const slices = [...sliceRecords(records, { recordsMax, bytesMax })];
        const bytesOf = (slice: readonly LogRecord[]): number =>
          slice.reduce((sum, each) => sum + each.value.byteLength, 0);

        expect(slices.flat()).toEqual(records);
        for (const [i, slice] of slices.entries()) {
          expect(slice.length).toBeGreaterThan(0);
          expect(slice.length).toBeLessThanOrEqual(recordsMax);
          expect(slice.length === 1 || bytesOf(slice) <= bytesMax).toBe(true);
          const next = slices[i + 1]?.[0];
          if (next === undefined) continue;
          expect(slice.length === recordsMax || bytesOf(slice) + next.value.byteLength > bytesMax).toBe(true);
        }
      },
    ),
  );
});

test("what other producers leave out or repeat becomes plain text", () => {
  const headers = { once: Buffer.from("1"), twice: [Buffer.from("a"), Buffer.from("b")], none: undefined };
  const found = toLogRecord(3, { offset: "7", timestamp: "1700000000000", key: null, value: null, headers });
  expect(found).toMatchObject({ partition: 3, offset: 7, timestamp: 1_700_000_000_000, key: "" });
  expect(found.headers).toEqual({ once: "1", twice: "a", none: "" });
  expect(found.value.byteLength).toBe(0);
});

test("an offset that a number cannot hold is refused, not rounded", () => {
  expect(toOffset("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => toOffset("9007199254740992")).toThrow(RangeError);
});
