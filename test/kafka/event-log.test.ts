import { createClient } from "@plumbline/adapters/kafka/client";
import { SILENT } from "@plumbline/adapters/kafka/driver-log";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { eventLogContract } from "@plumbline/ports/event-log.contract";
import { afterAll, test } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";

const kafka = await brokerForTests();

afterAll(() => kafka?.stop());

if (kafka === null) {
  test.skip("the contract of the event log on Kafka", () => undefined);
} else {
  eventLogContract(
    "the log on Kafka",
    async () => {
      const open = () => openKafkaEventLog({ brokers: kafka.brokers, clientId: "contract" });
      const admin = createClient({ brokers: kafka.brokers, clientId: "contract" }, SILENT).admin();
      return {
        log: open(),
        reopen: async () => open(),
        async removeBefore(topic, partition, offset) {
          await admin.connect();
          // kafkajs deletes at the leaders that it has heard of, by an earlier request.
          await admin.fetchTopicOffsets(topic);
          await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
        },
        close: () => admin.disconnect(),
      };
    },
    { removesRecords: true },
  );
}
