/**
 * The slow half of an emitter: takes events from the queue, sends them in batches, decides what a result means,
 * and how long to wait. One batch at a time, so that events stay in order and a struggling receiver is not pressed.
 */
import type { BoundedQueue } from "./bounded-queue.ts";
import { backoffMs, messageOf, pause, unref, type Warn } from "./delivering.ts";
import type { Counts, DropReason } from "./emitter-stats.ts";
import type { NewCall } from "./llm-call.ts";
import type { SendResult, Transport } from "./transport.ts";

/** An event in the queue. */
export interface Entry {
  readonly bytes: number;
  readonly sequence: number;
  /** When it was emitted, ms since the epoch. */
  readonly now: number;
  call_id: string;
  /** What was emitted, copied; null once prepared: the queue holds an event in one form only. */
  emitted: NewCall | null;
  json: string | null;
  jsonBytes: number;
  wasSent: boolean;
}

interface DeliveryOptions {
  readonly queue: BoundedQueue<Entry>;
  readonly transport: Transport;
  /** Kept up to date here; the emitter counts what it emits and drops. */
  readonly counts: Counts;
  /**
   * Fills in the entry's JSON, or tells why the event is not to be sent. A rejection is `not_json`.
   * `isFirst`: the event leads its batch and carries the report of what was counted.
   */
  readonly prepare: (entry: Entry, emitted: NewCall, isFirst: boolean) => Promise<DropReason | null>;
  readonly warn: Warn;
  /** Counts a drop, and tells of it. */
  readonly drop: (reason: DropReason) => void;
  readonly flushAt: number;
  readonly flushIntervalMs: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  readonly probeIntervalMs: number;
  readonly requestTimeoutMs: number;
}

/** Sum of serialised events in a batch, bytes: under the collector's limit for a body of 1 MiB. */
const BATCH_BYTES_MAX = 786_432;
/** Estimated bytes that start a flush before `flushAt` events are there. */
const FLUSH_BYTES = 262_144;
/** Serialising this many events holds the thread for about a millisecond; then others get their turn. */
const SLICE_EVENTS = 200;

