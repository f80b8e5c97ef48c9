/**
 * The emitter: takes an event from the application in a few µs and delivers it later, in batches.
 *
 * Telemetry can lose events; it never fails, delays or fills the application. `emit` is synchronous and never
 * throws. Memory is bounded by items and bytes, the oldest event goes first, and every loss is counted and
 * reported on the events that do arrive. Delivery is at least once: a retry sends the same `call_id`s.
 */
import { BoundedQueue } from "./bounded-queue.ts";
import { createWarner, type Warn } from "./delivering.ts";
import { Delivery, type Entry } from "./delivery.ts";
import type { EmitterOptions } from "./emitter-options.ts";
import {
  createCounts,
  lostOf,
  type Counts,
  type DropReason,
  type EmitterStats,
  type FlushResult,
} from "./emitter-stats.ts";
import { createHttpTransport } from "./http-transport.ts";
import type { LlmCall, NewCall } from "./llm-call.ts";
import { captureCall, redactCall, serialiseCall } from "./prepare-call.ts";
import type { Transport } from "./transport.ts";
import { uuidV7 } from "./uuid-v7.ts";

export interface Emitter {
  /** Queues one event. Synchronous, never throws, whatever it is given. The event is copied one level deep. */
  emit(call: NewCall): void;
  /**
   * Sends what was emitted so far. Resolves when all of it is settled, or after `timeoutMs` (default 10,000),
   * and never rejects.
   */
  flush(timeoutMs?: number): Promise<FlushResult>;
  /** Flushes, then stops for good. What is left, and what is emitted later, is counted as dropped. */
  close(timeoutMs?: number): Promise<FlushResult>;
  stats(): EmitterStats;
}

export function createEmitter(options: EmitterOptions): Emitter {
  return new BatchingEmitter(options);
}

/** Estimated bytes of an event without its texts. */
const EVENT_BYTES = 512;
/** Longest wait for a transport to let go of its connections, ms. */
const TRANSPORT_CLOSE_MS = 1000;

/** Short enough that a call can be looked at while its user still waits, long enough for at most 20 requests a second. */
const FLUSH_INTERVAL_MS = 50;

class BatchingEmitter implements Emitter {
  readonly #options: EmitterOptions;
  readonly #now: () => number;
  readonly #transport: Transport;
  readonly #queue: BoundedQueue<Entry>;
  readonly #counts: Counts = createCounts();
  readonly #delivery: Delivery;
  readonly #emitterId: string;
  #isClosed = false;
  readonly #warn: Warn;

