import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { eventLogContract } from "@plumbline/ports/event-log.contract";
import { afterAll, test } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";

const kafka = await brokerForTests();

afterAll(() => kafka?.stop());

if (kafka === null) {
  test.skip("the contract of the event log on Kafka", () => undefined);
} else {
  eventLogContract("the log on Kafka", async () => {
    const open = () => openKafkaEventLog({ brokers: kafka.brokers, clientId: "contract" });
    return { log: open(), reopen: async () => open(), close: async () => undefined };
  });
}
