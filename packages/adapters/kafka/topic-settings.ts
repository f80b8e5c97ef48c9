import { TOPICS, type Topic } from "@plumbline/schemas";

/**
 * Kafka limits what one request brings to one partition, framing included; we limit a record's content. The
 * difference is room for the framing of one record with thousands of headers.
 */
const FRAMING_BYTES = 65_536;
/** With three copies or more, an acknowledged record is on two of them before its producer hears of it. */
const SAFE_REPLICATION = 3;
const SAFE_IN_SYNC = 2;

/** One required setting of a topic, and the words of the check when it differs. */
interface Rule {
  readonly name: string;
  /** Value of a new topic. */
  readonly value: string;
  readonly why: string;
  isFine(found: string): boolean;
  /** True when a service may start all the same. */
  readonly isAdvice?: boolean;
}

/** Settings that a new topic is created with. */
export function newSettings(topic: Topic, replication: number): readonly { name: string; value: string }[] {
  return rulesOf(topic, replication).map(({ name, value }) => ({ name, value }));
}

/** Names of the settings that `judgeSettings` looks at. */
export function settingNames(topic: Topic): readonly string[] {
  return rulesOf(topic, SAFE_REPLICATION).map(({ name }) => name);
}

/**
 * Compares a topic's settings with what it needs. Each finding names topic, setting, what is needed and found, why, and
 * the command that changes it.
 *
 * @param found setting by name
 * @param replication copies of each partition
 */
export function judgeSettings(
  topic: Topic,
  found: ReadonlyMap<string, string>,
  replication: number,
): { readonly refusals: readonly string[]; readonly advice: readonly string[] } {
  const refusals: string[] = [];
  const advice: string[] = [];
  for (const rule of rulesOf(topic, replication)) {
    const value = found.get(rule.name);
    if (value !== undefined && rule.isFine(value)) continue;
    const says =
      `${topic}: expected ${rule.name}=${rule.value}, found ${value ?? "nothing"} (${rule.why}); ` +
      `set it: kafka-configs.sh --alter --topic ${topic} --add-config ${rule.name}=${rule.value}`;
    (rule.isAdvice === true ? advice : refusals).push(says);
  }
  if (replication < SAFE_REPLICATION) {
    advice.push(
      `${topic}: has ${replication} ${replication === 1 ? "copy" : "copies"} of each record, and a lost broker may take ` +
        `acknowledged ones with it; with ${SAFE_REPLICATION} brokers or more, give it ${SAFE_REPLICATION} copies: ` +
        "kafka-reassign-partitions.sh",
    );
  }
  return { refusals, advice };
}

function rulesOf(topic: Topic, replication: number): readonly Rule[] {
  const { retention_ms, record_bytes_max } = TOPICS[topic];
  const bytes = record_bytes_max + FRAMING_BYTES;
  return [
    {
      name: "cleanup.policy",
      value: "delete",
      why: "compaction removes records that were not read yet",
      isFine: (found) => found === "delete",
    },
    {
      name: "retention.ms",
      value: String(retention_ms),
      why: retention_ms < 0 ? "the history is needed whole" : "less time to come back after an outage",
      isFine: (found) => Number(found) === -1 || (retention_ms >= 0 && Number(found) >= retention_ms),
    },
    {
      name: "max.message.bytes",
      value: String(bytes),
      why: "a record of the size that is accepted would be refused by Kafka",
      isFine: (found) => Number(found) >= bytes,
    },
    ...(replication < SAFE_REPLICATION
      ? []
      : [
          {
            name: "min.insync.replicas",
            value: String(SAFE_IN_SYNC),
            why: "with 1, an acknowledged record may be on one broker alone, and be lost with it",
            isFine: (found: string) => Number(found) >= SAFE_IN_SYNC,
          },
        ]),
    {
      name: "unclean.leader.election.enable",
      value: "false",
      why: "a leader that lags loses acknowledged records",
      isFine: (found) => found === "false",
    },
    {
      name: "message.timestamp.type",
      value: "LogAppendTime",
      why: "a producer's wrong clock makes retention remove its records at once, or never",
      isFine: (found) => found === "LogAppendTime",
      isAdvice: true,
    },
  ];
}
