import { groupIdOf } from "./membership.ts";
import { LogError, type Committed, type EventLog, type Watermark } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { Admin, RetryOptions } from "kafkajs";
import { createAppender, type Appender } from "./appender.ts";
import { claimPartitions } from "./claim.ts";
import { BRIEF_RETRY, createClient, createCluster, type KafkaConnection } from "./client.ts";
import { orLate, within } from "./deadline.ts";
import { createDirectReader } from "./direct-reader.ts";
import { brokersAnswer, brokersAway, type KafkaLogger, SILENT } from "./driver-log.ts";
import { toLogError } from "./errors.ts";
import { GroupReader } from "./group-reader.ts";
import { toOffset } from "./wire/record.ts";

export interface KafkaEventLogOptions extends KafkaConnection {
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
/** A question whether the log takes appends, as of a health check, is answered within this time, ms. */
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
  let assignments = 0;
  let closed: Promise<void> | null = null;

  const newClient = (retry?: RetryOptions) => createClient(options, logger, retry);
  const cluster = new ClusterAdmin(options, logger);
  const watermarks = (topic: Topic) => cluster.watermarks(topic);
  const direct = createDirectReader(createCluster(options, logger), watermarks, logger);

  function appender(topic: Topic): Appender {
    const existing = appenders.get(topic);
    if (existing !== undefined) return existing;
    const created = createAppender(() => newClient(), topic);
    appenders.set(topic, created);
    return created;
  }

  function assertOpen(doing: string): void {
    if (closed !== null) throw logClosed(doing);
  }

  return {
    identity: () => cluster.identity(),

    append: async (topic, records) => {
      assertOpen(`append to ${topic}`);
      return appender(topic).append(records);
    },

    async assertAppendable(topic) {
      assertOpen(`append to ${topic}`);
      const failure = appenders.get(topic)?.recentFailure() ?? null;
      if (failure !== null) throw failure;
      // A record that nobody wants would have to be written to know more.
      await cluster.assertLed(topic);
    },

    async subscribe(topic, subscribeOptions, handle) {
      assertOpen(`read ${topic}`);
      const { group } = subscribeOptions;
      const reader = new GroupReader(
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

    committed: (group, topic, partition) => cluster.committed(group, topic, partition),

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
        cluster.stop();
        await Promise.allSettled([...readers.keys()].map((reader) => reader.finished));
        await Promise.all([...appenders.values()].map((each) => each.close()));
        await cluster.disconnect();
        await direct.close();
      })();
      return closed;
    },
  };
}

function logClosed(doing: string): LogError {
  return new LogError("log_unavailable", `${doing}: the log is closed`, { retryable: false });
}

/** Questions to the cluster that are nobody's reading or appending, over one connection that is made when needed. */
class ClusterAdmin {
  private readonly options: KafkaEventLogOptions;
  private readonly logger: KafkaLogger;
  private admin: Promise<Admin> | null = null;
  private isStopped = false;

  constructor(options: KafkaEventLogOptions, logger: KafkaLogger) {
    this.options = options;
    this.logger = logger;
  }

  identity(): Promise<string> {
    return this.ask("identity of the cluster", async (connected) => {
      const { clusterId } = await connected.describeCluster();
      return `kafka:${clusterId}`;
    });
  }

  async watermarks(topic: Topic): Promise<readonly Watermark[]> {
    const offsets = await this.ask(`watermarks of ${topic}`, (connected) =>
      connected.fetchTopicOffsets(topic),
    );
    return offsets
      .map(({ partition, low, high }) => ({ partition, low: toOffset(low), high: toOffset(high) }))
      .toSorted((a, b) => a.partition - b.partition);
  }

  async committed(group: string, topic: Topic, partition: number): Promise<Committed> {
    const doing = `committed offset of ${topic}/${partition} for ${group}`;
    const [found] = await this.ask(doing, (connected) =>
      connected.fetchOffsets({ groupId: groupIdOf(group, topic), topics: [topic] }),
    );
    const committed = found?.partitions.find((each) => each.partition === partition);
    // Kafka says -1 for "never".
    if (committed === undefined || Number(committed.offset) < 0) return { offset: 0, metadata: "" };
    return { offset: toOffset(committed.offset), metadata: committed.metadata ?? "" };
  }

  /** @throws LogError `log_unavailable` when a partition of the topic has no leader, or the cluster does not answer soon */
  async assertLed(topic: Topic): Promise<void> {
    const asked = this.ask(`leaders of ${topic}`, (connected) =>
      connected.fetchTopicMetadata({ topics: [topic] }),
    );
    const { topics } = await orLate(SOON_MS, asked, () => {
      const away = brokersAway(this.logger);
      return new LogError(
        "log_unavailable",
        `Kafka does not answer: ${away.length > 0 ? `no connection to ${away.join(", ")}` : this.options.brokers.join(", ")}; check PLUMBLINE_KAFKA_BROKERS, and that they run`,
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
  }

  /** From now on nothing is asked any more, or again. */
  stop(): void {
    this.isStopped = true;
  }

  async disconnect(): Promise<void> {
    await (await this.admin?.catch(() => null))?.disconnect();
  }

  /** Asks the cluster, with a new connection after a failure: kafkajs does not repeat these requests by itself. */
  private async ask<T>(doing: string, question: (connected: Admin) => Promise<T>): Promise<T> {
    if (this.isStopped) throw logClosed(doing);
    const deadline = performance.now() + ANSWER_MS;
    for (;;) {
      this.admin ??= this.connect();
      const asked = this.admin;
      try {
        const left = Math.max(0, deadline - performance.now());
        const answer = await within(left, doing, asked.then(question));
        brokersAnswer(this.logger);
        return answer;
      } catch (error) {
        const failure = toLogError(error, doing);
        if (this.admin === asked) this.admin = null;
        asked.then((connected) => connected.disconnect()).catch(() => undefined);
        // A coordinator that moves is a passing trouble here: we are nobody's member.
        const isPassing = failure.retryable || failure.code === "not_assigned";
        if (performance.now() > deadline || !isPassing || this.isStopped) throw failure;
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_WAIT_MS));
      }
    }
  }

  private async connect(): Promise<Admin> {
    const connecting = createClient(this.options, this.logger, BRIEF_RETRY).admin();
    await connecting.connect();
    return connecting;
  }
}
