import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventLog, NewRecord, Gap } from "@plumbline/ports";
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import { eventLogContract } from "@plumbline/ports/event-log.contract";
import type { Topic } from "@plumbline/schemas";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { openLmdbEventLog, type LmdbEventLog, type LmdbEventLogOptions } from "./event-log.ts";

const START = "2026-03-01T00:00:00Z";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

for (const partitions of [1, 3]) {
  eventLogContract(
    `an lmdb log with ${partitions} partition(s)`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "plumbline-log-"));
      const clock = new VirtualClock(START);
      const reopen = () => openLmdbEventLog({ path: folder, clock, partitions, reserveBytes: 0 });
      return { log: await reopen(), reopen, close: () => rm(folder, { recursive: true }) };
    },
    { removesRecords: false },
  );
}

let path: string;
let clock: VirtualClock;
const opened: EventLog[] = [];

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-log-"));
  clock = new VirtualClock(START);
});

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
  await rm(path, { recursive: true });
});

async function openLog(options: Partial<LmdbEventLogOptions> = {}): Promise<LmdbEventLog> {
  const log = await openLmdbEventLog({ path, clock, reserveBytes: 0, ...options });
  opened.push(log);
  return log;
}

const records = (count: number, key = "key"): NewRecord[] =>
  Array.from({ length: count }, (_, i) => ({ key, value: Buffer.from(`${i}`) }));

/** Reads up to `offset` as `group` and commits there. */
async function commitAt(log: EventLog, group: string, topic: Topic, offset: number): Promise<void> {
  const stop = new AbortController();
  await log.subscribe(
    topic,
    { group, signal: stop.signal, recordsMax: 1, onGap: refuseGap },
    async (batch) => {
      if (batch.records[0]!.offset < offset - 1) return;
      await log.commit(group, topic, batch.partition, { offset, metadata: "" });
      stop.abort();
    },
  );
}

test("concurrent appends are durable, contiguous and in the order of the calls", async () => {
  const log = await openLog();
  const calls = Array.from({ length: 64 }, (_, i) => log.append("plumbline.calls", records(3, `${i}`)));
  const offsets = (await Promise.all(calls)).flat().map((each) => each.offset);
  expect(offsets).toEqual(Array.from({ length: 192 }, (_, i) => i));
});

test("a caller may use its buffer again as soon as append was called", async () => {
  const log = await openLog();
  const value = Buffer.from("before");
  const appended = log.append("plumbline.calls", [{ key: "key", value }]);
  value.fill("x");
  await appended;
  const [found] = await log.read("plumbline.calls", 0, 0, { recordsMax: 1 });
  expect(Buffer.from(found!.value).toString()).toBe("before");
});

test("records that were read stay as they are while the log goes on", async () => {
  const log = await openLog();
  await log.append("plumbline.calls", records(100));
  const found = await log.read("plumbline.calls", 0, 0, { recordsMax: 100 });
  await log.append("plumbline.calls", records(1_000));
  await log.read("plumbline.calls", 0, 0, { recordsMax: 10_000 });
  expect(found.map((each) => Buffer.from(each.value).toString())).toEqual(
    Array.from({ length: 100 }, (_, i) => `${i}`),
  );
});

test("a read of many slices is complete", async () => {
  const log = await openLog();
  await log.append("plumbline.calls", records(5_001));
  expect(await log.read("plumbline.calls", 0, 0, { recordsMax: 100_000 })).toHaveLength(5_001);
  expect(await log.read("plumbline.calls", 0, 1_000, { recordsMax: 4_000 })).toHaveLength(4_000);
});

test("records that are gone before a group came to them are told as a gap", async () => {
  const first = await openLog();
  await first.append("plumbline.calls", records(6));
  await commitAt(first, "writer", "plumbline.calls", 2);
  await first.close();
  await removeRecords(4);

  const log = await openLog();
  const told: unknown[] = [];
  const stop = new AbortController();
  const onGap = async (gap: Gap): Promise<void> => void told.push([gap.reason, gap.from, gap.to]);
  await log.subscribe("plumbline.calls", { group: "writer", signal: stop.signal, onGap }, async (batch) => {
    told.push(...batch.records.map((record) => record.offset));
    expect(await log.committed("writer", "plumbline.calls", 0)).toMatchObject({ offset: 2 });
    stop.abort();
  });
  expect(told).toEqual([["expired", 2, 3], 4, 5]);
});

/** Removes the oldest records of an idle folder, as a release with a shorter retention might have. */
async function removeRecords(count: number): Promise<void> {
  const root = open({ path, noSubdir: false, maxDbs: 3 });
  const kept = root.openDB<Buffer, Buffer>("records", { encoding: "binary", keyEncoding: "binary" });
  const oldest = Array.from(kept.getKeys({ limit: count }));
  for (const key of oldest) await kept.remove(key);
  await root.close();
}

