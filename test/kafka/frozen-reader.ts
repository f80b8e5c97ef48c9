/**
 * A reader for `group.test.ts` to freeze: says "holding" once it has a batch of partition 0, waits for a line on
 * standard input, then tries to commit and prints what came of it.
 */
import { once } from "node:events";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { LogError } from "@plumbline/ports";
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";

const [brokers = "", group = "", sessionMs = ""] = process.argv.slice(2);
const log = openKafkaEventLog({
  brokers: brokers.split(","),
  clientId: "frozen",
  sessionMs: Number(sessionMs),
});
const { signal } = new AbortController();

await log.subscribe("plumbline.calls", { group, signal, onGap: refuseGap }, async ({ topic, partition }) => {
  if (partition !== 0) return;
  console.log("holding");
  await once(process.stdin, "data");
  try {
    await log.commit(group, topic, partition, { offset: 1, metadata: "frozen" });
    console.log("committed");
  } catch (error) {
    console.log(error instanceof LogError ? error.code : String(error));
  }
  process.exit(0);
});
