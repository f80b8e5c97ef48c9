/** The contract of the log against Confluent's build of Kafka, as a second opinion to our own broker's. */
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { eventLogContract } from "@plumbline/ports/event-log.contract";
import { KafkaContainer } from "@testcontainers/kafka";
import { afterAll, test } from "vitest";
import { dockerForTests } from "./docker-for-tests.ts";

/** Kafka 4.1. */
const IMAGE = "confluentinc/cp-kafka:8.1.0";
/** The listener that the container advertises to the host. */
const CLIENT_PORT = 9_093;

if (await dockerForTests()) {
  const container = await new KafkaContainer(IMAGE).withKraft().start();
  afterAll(() => container.stop());
  const brokers = [`${container.getHost()}:${container.getMappedPort(CLIENT_PORT)}`];
  await ensureTopics(brokers);

  eventLogContract(
    "the log on Kafka in a container",
    async () => {
      const open = () => openKafkaEventLog({ brokers, clientId: "contract" });
      return { log: open(), reopen: async () => open(), close: async () => undefined };
    },
    { removesRecords: false },
  );
} else {
  test.skip("the contract of the event log on Kafka in a container", () => undefined);
}
