import { checkTopics, ensureTopics } from "@plumbline/adapters/kafka/topics";
import { TOPIC_NAMES } from "@plumbline/schemas";
import kafkajs, { type Admin } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";

const kafka = await brokerForTests();
afterAll(() => kafka?.stop());

/** These tests break topics, which only a broker of their own may suffer. Each leaves them whole again. */
describe.skipIf(kafka === null || kafka.own === null)("the topics on Kafka", () => {
  let admin: Admin;
  beforeAll(async () => {
    admin = new kafkajs.Kafka({ brokers: [...kafka!.brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
  });
  afterAll(() => admin.disconnect());

  /** The broker shows a change of a topic a moment after it acknowledged it. */
  const problem = (): Promise<string> =>
    checkTopics(kafka!.brokers).then(
      () => "none",
      (error: unknown) => String(error),
    );

  test("are created once, and creating them again changes nothing", async () => {
    expect(await ensureTopics(kafka!.brokers)).toEqual([]);
    await checkTopics(kafka!.brokers);
  });

  test("can be created by several processes at once", async () => {
    await admin.deleteTopics({ topics: [...TOPIC_NAMES] });
    await expect.poll(() => admin.listTopics()).not.toContain("plumbline.calls");
    await Promise.all([1, 2, 3].map(() => ensureTopics(kafka!.brokers)));
    await checkTopics(kafka!.brokers);
  });

  test("a short retention is refused, with what was expected, what was found and what to do", async () => {
    const setRetention = (value: string): Promise<unknown> =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: "plumbline.registry",
            configEntries: [
              { name: "retention.ms", value },
              { name: "max.message.bytes", value: String(1_048_576 + 65_536) },
            ],
          },
        ],
      });
    await setRetention("604800000");
    await expect
      .poll(problem)
      .toMatch(/plumbline\.registry: expected retention\.ms=-1, found 604800000; set it: kafka-configs\.sh/);
    const refusal = { name: "LogError", code: "topic_mismatch", retryable: false };
    await expect(checkTopics(kafka!.brokers)).rejects.toMatchObject(refusal);
    await setRetention("-1");
    await expect.poll(problem).toBe("none");
  });

  test("a missing topic and a changed number of partitions are named together", async () => {
    await admin.deleteTopics({ topics: ["plumbline.verdicts"] });
    await admin.createPartitions({ topicPartitions: [{ topic: "plumbline.feedback", count: 3 }] });
    await expect.poll(problem).toMatch(/plumbline\.feedback: expected 1 partitions, found 3/);
    await expect.poll(problem).toMatch(/plumbline\.verdicts: expected to exist, found nothing/);

    await admin.deleteTopics({ topics: ["plumbline.feedback"] });
    await expect.poll(() => admin.listTopics()).not.toContain("plumbline.feedback");
    expect(await ensureTopics(kafka!.brokers)).toEqual(["plumbline.verdicts", "plumbline.feedback"]);
  });

  test("a cluster that is not there is an outage, not a mismatch", async () => {
    await expect(checkTopics(["127.0.0.1:1"])).rejects.toMatchObject({
      code: "log_unavailable",
      retryable: true,
    });
  });
});
