import { groupIdOf } from "./membership.ts";
import { LogError, type EventLog, type Watermark } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { Admin, RetryOptions } from "kafkajs";
import { createAppender, type Appender } from "./appender.ts";
import { claimPartitions } from "./claim.ts";
import { BRIEF_RETRY, createClient, createCluster, type KafkaConnection } from "./client.ts";
import { orLate, within } from "./deadline.ts";
import { createDirectReader } from "./direct-reader.ts";
import { brokersAnswer, brokersAway, type KafkaLogger, SILENT } from "./driver-log.ts";
import { toLogError } from "./errors.ts";
import { startGroupReader, type GroupReader } from "./group-reader.ts";
import { toOffset } from "./record.ts";

interface KafkaEventLogOptions extends KafkaConnection {
  /** Gets kafkajs' lines too, a level lower than kafkajs gives them. Default: silence. */
  readonly logger?: KafkaLogger;
  /**
   * A reader that is silent for this long loses its partitions, ms. Default 60,000: longer than a pause of the
   * process, for a reader that works is not silent.
   */
  readonly sessionMs?: number;
}

const SESSION_MS = 60_000;
/** A member hears of a change of its group by its next heartbeat: 3 s at the default session. */
const HEARTBEATS_PER_SESSION = 20;
/** Longest wait for one answer, repeats included. Longer than a broker's restart. */
const ANSWER_MS = 20_000;
const ATTEMPT_WAIT_MS = 250;
/** Who asks whether the log takes appends, such as a health check, is answered within this time. */
const SOON_MS = 700;

/**
 * The log on a Kafka cluster. Connects on first use; the topics must exist (`ensureTopics`).
 *
 * Appends are acknowledged by all in-sync replicas. A failed append may have been written all the same: the
 * records' own ids tell duplicates apart.
 */
