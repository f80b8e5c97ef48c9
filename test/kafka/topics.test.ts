import { createClient } from "@plumbline/adapters/kafka/client";
import { SILENT } from "@plumbline/adapters/kafka/driver-log";
import { checkTopics, ensureTopics } from "@plumbline/adapters/kafka/topics";
import { TOPICS, TOPIC_NAMES } from "@plumbline/schemas";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { brokerForTests } from "./broker-for-tests.ts";

const kafka = await brokerForTests();
afterAll(() => kafka?.stop());

/** Kafka's number for "this setting is a topic's". */
const TOPIC_RESOURCE = 2;

/** These tests break topics, which only a broker of their own may suffer. Each leaves them whole again. */
describe.skipIf(kafka === null || kafka.own === null)("the topics on Kafka", () => {
  let admin: ReturnType<ReturnType<typeof createClient>["admin"]>;
  beforeAll(async () => {
    admin = createClient({ brokers: kafka!.brokers, clientId: "topics-test" }, SILENT).admin();
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
            type: TOPIC_RESOURCE,
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
      .toMatch(
        /plumbline\.registry: expected retention\.ms=-1, found 604800000 \(the history is needed whole\); set it: kafka-configs\.sh/,
      );
    const refusal = { name: "LogError", code: "topic_mismatch", retryable: false };
    await expect(checkTopics(kafka!.brokers)).rejects.toMatchObject(refusal);
    await setRetention("-1");
    await expect.poll(problem).toBe("none");
  });

  test("larger limits than ours are fine, a smaller record limit is refused with the command, a producer's clock is told of", async () => {
    const lines: unknown[] = [];
    const logger = { warn: (fields: object, message: string) => void lines.push([message, fields]) };
    const set = (settings: Readonly<Record<string, string>>): Promise<unknown> =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: TOPIC_RESOURCE,
            name: "plumbline.calls",
            configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
          },
        ],
      });
    const required = String(TOPICS["plumbline.calls"].record_bytes_max + 65_536);
    const ours = {
      "retention.ms": String(TOPICS["plumbline.calls"].retention_ms),
      "message.timestamp.type": "LogAppendTime",
    };
    await set({ ...ours, "max.message.bytes": "8000000", "retention.ms": "-1" });
    await expect.poll(problem).toBe("none");

    await set({ ...ours, "max.message.bytes": "100000" });
    await expect
      .poll(problem)
      .toContain(
        `plumbline.calls: expected max.message.bytes=${required}, found 100000 (a record of the size that is accepted ` +
          "would be refused by Kafka); set it: kafka-configs.sh --alter --topic plumbline.calls " +
          `--add-config max.message.bytes=${required}`,
      );
    await set({ ...ours, "max.message.bytes": required, "unclean.leader.election.enable": "true" });
    await expect.poll(problem).toMatch(/unclean\.leader\.election\.enable=false, found true/);

    await set({ ...ours, "max.message.bytes": required, "message.timestamp.type": "CreateTime" });
    await expect.poll(problem).toBe("none");
    await checkTopics(kafka!.brokers, { logger });
    expect(lines).toContainEqual([
      "kafka.topic_at_risk",
      { topic: "plumbline.calls", problem: expect.stringContaining("message.timestamp.type=LogAppendTime") },
    ]);
    await set({ ...ours, "max.message.bytes": required });
    await expect.poll(problem).toBe("none");
  });

  test("a missing topic and a changed number of partitions are named together", async () => {
    await admin.deleteTopics({ topics: ["plumbline.verdicts"] });
    await admin.createPartitions({ topicPartitions: [{ topic: "plumbline.feedback", count: 3 }] });
    await expect.poll(problem).toMatch(/plumbline\.feedback: expected 1 partition, found 3/);
    await expect.poll(problem).toMatch(/plumbline\.verdicts: expected to exist, found nothing/);

    await admin.deleteTopics({ topics: ["plumbline.feedback"] });
    await expect.poll(() => admin.listTopics()).not.toContain("plumbline.feedback");
    expect(await ensureTopics(kafka!.brokers)).toEqual(["plumbline.verdicts", "plumbline.feedback"]);
  });
});
