/** A log in memory, a table that fails as told, and writers that live one after another on them. */
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog, type MemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { StoreError, type EventLog, type IngestAudit, type Origin } from "@plumbline/ports";
import { pino } from "pino";
import { Delivery } from "./delivery.ts";
import type { Destination, Outcome, Run, TimedRecord } from "./destination.ts";
import { DeliveryHealth } from "./health.ts";

export const TOPIC = "plumbline.calls";

export interface Row extends Origin {
  readonly value: string;
}

/**
 * What the next insert does: keeps all rows, keeps some and fails, or keeps all and loses the answer. One that `goes_on`
 * or is `orphaned` is still under way when its sender gives up or ends, and lands after the next question to the store.
 */
export type Fault =
  | "none"
  | "refuse_all"
  | "half"
  | "lost_answer"
  | "goes_on"
  | "end_of_process"
  | "orphaned";

/** One life of the writer. */
export interface Life {
  readonly abort: AbortController;
}

export class World {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1));
  readonly log: MemoryEventLog = createMemoryEventLog({ clock: this.clock });
  readonly health = new DeliveryHealth(this.clock);
  /** As a plain MergeTree: it would hold an offset twice. */
  readonly rows: Row[] = [];
  readonly audits: IngestAudit[] = [];
  #underWay: Row[] = [];
  readonly faults: Fault[] = [];
  /** Throws what the store says about these rows, or nothing. */
  refuse: (rows: readonly Row[]) => void = () => undefined;
  /** Called before every question to log and store, and after it. */
  onStep: (name: string) => void = () => undefined;
  life: Life = { abort: new AbortController() };

  async append(values: readonly string[]): Promise<void> {
    await this.log.append(
      TOPIC,
      values.map((value, i) => ({ key: `k${i}`, value: new TextEncoder().encode(value) })),
    );
  }

  offsets(): readonly number[] {
    return this.rows.map((row) => row.log_offset).toSorted((a, b) => a - b);
  }

  async deadLetters(): Promise<
    readonly { readonly value: string; readonly headers: Record<string, string> }[]
  > {
    const letters = await this.log.read("plumbline.calls.dead_letter", 0, 0, { recordsMax: 10_000 });
    return letters.map(({ value, headers }) => ({
      value: new TextDecoder().decode(value),
      headers: { ...headers },
    }));
  }

  async isDone(): Promise<boolean> {
    const [mark] = await this.log.watermarks(TOPIC);
    return (await this.log.committed("writer", TOPIC, 0)).offset >= (mark?.high ?? 0);
  }

  /** One life: until everything is committed, the life is ended, or `steps` minutes have passed. */
  async live(minutes = 1_000): Promise<void> {
    const abort = new AbortController();
    this.life = { abort };
    const delivery = new Delivery(this.destination, {
      log: this.#stepping(),
      clock: this.clock,
      logger: pino({ level: "silent" }),
      health: this.health,
    });
    const { onAssigned, onGap } = delivery;
    const options = { group: "writer", signal: abort.signal, recordsMax: 7, onAssigned, onGap };
    const ended = this.log.subscribe(TOPIC, options, delivery.handle).finally(() => abort.abort());
    for (let minute = 0; !abort.signal.aborted && minute < minutes; minute++) {
      await this.clock.advance(60_000);
      if (await this.isDone()) abort.abort();
    }
    abort.abort();
    await ended;
  }

  /** Lives until everything is committed. */
  async liveUntilDone(): Promise<void> {
    for (let lives = 0; lives < 200; lives++) {
      await this.live();
      if (await this.isDone()) return;
    }
    throw new Error("did not finish within 200 lives");
  }

  readonly destination: Destination<Row, null> = {
    topic: TOPIC,
    group: "writer",
    memoryOffsets: 0,
    createState: () => null,
    remember: async () => undefined,
    prepare: (record) => prepare(record),
    insert: (rows) => this.#step("insert", () => this.#insert(rows)),
    endInserts: () => this.#step("endInserts", () => void (this.#underWay = [])),
    storedOffsets: ({ from, to }) =>
      this.#step("storedOffsets", () =>
        this.#ask((stored) => new Set(stored.filter((offset) => offset >= from && offset <= to))),
      ),
    missingRuns: (range) =>
      this.#step("missingRuns", () => this.#ask((stored) => missingRuns(new Set(stored), range))),
    lastStored: () => this.#step("lastStored", () => this.offsets().at(-1) ?? -1),
    audits: ({ from, to }) =>
      this.#step("audits", () =>
        this.audits
          .filter((audit) => audit.to_offset >= from && audit.from_offset <= to)
          .map(({ from_offset, to_offset, rows }) => ({ from: from_offset, to: to_offset, rows })),
      ),
    recordAudit: (audit) => this.#step("recordAudit", () => void this.audits.push(audit)),
  };

  async #step<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result> {
    await Promise.resolve();
    this.onStep(`before ${name}`);
    const result = await work();
    this.onStep(`after ${name}`);
    return result;
  }

  /** Answers a question, and lets what was under way land behind the answer. */
  #ask<Answer>(answer: (stored: readonly number[]) => Answer): Answer {
    const answered = answer(this.offsets());
    this.rows.push(...this.#underWay.splice(0));
    return answered;
  }

  #insert(block: readonly Row[]): void {
    this.refuse(block);
    const fault = this.faults.shift() ?? "none";
    if (fault === "refuse_all") throw new StoreError("store_retriable", "too many parts");
    if (fault === "half") {
      this.rows.push(...block.filter((_, i) => i % 2 === 0));
      throw new StoreError("store_unknown", "timeout");
    }
    if (fault === "goes_on" || fault === "orphaned") {
      this.#underWay.push(...block);
      if (fault === "orphaned") this.life.abort.abort();
      throw new StoreError("store_unknown", "timeout");
    }
    this.rows.push(...block);
    if (fault === "lost_answer") throw new StoreError("store_unknown", "socket closed");
    if (fault === "end_of_process") {
      this.life.abort.abort();
      throw new StoreError("store_unknown", "the process ended");
    }
  }

  /** The log as a life that may end at every question sees it: a read that was cut off answers with nothing. */
  #stepping(): Pick<EventLog, "append" | "commit" | "committed" | "read" | "watermarks"> {
    const { log } = this;
    return {
      append: (...given) => this.#step("append", () => log.append(...given)),
      commit: (...given) => this.#step("commit", () => log.commit(...given)),
      committed: (...given) => this.#step("committed", () => log.committed(...given)),
      watermarks: (...given) => this.#step("watermarks", () => log.watermarks(...given)),
      read: async (...given) => {
        const records = await this.#step("read", () => log.read(...given));
        return this.life.abort.signal.aborted ? [] : records;
      },
    };
  }
}

function prepare(record: TimedRecord): Outcome<Row> {
  const value = new TextDecoder().decode(record.value);
  if (value === "throw") throw new TypeError(`can't read "${value}"`);
  if (value.startsWith("bad")) return { kind: "rejected", reason: "schema:value", detail: "value: is bad" };
  const ingested_at = new Date(record.timestamp).toISOString();
  return {
    kind: "row",
    row: { log_partition: record.partition, log_offset: record.offset, ingested_at, value },
  };
}

function missingRuns(stored: ReadonlySet<number>, { from, to }: Run): readonly Run[] {
  const runs: { from: number; to: number }[] = [];
  for (let offset = from; offset <= to; offset++) {
    if (stored.has(offset)) continue;
    const last = runs.at(-1);
    if (last?.to === offset - 1) last.to = offset;
    else runs.push({ from: offset, to: offset });
  }
  return runs;
}

export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
