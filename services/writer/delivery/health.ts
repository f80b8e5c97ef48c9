/** What of the writer's work goes on and what waits, for readiness and metrics. */
import type { Clock } from "@plumbline/ports";
import { notOk, ok, type Checks } from "@plumbline/runtime/health";
import type { Topic } from "@plumbline/schemas";

interface DeliveryState {
  readonly topic: Topic;
  /** Null when the whole topic is meant: it can't be read. */
  readonly partition: number | null;
  readonly state: "running" | "paused";
  /** A sentence that says what holds it up and what to do; null while it runs. Quotes no value of a record. */
  readonly reason: string | null;
  /** When the state began, ISO 8601 UTC. */
  readonly since: string;
}

export interface WriterHealth {
  /** Of every partition that this writer has worked on, and of every topic that can't be read. */
  deliveries(): readonly DeliveryState[];
}

/** Kept by the writer itself. */
export class DeliveryHealth implements WriterHealth {
  readonly #clock: Clock;
  readonly #states = new Map<string, DeliveryState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  deliveries(): readonly DeliveryState[] {
    return [...this.#states.values()];
  }

  running(topic: Topic, partition: number | null): void {
    this.#set(topic, partition, "running", null);
  }

  /** Repeated pauses keep the time of the first. */
  paused(topic: Topic, partition: number | null, reason: string): void {
    this.#set(topic, partition, "paused", reason);
  }

  /** The partition is another writer's by now, or a topic is read again. */
  forget(topic: Topic, partition: number | null): void {
    this.#states.delete(keyOf(topic, partition));
  }

  #set(topic: Topic, partition: number | null, state: DeliveryState["state"], reason: string | null): void {
    const key = keyOf(topic, partition);
    const known = this.#states.get(key);
    if (known?.state === state && known.reason === reason) return;
    const since = known?.state === state ? known.since : new Date(this.#clock.now()).toISOString();
    this.#states.set(key, { topic, partition, state, reason, since });
  }
}

/** Topics that become tables. */
export const DELIVERED_TOPICS = [
  "plumbline.calls",
  "plumbline.verdicts",
  "plumbline.feedback",
  "plumbline.incidents",
  "plumbline.registry",
  "plumbline.calls.dead_letter",
] as const satisfies readonly Topic[];

/** One check of readiness a topic: whether what is accepted into it is stored. */
export function deliveryChecks(health: WriterHealth): Checks {
  return Object.fromEntries(
    DELIVERED_TOPICS.map((topic) => [
      `topic.${topic}`,
      () => {
        const paused = health.deliveries().filter((each) => each.topic === topic && each.state === "paused");
        const [first] = paused;
        if (first === undefined) return ok("stored as it comes");
        const where = first.partition === null ? "" : ` partition ${first.partition}`;
        return notOk(`paused${where} since ${first.since}: ${first.reason}`);
      },
    ]),
  );
}

function keyOf(topic: Topic, partition: number | null): string {
  return `${topic}/${partition ?? "*"}`;
}