const RESULT_KINDS: readonly unknown[] = ["accepted", "too_large", "retry", "refused"];

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #queue: BoundedQueue<Entry>;
  readonly #counts: Counts;
  readonly #abort = new AbortController();
  readonly #waiting = new Set<{ readonly until: number; readonly done: () => void }>();
  #batchMax: number;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** A flush by size is due: the timer is set to fire at once. */
  #isDue = false;
  #isDraining = false;
  /** Ends the current pause, unless the receiver asked for it. */
  #wake: AbortController | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#queue = options.queue;
    this.#counts = options.counts;
    this.#batchMax = options.flushAt;
  }

  get isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** To be called after each push: starts a flush when one is due, else sees to it that one will be. */
  schedule(): void {
    if (this.#isDraining || this.#isDue || this.isStopped || this.#queue.size === 0) return;
    this.#isDue = this.#queue.size >= this.#options.flushAt || this.#queue.bytes >= FLUSH_BYTES;
    if (!this.#isDue && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = unref(setTimeout(() => this.#start(), this.#isDue ? 0 : this.#options.flushIntervalMs));
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
    if (this.#isDraining || this.isStopped) return;
    this.#isDraining = true;
    void this.#drain()
      // An unhandled rejection would end the application: whatever it is, it stays here.
      .catch(() => this.#options.warn("fault", "delivery failed and starts again"))
      .finally(() => {
        this.#isDraining = false;
        if (this.#waiting.size > 0 && this.#queue.size > 0) this.#start();
        else this.schedule();
      });
  }

  /** One batch at a time, until less than a full batch is left that nobody waits for. */
  async #drain(): Promise<void> {
    do {
      const batch = await this.#fill();
      if (this.isStopped) return;
      if (batch.length > 0) {
        const result = await this.#send(batch);
        if (this.isStopped) return;
        const pause = this.#apply(result, batch);
        this.#release();
        if (pause) await this.#pause(pause.ms, pause.isAsked);
      } else {
        this.#release();
      }
      await nextTurn();
    } while (
      !this.isStopped &&
      this.#queue.size > 0 &&
      (this.#waiting.size > 0 || this.#failures > 0 || this.#queue.size >= this.#options.flushAt)
    );
  }

  /** Resolves when everything emitted so far is settled, after `timeoutMs`, or when delivery stops. */
  async settled(timeoutMs: number): Promise<void> {
    if (this.#queue.pending === 0 || this.isStopped) return;
    await new Promise<void>((resolve) => {
      // Not unref'd: while somebody waits for a flush, the process has something to do.
      const timer = setTimeout(() => waiter.done(), timeoutMs);
      const waiter = {
        until: this.#counts.emitted,
        done: () => {
          clearTimeout(timer);
          this.#waiting.delete(waiter);
          resolve();
        },
      };
      this.#waiting.add(waiter);
      this.#wake?.abort();
      this.#start();
    });
  }

  /** Ends everything at once, the request in flight included. What is pending is nobody's any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
    for (const waiter of this.#waiting) waiter.done();
  }

  /** Takes and prepares the next batch. Events that turn out not to be deliverable are counted and left out. */
  async #fill(): Promise<Entry[]> {
    const batch: Entry[] = [];
    let bytes = 0;
    for (let looked = 1; batch.length < this.#batchMax; looked++) {
      const entry = this.#queue.take();
      if (!entry) break;
      if (entry.emitted !== null) {
        let reason: DropReason | null;
        try {
          reason = await this.#options.prepare(entry, entry.emitted, batch.length === 0);
        } catch {
          reason = "not_json";
        }
        if (this.isStopped) return [];
        if (reason !== null) {
          this.#queue.settle([entry]);
          this.#options.drop(reason);
          continue;
        }
      }
      if (batch.length > 0 && bytes + entry.jsonBytes > BATCH_BYTES_MAX) {
        this.#queue.putBack([entry]);
        break;
      }
      batch.push(entry);
      bytes += entry.jsonBytes + 1;
      if (looked % SLICE_EVENTS === 0) await nextTurn();
    }
    return batch;
  }

  async #send(batch: readonly Entry[]): Promise<SendResult> {
    for (const entry of batch) {
      if (!entry.wasSent) this.#counts.sent++;
      entry.wasSent = true;
    }
    const giveUp = new AbortController();
    let cancel!: () => void;
    // A transport may not look at its signal; delivery must not hang on it. What it still stores is a repeat.
    const noAnswer = new Promise<SendResult>((resolve) => {
      cancel = () => {
        giveUp.abort();
        resolve({ kind: "retry", afterMs: null, detail: "no answer in time" });
      };
    });
    const timer = unref(setTimeout(cancel, this.#options.requestTimeoutMs));
    this.#abort.signal.addEventListener("abort", cancel);
    try {
      const outgoing = batch.map(({ call_id, json }) => ({ call_id, json: json ?? "" }));
      const sent = this.#options.transport.send(outgoing, { signal: giveUp.signal });
      const result: SendResult | undefined = await Promise.race([sent, noAnswer]);
      return RESULT_KINDS.includes(result?.kind)
        ? result
        : { kind: "retry", afterMs: null, detail: "the transport gave no result" };
    } catch (error) {
      return { kind: "retry", afterMs: null, detail: `${messageOf(error)}, check url` };
    } finally {
      clearTimeout(timer);
      this.#abort.signal.removeEventListener("abort", cancel);
    }
  }

  /** Books a result. Returns how long to pause, and whether the receiver asked for that. */
  #apply(result: SendResult, batch: readonly Entry[]): { ms: number; isAsked: boolean } | null {
    const { warn, drop, flushAt, retryBaseMs, retryMaxMs, probeIntervalMs } = this.#options;
    if (result.kind === "accepted") {
      const accepted = within(0, result.accepted, batch.length);
      const rejected = batch.length - accepted;
      this.#queue.settle(batch);
      this.#counts.acknowledged += accepted;
      this.#counts.rejected += rejected;
      if (rejected > 0)
        warn("rejected", `events rejected: ${rejected}: ${result.detail ?? "no reason given"}`);
      for (const warning of result.warnings ?? []) warn(warning, warning);
      this.#failures = 0;
      this.#batchMax = Math.min(flushAt, this.#batchMax * 2);
      return null;
    }
    if (result.kind === "too_large" && batch.length === 1) {
      this.#queue.settle(batch);
      drop("too_large");
      return null;
    }
    this.#queue.putBack(batch);
    this.#counts.retries++;
    if (result.kind === "too_large") {
      this.#batchMax = Math.max(1, Math.floor(batch.length / 2));
      return null;
    }
    const { detail } = result;
    const backoff = backoffMs(this.#failures++, retryBaseMs, retryMaxMs);
    if (result.kind === "refused") {
      warn(detail, `not delivered, wrong configuration: ${detail}`);
      return { ms: probeIntervalMs, isAsked: true };
    }
    warn(detail, `not delivered, will retry: ${detail}`);
    return result.afterMs === null
      ? { ms: backoff, isAsked: false }
      : // A little jitter on top, so that a fleet does not come back in the same instant.
        { ms: result.afterMs + Math.random() * retryBaseMs, isAsked: true };
  }

  async #pause(ms: number, isAsked: boolean): Promise<void> {
    const wake = new AbortController();
    if (!isAsked) this.#wake = wake;
    await pause(ms, this.#abort.signal, wake.signal);
    this.#wake = undefined;
  }

  /** Tells the flushes whose events are settled. Events settle in order, but for what is dropped. */
  #release(): void {
    const settled = this.#counts.emitted - this.#queue.pending;
    for (const waiter of this.#waiting) if (settled >= waiter.until) waiter.done();
  }
}

function within(least: number, value: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "undefined") setTimeout(resolve, 0);
    else setImmediate(resolve);
  });
}
