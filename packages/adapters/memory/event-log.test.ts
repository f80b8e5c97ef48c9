import { eventLogContract } from "@plumbline/ports/event-log.contract";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { createMemoryEventLog } from "./event-log.ts";

for (const partitions of [1, 3]) {
  eventLogContract(`a memory log with ${partitions} partition(s)`, async () => ({
    log: createMemoryEventLog({ clock: new VirtualClock("2026-03-01T00:00:00Z"), partitions }),
    close: async () => undefined,
  }));
}
