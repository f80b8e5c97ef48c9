/**
 * The process that `crash.test.ts` kills: four writers append and one reader commits, and each acknowledgement is
 * written to the oracle file before the next step.
 */
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import { openSync, writeSync } from "node:fs";
import { systemClock } from "../clock/system-clock.ts";
import { openLmdbEventLog } from "./event-log.ts";

const [path = "", oraclePath = "", round = ""] = process.argv.slice(2);
const TOPIC = "plumbline.calls";
const oracle = openSync(oraclePath, "a");
const log = await openLmdbEventLog({ path, clock: systemClock, reserveBytes: 0 });

async function writeForever(writer: number): Promise<never> {
  for (let sequence = 0; ;) {
    const names = Array.from({ length: 1 + (sequence % 20) }, () => `${round}-${writer}-${sequence++}`);
    const records = names.map((key) => ({ key, value: Buffer.from(`${key} ${"x".repeat(1_000)}`) }));
    const positions = await log.append(TOPIC, records);
    const appended = positions.map(({ offset }, i) => [offset, names[i]]);
    writeSync(oracle, `${JSON.stringify({ appended })}\n`);
  }
}

async function readForever(): Promise<void> {
  const options = { group: "crash", signal: new AbortController().signal, recordsMax: 100, onGap: refuseGap };
  await log.subscribe(TOPIC, options, async (batch) => {
    const offset = batch.records.at(-1)!.offset + 1;
    await log.commit("crash", TOPIC, batch.partition, { offset, metadata: `${offset}` });
    writeSync(oracle, `${JSON.stringify({ committed: offset })}\n`);
  });
}

process.stdout.write("working\n");
await Promise.all([readForever(), ...[0, 1, 2, 3].map(writeForever)]);