export function openKafkaEventLog(options: KafkaEventLogOptions): EventLog {
  const { logger = SILENT, sessionMs = SESSION_MS } = options;
  const heartbeatMs = sessionMs / HEARTBEATS_PER_SESSION;
  const appenders = new Map<Topic, Appender>();
  const readers = new Map<GroupReader, { group: string; topic: Topic }>();
  const closing = new AbortController();
  let admin: Promise<Admin> | null = null;
  let assignments = 0;
  let closed: Promise<void> | null = null;

  const newClient = (retry?: RetryOptions) => createClient(options, logger, retry);
  const direct = createDirectReader(createCluster(options, logger), watermarks, logger);

  function appender(topic: Topic): Appender {
    const existing = appenders.get(topic);
    if (existing !== undefined) return existing;
    const created = createAppender(() => newClient(), topic);
    appenders.set(topic, created);
    return created;
  }

  async function connectAdmin(): Promise<Admin> {
    const connecting = createClient(options, logger, BRIEF_RETRY).admin();
    await connecting.connect();
    return connecting;
  }

  /** Asks the cluster, with a new connection after a failure: kafkajs does not repeat these requests by itself. */
  async function ask<T>(doing: string, question: (connected: Admin) => Promise<T>): Promise<T> {
    assertOpen(doing);
    const deadline = performance.now() + ANSWER_MS;
    for (;;) {
      admin ??= connectAdmin();
      const asked = admin;
      try {
        const left = Math.max(0, deadline - performance.now());
        const answer = await within(left, doing, asked.then(question));
        brokersAnswer(logger);
        return answer;
      } catch (error) {
        const failure = toLogError(error, doing);
        if (admin === asked) admin = null;
        asked.then((connected) => connected.disconnect()).catch(() => undefined);
        // A coordinator that moves is a passing trouble here: we are nobody's member.
        const isPassing = failure.retryable || failure.code === "not_assigned";
        if (performance.now() > deadline || !isPassing || closing.signal.aborted) throw failure;
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_WAIT_MS));
      }
    }
  }

  async function watermarks(topic: Topic): Promise<readonly Watermark[]> {
    const offsets = await ask(`watermarks of ${topic}`, (connected) => connected.fetchTopicOffsets(topic));
    return offsets
      .map(({ partition, low, high }) => ({ partition, low: toOffset(low), high: toOffset(high) }))
      .toSorted((a, b) => a.partition - b.partition);
  }

  function assertOpen(doing: string): void {
    if (closed !== null)
      throw new LogError("log_unavailable", `${doing}: the log is closed`, { retryable: false });
  }

  return {
    identity: () =>
      ask("identity of the cluster", async (connected) => {
        const { clusterId } = await connected.describeCluster();
        return `kafka:${clusterId}`;
      }),

    append: async (topic, records) => {
      assertOpen(`append to ${topic}`);
      return appender(topic).append(records);
    },

    async assertAppendable(topic) {
      assertOpen(`append to ${topic}`);
      const failure = appenders.get(topic)?.recentFailure() ?? null;
      if (failure !== null) throw failure;
      // A record that nobody wants would have to be written to know more.
      const asked = ask(`leaders of ${topic}`, (connected) =>
        connected.fetchTopicMetadata({ topics: [topic] }),
      );
      const { topics } = await orLate(SOON_MS, asked, () => {
        const away = brokersAway(logger);
        return new LogError(
          "log_unavailable",
          `Kafka does not answer: ${away.length > 0 ? `no connection to ${away.join(", ")}` : options.brokers.join(", ")}; check PLUMBLINE_KAFKA_BROKERS, and that they run`,
          { retryable: true },
        );
      });
      const partitions = topics.find(({ name }) => name === topic)?.partitions ?? [];
      const leaderless = partitions.filter(({ leader }) => leader < 0).length;
      if (partitions.length > 0 && leaderless === 0) return;
      throw new LogError(
        "log_unavailable",
        partitions.length === 0
          ? `the cluster has no topic ${topic}: run migrate`
          : `${leaderless} of ${partitions.length} partitions of ${topic} have no leader: look at the brokers`,
        { retryable: true },
      );
    },

    async subscribe(topic, subscribeOptions, handle) {
      assertOpen(`read ${topic}`);
      const { group } = subscribeOptions;
      const reader = startGroupReader(
        newClient,
        topic,
        {
          ...subscribeOptions,
          signal: AbortSignal.any([subscribeOptions.signal, closing.signal]),
          sessionMs,
          heartbeatMs,
          logger,
          nextAssignment: () => ++assignments,
        },
        handle,
      );
      readers.set(reader, { group, topic });
      try {
        await reader.finished;
      } finally {
        readers.delete(reader);
      }
    },

    async commit(group, topic, partition, committed) {
      for (const [reader, reads] of readers) {
        if (reads.group === group && reads.topic === topic && reader.holds(partition)) {
          await reader.commit(partition, committed);
          return;
        }
      }
      throw new LogError(
        "not_assigned",
        `commit ${topic}/${partition} for ${group}: no reader here holds it`,
        {
          retryable: false,
        },
      );
    },

    async committed(group, topic, partition) {
      const doing = `committed offset of ${topic}/${partition} for ${group}`;
      const [found] = await ask(doing, (connected) =>
        connected.fetchOffsets({ groupId: groupIdOf(group, topic), topics: [topic] }),
      );
      const committed = found?.partitions.find((each) => each.partition === partition);
      // Kafka says -1 for "never".
      if (committed === undefined || Number(committed.offset) < 0) return { offset: 0, metadata: "" };
      return { offset: toOffset(committed.offset), metadata: committed.metadata ?? "" };
    },

    async read(topic, partition, from, limits) {
      assertOpen(`read ${topic}/${partition}`);
      return direct.read(topic, partition, from, limits);
    },

    watermarks,

    claim: (group, topic, signal) =>
      claimPartitions(newClient, {
        group,
        topic,
        signal: AbortSignal.any([signal, closing.signal]),
        sessionMs,
        heartbeatMs,
        logger,
      }),

    close() {
      closed ??= (async () => {
        closing.abort();
        await Promise.allSettled([...readers.keys()].map((reader) => reader.finished));
        await Promise.all([...appenders.values()].map((each) => each.close()));
        await (await admin?.catch(() => null))?.disconnect();
        await direct.close();
      })();
      return closed;
    },
  };
}
