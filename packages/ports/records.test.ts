import { expect, test } from "vitest";
import type { LogRecord, ReadLimits } from "./event-log.ts";
import { oneReadAtATime, readEvent, readPages, scheduleSlot, writeEvent } from "./records.ts";

const Named = {
  safeParse: (json: unknown): { readonly data?: { readonly name: string } } => {
    const { name } = (json ?? {}) as { readonly name?: unknown };
    return typeof name === "string" ? { data: { name } } : {};
  },
};

test("a record is read back as it was written, and what is no event of the schema is null", () => {
  expect(readEvent({ value: writeEvent({ name: "é" }) }, Named)).toEqual({ name: "é" });
  expect(readEvent({ value: writeEvent({ name: 1 }) }, Named)).toBeNull();
  expect(readEvent({ value: Buffer.from("{") }, Named)).toBeNull();
  expect(readEvent({ value: Buffer.from([]) }, Named)).toBeNull();
});

/** A log whose records stand at these offsets only. */
function logAt(offsets: readonly number[]) {
  const reads: { readonly from: number; readonly limits: ReadLimits }[] = [];
  const read = async (
    _topic: string,
    partition: number,
    from: number,
    limits: ReadLimits,
  ): Promise<readonly LogRecord[]> => {
    reads.push({ from, limits });
    return offsets
      .filter((offset) => offset >= from)
      .slice(0, limits.recordsMax)
      .map((offset) => ({ partition, offset, timestamp: 0, key: "", value: Buffer.from(""), headers: {} }));
  };
  return { log: { read }, reads };
}

async function offsetsOf(pages: AsyncIterable<readonly LogRecord[]>): Promise<readonly number[][]> {
  const all: number[][] = [];
  for await (const page of pages) all.push(page.map(({ offset }) => offset));
  return all;
}

test("pages go to the end of the log, over gaps, and every read goes on where the one before ended", async () => {
  const { log, reads } = logAt([2, 3, 7, 11]);
  const pages = await offsetsOf(
    readPages(log, "plumbline.calls", 0, { from: 0, recordsMax: 3, bytesMax: 9 }),
  );
  expect(pages).toEqual([[2, 3, 7], [11]]);
  expect(reads.map(({ from }) => from)).toEqual([0, 8, 12]);
  expect(reads.every(({ limits }) => limits.bytesMax === 9)).toBe(true);
});

test("no page holds a record at or after `to`, also where offsets have gaps", async () => {
  const { log } = logAt([2, 3, 7, 11]);
  expect(await offsetsOf(readPages(log, "plumbline.calls", 0, { from: 2, to: 7 }))).toEqual([[2, 3]]);
  expect(await offsetsOf(readPages(log, "plumbline.calls", 0, { from: 4, to: 7 }))).toEqual([]);
  expect(await offsetsOf(readPages(log, "plumbline.calls", 0, { from: 7, to: 7 }))).toEqual([]);
});

test("a caller gets a read that began after it called, and shares it with everybody who waits", async () => {
  let begun = 0;
  const ends: (() => void)[] = [];
  const catchUp = oneReadAtATime(() => {
    begun += 1;
    return new Promise((resolve) => ends.push(resolve));
  });
  const first = catchUp();
  await Promise.resolve().then(() => undefined);
  await Promise.resolve();
  expect(begun).toBe(1);
  const second = catchUp();
  expect(catchUp()).toBe(second);
  ends[0]!();
  await first;
  await expect.poll(() => begun).toBe(2);
  ends[1]!();
  await second;
});

test("a read that fails is the fault of those who waited for it, and the next one begins all the same", async () => {
  const faults = [new Error("away"), null];
  const catchUp = oneReadAtATime(async () => {
    const fault = faults.shift();
    if (fault != null) throw fault;
  });
  await expect(catchUp()).rejects.toThrow("away");
  await catchUp();
});

test("a use case has the same slot on every machine", () => {
  expect(["ticket-summary", "triage", "", "é"].map((useCase) => scheduleSlot(useCase, 64))).toEqual([
    20, 9, 2, 62,
  ]);
});
