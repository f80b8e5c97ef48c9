import { LogError } from "@plumbline/ports";
import { counted, TOPICS, TOPIC_NAMES, type Topic } from "@plumbline/schemas";
// Node sees only some of this CommonJS package's names as named exports.
import kafkajs, { type Admin } from "kafkajs";
import { createClient, type KafkaConnection } from "./client.ts";
import { SILENT, type KafkaLogger } from "./driver-log.ts";
import { brokerErrorType, toLogError } from "./errors.ts";
import { judgeSettings, newSettings, settingNames } from "./topic-settings.ts";

const VISIBLE_ATTEMPTS_MAX = 50;
const VISIBLE_WAIT_MS = 100;

const CLIENT_ID = "plumbline-topics";

/** A connection, or only its brokers. */
type TopicsConnection = readonly string[] | Omit<KafkaConnection, "clientId">;

interface CheckTopicsOptions {
  /** Gets what a service may start with and a person should change. Default: silence. */
  readonly logger?: Pick<KafkaLogger, "warn">;
}

interface EnsureTopicsOptions extends CheckTopicsOptions {
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
      await createTopics(admin, missing, options.replicationFactor ?? (await defaultReplication(admin)));
      await untilVisible(admin);
    }
    await compareTopics(admin, options);
    return missing;
  });
}

/**
 * Compares the cluster's topics with `schemas/topics.ts`. A topic with too few partitions, a short retention or
 * compaction loses order or history without any error, so a service checks before it starts.
 *
 * @throws LogError `topic_mismatch` naming every difference and what to do; `log_unavailable`
 */
export async function checkTopics(
  connection: TopicsConnection,
  options: CheckTopicsOptions = {},
): Promise<void> {
  await withAdmin(connection, "check topics", (admin) => compareTopics(admin, options));
}

/** Copies that a new topic gets by itself; 1 when the cluster does not tell. */
async function defaultReplication(admin: Admin): Promise<number> {
  const { brokers } = await admin.describeCluster();
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.BROKER,
          name: String(brokers[0]?.nodeId ?? 0),
          configNames: [DEFAULT_REPLICATION],
        },
      ],
    });
    return Number(resources[0]?.configEntries[0]?.configValue ?? 1);
  } catch (error) {
    if (isForbidden(error)) return 1;
    throw error;
  }
}

const DEFAULT_REPLICATION = "default.replication.factor";

function isForbidden(error: unknown): boolean {
  const type = brokerErrorType(error);
  return type === "TOPIC_AUTHORIZATION_FAILED" || type === "CLUSTER_AUTHORIZATION_FAILED";
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
        configEntries: [...newSettings(topic, replicationFactor)],
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

async function compareTopics(admin: Admin, { logger }: CheckTopicsOptions): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const present = TOPIC_NAMES.filter((topic) => existing.has(topic));
  const differences = TOPIC_NAMES.filter((topic) => !existing.has(topic)).map(
    (topic) =>
      `${topic}: expected to exist, found nothing; create it (npm run migrate), or give us the right to DESCRIBE it`,
  );

  const { topics } = await admin.fetchTopicMetadata({ topics: [...present] });
  const settings = await fetchSettings(admin, present);
  for (const topic of present) {
    const partitions = topics.find((each) => each.name === topic)?.partitions.length ?? 0;
    const expected = TOPICS[topic].partitions;
    if (partitions !== expected) {
      differences.push(
        `${topic}: expected ${counted(expected, "partition")}, found ${partitions}; ` +
          "a changed count moves keys, so make a new topic and copy, or change schemas/topics.ts",
      );
    }
    if (settings === null) continue;
    const replication = topics.find((each) => each.name === topic)?.partitions[0]?.replicas.length ?? 0;
    const { refusals, advice } = judgeSettings(topic, settings.get(topic) ?? new Map(), replication);
    differences.push(...refusals);
    for (const problem of advice) logger?.warn({ topic, problem }, "kafka.topic_at_risk");
  }
  if (settings === null) {
    const problem =
      "we may not read the topics' settings, so a short retention or a small record limit would go unnoticed; " +
      "give the right: kafka-acls.sh --add --allow-principal User:<name> --operation DescribeConfigs " +
      "--topic plumbline. --resource-pattern-type prefixed";
    logger?.warn({ problem }, "kafka.topics_not_checked");
  }
  if (differences.length > 0) {
    throw new LogError("topic_mismatch", `Kafka topics are not as expected:\n  ${differences.join("\n  ")}`, {
      retryable: false,
    });
  }
}

/** Settings by name, by topic; null when we may not read them. */
async function fetchSettings(
  admin: Admin,
  topics: readonly Topic[],
): Promise<Map<string, Map<string, string>> | null> {
  if (topics.length === 0) return new Map();
  const described = admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((topic) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name: topic,
      configNames: [...settingNames(topic)],
    })),
  });
  const answer = await described.catch((error: unknown) => {
    if (isForbidden(error)) return null;
    throw error;
  });
  if (answer === null) return null;
  const { resources } = answer;
  return new Map(
    resources.map((resource) => [
      resource.resourceName,
      new Map(resource.configEntries.map((entry) => [entry.configName, entry.configValue])),
    ]),
  );
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