  constructor(options: EmitterOptions) {
    this.#options = options;
    this.#now = () => {
      try {
        const now = options.now?.() ?? Date.now();
        return Number.isFinite(now) ? now : Date.now();
      } catch {
        return Date.now();
      }
    };
    this.#warn = createWarner(options.onWarning, this.#now);
    this.#emitterId = uuidV7(this.#now());
    this.#queue = new BoundedQueue(
      Math.max(1, options.queueMax ?? 10_000),
      options.queueBytesMax ?? 16 * 1_048_576,
    );
    const { url = "http://localhost:4319", apiKey, fetch } = options;
    this.#transport = options.transport ?? createHttpTransport({ url, apiKey, fetch });
    this.#delivery = new Delivery({
      queue: this.#queue,
      transport: this.#transport,
      counts: this.#counts,
      prepare: (entry, emitted, isFirst) => this.#prepare(entry, emitted, isFirst),
      warn: this.#warn,
      drop: (reason) => this.#drop(reason),
      flushAt: Math.min(Math.max(1, options.flushAt ?? 200), 1000),
      flushIntervalMs: options.flushIntervalMs ?? FLUSH_INTERVAL_MS,
      retryBaseMs: options.retryBaseMs ?? 500,
      retryMaxMs: options.retryMaxMs ?? 30_000,
      probeIntervalMs: options.probeIntervalMs ?? 60_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 15_000,
    });
    if (!options.disabled) globalThis.process?.once?.("beforeExit", this.#onExit);
  }

  emit(call: NewCall): void {
    if (this.#options.disabled) return;
    // Spent on lost events, too: the receiver sees the gap, and `dropped` explains it.
    const sequence = this.#counts.emitted++;
    if (this.#isClosed) return this.#drop("shutdown");
    let entry: Entry;
    try {
      entry = this.#toEntry(call, sequence);
    } catch {
      return this.#drop("unreadable");
    }
    this.#drop("queue_full", this.#queue.push(entry));
    this.#delivery.schedule();
  }

  async flush(timeoutMs = 10_000): Promise<FlushResult> {
    const { acknowledged, rejected } = this.#counts;
    const lost = lostOf(this.#counts);
    await this.#delivery.settled(timeoutMs);
    return {
      acknowledged: this.#counts.acknowledged - acknowledged,
      rejected: this.#counts.rejected - rejected,
      dropped: lostOf(this.#counts) - lost,
      queued: this.#pending(),
    };
  }

  async close(timeoutMs = 10_000): Promise<FlushResult> {
    this.#isClosed = true;
    const flushed = await this.flush(timeoutMs);
    const abandoned = this.#pending();
    this.#drop("shutdown", abandoned);
    this.#delivery.stop();
    globalThis.process?.off?.("beforeExit", this.#onExit);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, TRANSPORT_CLOSE_MS);
    });
    try {
      await Promise.race([this.#transport.close?.(), limit]);
    } catch {
      // Nothing is left to deliver, and telemetry does not fail a shutdown.
    }
    clearTimeout(timer);
    return { ...flushed, dropped: flushed.dropped + abandoned, queued: 0 };
  }

  stats(): EmitterStats {
    return {
      ...this.#counts,
      dropped: { ...this.#counts.dropped },
      queue_events: this.#pending(),
      queue_bytes: this.#delivery.isStopped ? 0 : this.#queue.bytes,
    };
  }

  /** A short script ends without `close`: its events leave when it has nothing else to do. Once, and not for long. */
  readonly #onExit = (): void => {
    if (this.#pending() > 0) void this.flush(2000);
  };

  #pending(): number {
    return this.#delivery.isStopped ? 0 : this.#queue.pending;
  }

  /** All that happens on the caller's path. Ids and times come from `now` and are written out at flush. */
  #toEntry(given: NewCall, sequence: number): Entry {
    if (typeof given !== "object" || given === null) throw new TypeError("an event is an object");
    const emitted = { ...given };
    const bytes = EVENT_BYTES + lengthOf(emitted.input) + lengthOf(emitted.output) + lengthsOf(emitted.vars);
    return {
      bytes,
      sequence,
      now: this.#now(),
      call_id: "",
      emitted,
      json: null,
      jsonBytes: 0,
      wasSent: false,
    };
  }

  #identified({ sequence, now }: Entry, emitted: NewCall): LlmCall {
    const { app, env } = this.#options;
    const latency = Number.isFinite(emitted.latency_ms) ? emitted.latency_ms : 0;
    return {
      ...emitted,
      call_id: emitted.call_id ?? uuidV7(now),
      started_at: emitted.started_at ?? new Date(now - latency).toISOString(),
      app: emitted.app ?? app,
      env: emitted.env ?? env,
      emitter_id: this.#emitterId,
      sequence,
    };
  }

  async #prepare(entry: Entry, emitted: NewCall, isFirst: boolean): Promise<DropReason | null> {
    const { capture = "full", redact } = this.#options;
    let call = this.#identified(entry, emitted);
    if (redact) {
      const redacted = redactCall(call, redact);
      if (redacted === null) return "redacted";
      if (redacted.hasFailed) {
        this.#counts.redaction_failures++;
        this.#warn("redact", "redact threw; the texts of the event were replaced");
      }
      call = redacted.call;
    }
    // Awaiting only where there is something to await: 200 microtasks a batch are not free.
    if (capture !== "full") call = await captureCall(call, capture);
    const line = serialiseCall({
      ...call,
      dropped: lostOf(this.#counts),
      client_report: isFirst ? this.#counts : undefined,
    });
    if (line === null) return "too_large";
    entry.call_id = call.call_id;
    entry.emitted = null;
    entry.json = line.json;
    entry.jsonBytes = line.bytes;
    return null;
  }

  #drop(reason: DropReason, count = 1): void {
    if (count === 0) return;
    this.#counts.dropped[reason] += count;
    // What `redact` leaves out is what was asked for.
    if (reason !== "redacted") this.#warn(reason, `events are dropped: ${reason.replace("_", " ")}`);
  }
}

function lengthOf(text: unknown): number {
  return typeof text === "string" ? text.length : 0;
}

function lengthsOf(texts: unknown): number {
  if (typeof texts !== "object" || texts === null) return 0;
  let length = 0;
  for (const text of Object.values(texts)) length += lengthOf(text);
  return length;
}