describe("a folder", () => {
  test("that is open cannot be opened again, and the message says by whom and what to do", async () => {
    await openLog();
    await expect(openLog()).rejects.toMatchObject({ name: "ConfigError", code: "config" });
    await expect(openLog()).rejects.toThrow(
      /in use by this very process \(since 2026-03-01T.*another folder/,
    );
  });

  test("stays usable for its holder after somebody else was refused", async () => {
    const log = await openLog();
    await expect(openLog()).rejects.toThrow("in use");
    await log.append("plumbline.calls", records(1));
    expect(await log.read("plumbline.calls", 0, 0, { recordsMax: 10 })).toHaveLength(1);
  });

  test("can be opened again once closed", async () => {
    await (await openLog()).close();
    await (await openLog()).append("plumbline.calls", records(1));
  });

  test("whose holder is dead is taken over, also when its process id lives on in another process", async () => {
    await (await openLog()).close();
    for (const pid of [2 ** 22 + 1, process.pid, process.ppid]) {
      await writeHolder({ pid, started: "another boot:1", since: START });
      const log = await openLog();
      await log.append("plumbline.calls", records(1));
      await log.close();
    }
  });

  test("taken over by a process that we cannot see takes no more writes from us", async () => {
    const log = await openLog();
    await log.append("plumbline.calls", records(1));
    await writeHolder({ pid: 1, started: "elsewhere:1", since: START });

    const refused = { code: "log_unavailable", retryable: false };
    await expect(log.append("plumbline.calls", records(1))).rejects.toMatchObject(refused);
    expect(await log.read("plumbline.calls", 0, 0, { recordsMax: 10 })).toHaveLength(1);
  });

  test("keeps the number of partitions that it was made with", async () => {
    await (await openLog({ partitions: 2 })).close();
    await expect(openLog({ partitions: 3 })).rejects.toThrow("made with 2 partition(s), not 3");
    await openLog({ partitions: 2 });
  });

  test("that cannot be made is a configuration error", async () => {
    const file = join(path, "file");
    await writeFile(file, "");
    await expect(openLog({ path: file })).rejects.toMatchObject({ name: "ConfigError" });
  });

  async function writeHolder(holder: object): Promise<void> {
    const root = open({ path, noSubdir: false, overlappingSync: false, maxDbs: 3 });
    const about = root.openDB<unknown, string>("about", { encoding: "json", useVersions: true });
    await about.put("holder", holder, about.getEntry("holder")!.version! + 1);
    await root.close();
  }
});

describe("trim", () => {
  const CALLS: Topic = "plumbline.calls";

  test("removes what is past the topic's retention, and offsets go on, also after a restart", async () => {
    const log = await openLog();
    await log.append(CALLS, records(5_000));
    await clock.advance(7 * DAY_MS);
    await log.append(CALLS, records(10));
    await clock.advance(1);

    expect(await log.trim()).toEqual([{ topic: CALLS, partition: 0, removed: 5_000, held_back_by: null }]);
    expect(await log.watermarks(CALLS)).toEqual([{ partition: 0, low: 5_000, high: 5_010 }]);
    expect((await log.read(CALLS, 0, 0, { recordsMax: 1 }))[0]!.offset).toBe(5_000);
    expect(await log.trim()).toEqual([]);
    await log.close();
    const again = await openLog();
    expect(await again.watermarks(CALLS)).toEqual([{ partition: 0, low: 5_000, high: 5_010 }]);
  });

  test("keeps the last record, because the next offset follows from it", async () => {
    const log = await openLog();
    await log.append(CALLS, records(3));
    await clock.advance(30 * DAY_MS);
    await log.trim();
    expect(await log.watermarks(CALLS)).toEqual([{ partition: 0, low: 2, high: 3 }]);
    await log.close();
    const [position] = await (await openLog()).append(CALLS, records(1));
    expect(position!.offset).toBe(3);
  });

  test("never removes what a group has not committed past, and says which group held it back", async () => {
    const log = await openLog();
    await log.append(CALLS, records(10));
    await commitAt(log, "fast", CALLS, 9);
    await commitAt(log, "slow", CALLS, 4);
    await clock.advance(30 * DAY_MS);

    expect(await log.trim()).toEqual([{ topic: CALLS, partition: 0, removed: 4, held_back_by: "slow" }]);
    await log.forget("slow");
    expect(await log.trim()).toMatchObject([{ removed: 5, held_back_by: null }]);
    expect(await log.watermarks(CALLS)).toEqual([{ partition: 0, low: 9, high: 10 }]);
  });

  test("removes nothing under a reader that has committed nothing yet", async () => {
    const log = await openLog();
    await log.append(CALLS, records(10));
    await clock.advance(30 * DAY_MS);
    const stop = new AbortController();
    const reading = log.subscribe(
      CALLS,
      { group: "new", signal: stop.signal, onGap: refuseGap },
      async () => {
        expect(await log.trim()).toMatchObject([{ removed: 0, held_back_by: "new" }]);
        stop.abort();
      },
    );
    await reading;
  });

  test("keeps the newest minutes whatever the retention", async () => {
    const log = await openLog({ keepNewestMs: 30 * DAY_MS });
    await log.append(CALLS, records(10));
    await clock.advance(20 * DAY_MS);
    expect(await log.trim()).toEqual([]);
    await clock.advance(10 * DAY_MS + MINUTE_MS);
    expect(await log.trim()).toMatchObject([{ removed: 9 }]);
  });

  test("never removes from a topic that is kept for ever", async () => {
    const log = await openLog();
    await log.append("plumbline.registry", records(10));
    await clock.advance(3_650 * DAY_MS);
    expect(await log.trim()).toEqual([]);
  });
});

test("a disk without room refuses appends with log_full, while cursors and reads go on", async () => {
  const log = await openLog();
  await log.append("plumbline.calls", records(3));
  await log.close();

  const full = await openLog({ reserveBytes: Number.MAX_SAFE_INTEGER });
  const refused = { name: "LogError", code: "log_full", retryable: true };
  await expect(full.append("plumbline.calls", records(1))).rejects.toMatchObject(refused);
  await expect(full.assertAppendable("plumbline.calls")).rejects.toMatchObject(refused);
  await commitAt(full, "group", "plumbline.calls", 2);
  expect(await full.committed("group", "plumbline.calls", 0)).toEqual({ offset: 2, metadata: "" });
  expect(await full.watermarks("plumbline.calls")).toEqual([{ partition: 0, low: 0, high: 3 }]);
});
