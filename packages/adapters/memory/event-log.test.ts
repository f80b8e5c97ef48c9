import { eventLogContract } from "@plumbline/ports/event-log.contract";
import { expect, test } from "vitest";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { createMemoryEventLog } from "./event-log.ts";

for (const partitions of [1, 3]) {
  eventLogContract(
    `a memory log with ${partitions} partition(s)`,
    async () => {
      const log = createMemoryEventLog({ clock: new VirtualClock("2026-03-01T00:00:00Z"), partitions });
      return {
        log,
        removeBefore: async (...where) => log.trim(...where),
        close: async () => undefined,
      };
    },
    { removesRecords: true },
  );
}

test("what is trimmed is gone, and offsets go on where they were", async () => {
  const log = createMemoryEventLog({ clock: new VirtualClock("2026-03-01T00:00:00Z") });
  const topic = "plumbline.calls";
  const append = (key: string) => log.append(topic, [{ key, value: new Uint8Array(1) }]);
  for (const key of ["a", "b", "c"]) await append(key);
  log.trim(topic, 0, 2);
  expect(await log.watermarks(topic)).toEqual([{ partition: 0, low: 2, high: 3 }]);
  expect(await append("d")).toEqual([{ partition: 0, offset: 3 }]);
  expect((await log.read(topic, 0, 0, { recordsMax: 10 })).map(({ key, offset }) => [key, offset])).toEqual([
    ["c", 2],
    ["d", 3],
  ]);
  log.trim(topic, 0, 1);
  log.trim(topic, 0, 100);
  expect(await log.watermarks(topic)).toEqual([{ partition: 0, low: 4, high: 4 }]);
});
