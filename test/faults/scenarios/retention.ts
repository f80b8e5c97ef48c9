import { createClient } from "@plumbline/adapters/kafka/client";
import { SILENT } from "@plumbline/adapters/kafka/driver-log";
import { compare } from "../oracle/compare.ts";
import { untilFresh } from "../oracle/fresh.ts";
import { Ledger } from "../oracle/ledger.ts";
import { withServices } from "../processes/with-services.ts";
import type { Production } from "../processes/production.ts";
import type { Scenario } from "../scenario.ts";
import { newBatch, sendBatch } from "../senders/sender.ts";

const BATCHES = 20;
const CALLS = 200;

export const retention: Scenario = {
  faults: "F17",
  name: "retention",
  runsOn: "production",
  injects: "the log removes records that a stopped writer has not read",
  holds:
    "exactly those are missing, the writer says so and goes on: no silent jump, no older position read again",
  isInShortForm: false,
  async run(run) {
    const production = await run.production();
    const { urls, store } = production;
    const ledger = new Ledger();
    let removed = 0;
    await withServices(run, production, ["collector"], async () => {
      for (let n = 0; n < BATCHES; n++) {
        const batch = newBatch(ledger, CALLS);
        run.require(
          await sendBatch(urls.collector, batch, ledger.linesOf(batch)),
          "the collector refused a batch",
        );
      }
      removed = await removeHalf(production);
    });
    await withServices(run, production, ["collector", "writer"], async ({ writer }) => {
      await untilFresh(run, ledger, urls.collector, store, removed);
      const { lost, ...comparison } = await compare(ledger, store, "plumbline_raw.calls FINAL");
      run.count("removed_by_retention", removed);
      run.compared({ ...comparison, acknowledged: comparison.acknowledged - lost, lost: 0, examples: [] });
      run.requireEqual(lost, removed, "calls that are missing against records that the log removed");
      run.require(
        /gap|retention|expired/.test(writer.output()),
        "the writer did not say that records were removed",
      );
    });
  },
};

/** Removes the older half of what the writer has not read. @returns how many records that was */
async function removeHalf({ broker, log }: Production): Promise<number> {
  const admin = createClient({ brokers: broker.brokers, clientId: "retention" }, SILENT).admin();
  await admin.connect();
  let removed = 0;
  const partitions: { partition: number; offset: string }[] = [];
  for (const { partition, high } of await log.watermarks("plumbline.calls")) {
    const { offset } = await log.committed("writer", "plumbline.calls", partition);
    const keep = offset + Math.floor((high - offset) / 2);
    removed += keep - offset;
    partitions.push({ partition, offset: String(keep) });
  }
  // kafkajs knows the leaders of a topic only after it asked for something of it.
  await admin.fetchTopicOffsets("plumbline.calls");
  await admin.deleteTopicRecords({ topic: "plumbline.calls", partitions });
  await admin.disconnect();
  return removed;
}
