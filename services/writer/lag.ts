/**
 * How far the group of writers is behind the log, and whether it gets on. It is read from the log, not from what this
 * process does: a reader that is handed nothing, though records wait, looks healthy from inside.
 */
import { counted } from "@plumbline/schemas";
import type { Clock, EventLog } from "@plumbline/ports";
import { notOk, ok, type Check } from "@plumbline/runtime/health";
import { onScrape, setGauge } from "@plumbline/runtime/metrics";
import type { Topic } from "@plumbline/schemas";

interface PartitionLag {
  readonly topic: Topic;
  readonly partition: number;
  /** Records that are not stored. */
  readonly records: number;
  /** Since when nothing of it was stored although records wait, ms of the monotonic clock. */
  readonly stuckSince: number | null;
}

interface LagDeps {
  readonly log: Pick<EventLog, "watermarks" | "committed">;
  readonly clock: Clock;
  readonly group: string;
  readonly topics: readonly Topic[];
}

/** Records wait and none was stored for this long: something has stopped, ms. Longer than a rebalance and a slow batch. */
const STUCK_MS = 5 * 60_000;
/** One reading serves whoever asks within this time, ms. */
const FRESH_MS = 5_000;

export class LagWatch {
  readonly #deps: LagDeps;
  /** Partitions of which records waited at the last reading, and since when nothing of them was stored. */
  readonly #waiting = new Map<string, { readonly committed: number; readonly since: number }>();
  #reading: { readonly at: number; readonly lags: Promise<readonly PartitionLag[]> } | null = null;

  constructor(deps: LagDeps) {
    this.#deps = deps;
  }

  /** @throws LogError when the log does not answer */
  read(): Promise<readonly PartitionLag[]> {
    const now = this.#deps.clock.monotonic();
    if (this.#reading === null || now - this.#reading.at > FRESH_MS) {
      const lags = this.#readAll();
      this.#reading = { at: now, lags };
      lags.catch(() => (this.#reading = null));
    }
    return this.#reading.lags;
  }

  /** Readiness: the group stores what the log has. */
  readonly check: Check = async () => {
    const lags = await this.read();
    const now = this.#deps.clock.monotonic();
    const stuck = lags.find(({ stuckSince }) => stuckSince !== null && now - stuckSince > STUCK_MS);
    if (stuck !== undefined) {
      const minutes = Math.floor((now - stuck.stuckSince!) / 60_000);
      return notOk(
        `${counted(stuck.records, "record")} of ${stuck.topic} partition ${stuck.partition} ${stuck.records === 1 ? "waits" : "wait"}, and none was stored for ${counted(minutes, "minute")}`,
      );
    }
    const waiting = lags.reduce((sum, { records }) => sum + records, 0);
    return ok(
      waiting === 0 ? "nothing waits" : `${counted(waiting, "record")} ${waiting === 1 ? "waits" : "wait"}`,
    );
  };

  /** @returns a function that ends it */
  show(): () => void {
    return onScrape("consumer_lag_messages", async () => {
      for (const { topic, partition, records } of await this.read())
        setGauge("consumer_lag_messages", { topic, partition: String(partition) }, records);
    });
  }

  async #readAll(): Promise<readonly PartitionLag[]> {
    const { topics } = this.#deps;
    return (await Promise.all(topics.map((topic) => this.#readTopic(topic)))).flat();
  }

  async #readTopic(topic: Topic): Promise<readonly PartitionLag[]> {
    const { log, group, clock } = this.#deps;
    return Promise.all(
      (await log.watermarks(topic)).map(async ({ partition, low, high }) => {
        const committed = (await log.committed(group, topic, partition)).offset;
        const records = Math.max(0, high - Math.max(low, committed));
        const key = `${topic}/${partition}`;
        const known = this.#waiting.get(key);
        const since = known?.committed === committed ? known.since : clock.monotonic();
        if (records === 0) this.#waiting.delete(key);
        else this.#waiting.set(key, { committed, since });
        return { topic, partition, records, stuckSince: records === 0 ? null : since };
      }),
    );
  }
}
