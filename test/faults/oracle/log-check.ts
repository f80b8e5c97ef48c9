/** What the log itself says about delivery (invariant I5), read while no process under test writes to it. */
import type { EventLog } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import { until } from "../processes/process.ts";

export interface LogCheck {
  readonly records: number;
  /** Distinct keys: what must be in the store, once each. */
  readonly keys: number;
  /** Records behind the committed offset of the writer, over all partitions. */
  readonly uncommitted: number;
  /** Partitions whose batch in flight nobody finished. */
  readonly open_intents: number;
}

const PAGE = { recordsMax: 5_000 };

export async function checkLog(log: EventLog, topic: Topic, group = "writer"): Promise<LogCheck> {
  const keys = new Set<string>();
  let [records, uncommitted, openIntents] = [0, 0, 0];
  for (const { partition, low, high } of await log.watermarks(topic)) {
    const committed = await log.committed(group, topic, partition);
    uncommitted += high - Math.max(low, committed.offset);
    if (isOpenIntent(committed.metadata)) openIntents += 1;
    for (let offset = low; offset < high;) {
      const page = await log.read(topic, partition, offset, PAGE);
      const last = page.at(-1);
      if (last === undefined) break;
      for (const record of page) keys.add(record.key);
      records += page.length;
      offset = last.offset + 1;
    }
  }
  return { records, keys: keys.size, uncommitted, open_intents: openIntents };
}

/** An intent names the range that was about to be inserted; that of a finished batch is empty: it ends before it begins. */
function isOpenIntent(metadata: string): boolean {
  if (metadata === "") return false;
  const { from, to } = JSON.parse(metadata) as { from: number; to: number };
  return to >= from;
}

/** Records of the dead-letter topic. */
export async function countDeadLetters(log: EventLog): Promise<number> {
  let records = 0;
  for (const { low, high } of await log.watermarks("plumbline.calls.dead_letter")) records += high - low;
  return records;
}

/** Records that the writer has not committed past yet. */
export async function lagOf(log: EventLog, topic: Topic, group = "writer"): Promise<number> {
  let lag = 0;
  for (const { partition, low, high } of await log.watermarks(topic)) {
    const committed = await log.committed(group, topic, partition);
    lag += high - Math.max(low, committed.offset);
  }
  return lag;
}

/** Waits until the writer is level with what arrives. @returns how long it took, s */
export async function untilDrained(log: EventLog): Promise<number> {
  const started = performance.now();
  // What arrives meanwhile is always on its way.
  await until(
    "the backlog is drained",
    async () => (await lagOf(log, "plumbline.calls")) < 2_000,
    300_000,
    200,
  );
  return (performance.now() - started) / 1_000;
}
