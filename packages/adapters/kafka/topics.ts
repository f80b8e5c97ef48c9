import { LogError } from "@plumbline/ports";
import { TOPICS, TOPIC_NAMES, type Topic } from "@plumbline/schemas";
// Node sees only some of this CommonJS package's names as named exports.
import kafkajs, { type Admin } from "kafkajs";
import { createClient, type KafkaConnection } from "./client.ts";
import { SILENT } from "./driver-log.ts";
import { brokerErrorType, toLogError } from "./errors.ts";

/**
 * Kafka limits what one request brings to one partition, framing included; we limit a record's content. The
 * difference is room for the framing of one record with thousands of headers.
 */
const FRAMING_BYTES = 65_536;

const VISIBLE_ATTEMPTS_MAX = 50;
const VISIBLE_WAIT_MS = 100;

const CLIENT_ID = "plumbline-topics";

/** A connection, or only its brokers. */
export type TopicsConnection = readonly string[] | Omit<KafkaConnection, "clientId">;

export interface EnsureTopicsOptions {
  /** Copies of each partition. Default: the cluster's own. */
  readonly replicationFactor?: number;
}

/**
 * Creates the topics of `schemas/topics.ts` that are missing. Existing ones are left as they are: more partitions
 * would scatter keys, and shorter retention would delete. Idempotent, and safe to run concurrently.
 *
 * @returns the names of the topics that were created
 * @throws LogError `topic_mismatch` as `checkTopics`, `log_unavailable`
 */
export async function ensureTopics(
  connection: TopicsConnection,
  options: EnsureTopicsOptions = {},
): Promise<readonly Topic[]> {
  return withAdmin(connection, "create topics", async (admin) => {
    const existing = new Set(await admin.listTopics());
    const missing = TOPIC_NAMES.filter((topic) => !existing.has(topic));
    if (missing.length > 0) {
      await createTopics(admin, missing, options.replicationFactor ?? -1);
      await untilVisible(admin);
    }
    await compareTopics(admin);
    return missing;
  });
}

/**
 * Compares the cluster's topics with `schemas/topics.ts`. A topic with too few partitions, a short retention or
 * compaction loses order or history without any error, so a service checks before it starts.
 *
 * @throws LogError `topic_mismatch` naming every difference and what to do; `log_unavailable`
 */
export async function checkTopics(connection: TopicsConnection): Promise<void> {
  await withAdmin(connection, "check topics", compareTopics);
}

async function createTopics(
  admin: Admin,
  topics: readonly Topic[],
  replicationFactor: number,
): Promise<void> {
  try {
    await admin.createTopics({
      // `untilVisible` waits better: this one fails while somebody else creates the same topics.
      waitForLeaders: false,
      topics: topics.map((topic) => ({
        topic,
        numPartitions: TOPICS[topic].partitions,
        replicationFactor,
        configEntries: Object.entries(expectedSettings(topic)).map(([name, value]) => ({ name, value })),
      })),
    });
  } catch (error) {
    // Somebody else created some of them at the same time.
    const isRace =
      error instanceof kafkajs.KafkaJSAggregateError &&
      error.errors.every((each) => brokerErrorType(each) === "TOPIC_ALREADY_EXISTS");
    if (!isRace) throw error;
  }
}

/** A created topic shows up a moment later, above all one that somebody else is creating right now. */
async function untilVisible(admin: Admin): Promise<void> {
  for (let attempt = 1; attempt <= VISIBLE_ATTEMPTS_MAX; attempt++) {
    const existing = new Set(await admin.listTopics());
    if (TOPIC_NAMES.every((topic) => existing.has(topic))) return;
    await new Promise((resolve) => setTimeout(resolve, VISIBLE_WAIT_MS));
  }
}

async function compareTopics(admin: Admin): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const present = TOPIC_NAMES.filter((topic) => existing.has(topic));
  const differences = TOPIC_NAMES.filter((topic) => !existing.has(topic)).map(
    (topic) => `${topic}: expected to exist, found nothing; create it (npm run kafka, or ensureTopics)`,
  );

  const { topics } = await admin.fetchTopicMetadata({ topics: [...present] });
  const settings = await fetchSettings(admin, present);
  for (const topic of present) {
    const partitions = topics.find((each) => each.name === topic)?.partitions.length ?? 0;
    const expected = TOPICS[topic].partitions;
    if (partitions !== expected) {
      differences.push(
        `${topic}: expected ${expected} partitions, found ${partitions}; ` +
          "a changed count moves keys, so make a new topic and copy, or change schemas/topics.ts",
      );
    }
    for (const [name, value] of Object.entries(expectedSettings(topic))) {
      const found = settings.get(topic)?.get(name);
      if (found !== value) {
        differences.push(
          `${topic}: expected ${name}=${value}, found ${found ?? "nothing"}; ` +
            `set it: kafka-configs.sh --alter --topic ${topic} --add-config ${name}=${value}`,
        );
      }
    }
  }
  if (differences.length > 0) {
    throw new LogError("topic_mismatch", `Kafka topics are not as expected:\n  ${differences.join("\n  ")}`, {
      retryable: false,
    });
  }
}

async function fetchSettings(
  admin: Admin,
  topics: readonly Topic[],
): Promise<Map<string, Map<string, string>>> {
  if (topics.length === 0) return new Map();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((topic) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name: topic,
      configNames: Object.keys(expectedSettings(topic)),
    })),
  });
  return new Map(
    resources.map((resource) => [
      resource.resourceName,
      new Map(resource.configEntries.map((entry) => [entry.configName, entry.configValue])),
    ]),
  );
}

function expectedSettings(topic: Topic): Readonly<Record<string, string>> {
  const { retention_ms, record_bytes_max } = TOPICS[topic];
  return {
    "cleanup.policy": "delete",
    "retention.ms": String(retention_ms),
    "max.message.bytes": String(record_bytes_max + FRAMING_BYTES),
  };
}

async function withAdmin<T>(
  connection: TopicsConnection,
  doing: string,
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const options = "brokers" in connection ? connection : { brokers: connection };
  const admin = createClient({ ...options, clientId: CLIENT_ID }, SILENT).admin();
  try {
    await admin.connect();
    return await use(admin);
  } catch (error) {
    throw toLogError(error, doing);
  } finally {
    await admin.disconnect();
  }
}
