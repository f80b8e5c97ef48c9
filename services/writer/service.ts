/**
 * The writer: moves every topic of the log into its table, exactly once in effect (`delivery.ts`).
 *
 * Calls are decoded, enriched and marked for judging on the way; a record that can't become a row goes to the
 * dead letters with a reason and stops nobody. A topic that can't be read or stored waits alone.
 */
import {
  LogError,
  type Clock,
  type EventLog,
  type IngestAudit,
  type Origin,
  type Store,
} from "@plumbline/ports";
import { notOk, ok } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import { count } from "@plumbline/runtime/metrics";
import type { Service } from "@plumbline/runtime/run";
import { cleanRecord, createErasureFollower, type ErasureList } from "@plumbline/erasure";
import { DAY_MS } from "@plumbline/schemas";
import { attemptWaitMs } from "./delivery/backoff.ts";
import { BatchWatch } from "./batch-watch.ts";
import { bindLog, type BindDeps } from "./delivery/bind-log.ts";
import { callDestination } from "./calls/call-destination.ts";
import { deadLetterDestination } from "./dead-letter-rows.ts";
import { BATCH_LIMITS, Delivery } from "./delivery/delivery.ts";
import type { Destination } from "./delivery/destination.ts";
import type { Enrichment } from "./calls/enrich-call.ts";
import {
  feedbackDestination,
  incidentDestination,
  registryDestination,
  verdictDestination,
} from "./event-destinations.ts";
import { DELIVERED_TOPICS, deliveryChecks, DeliveryHealth, type WriterHealth } from "./delivery/health.ts";
import { measured, noteAges, noteUnpriced } from "./insert-metrics.ts";
import { Interrupted } from "./delivery/interrupted.ts";
import { LagWatch } from "./lag.ts";
import { GROUP, type DestinationDeps } from "./delivery/stored-in.ts";

interface WriterDeps {
  readonly log: EventLog;
  readonly store: DestinationDeps["store"] &
    BindDeps["store"] &
    Pick<Store, "insertIngestAudit" | "samplingCounts" | "movedSlices" | "versionActivity">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly enrichment: Enrichment;
  /** Identity of a log that may be bound to a store which belongs to another one: `PLUMBLINE_ADOPT_LOG`. */
  readonly adoptLog?: string | undefined;
}

export interface Writer extends Service {
  readonly delivery: WriterHealth;
}

export function createWriter(deps: WriterDeps): Writer {
  const { log, store, clock, logger } = deps;
  const health = new DeliveryHealth(clock);
  const erasures = createErasureFollower(log, clock);
  const lag = new LagWatch({ log, clock, group: GROUP, topics: DELIVERED_TOPICS });
  const batches = new BatchWatch(clock);
  const audits = new AuditBlocks(store, clock, logger);
  let isBound = false;

  /** Reads a topic until `signal` aborts. Whatever ends the reading is waited out: other topics go on meanwhile. */
  async function keepTopic<Row extends Origin, State>(
    destination: Destination<Row, State>,
    signal: AbortSignal,
    onStored: (rows: readonly Row[]) => void = () => undefined,
  ): Promise<void> {
    const { topic, group } = destination;
    const hooks = { onAttempt: () => batches.step(topic), onStored };
    const stored = measured(withoutErased(destination, erasures.list), hooks);
    const delivery = new Delivery(stored, { log, clock, logger, health });
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const { onAssigned, onGap } = delivery;
        await log.subscribe(topic, { group, signal, onAssigned, onGap, ...BATCH_LIMITS }, async (batch) => {
          attempt = 0;
          health.forget(topic, null);
          await erasures.refresh();
          await batches.while(topic, () => delivery.handle(batch));
        });
        return;
      } catch (error) {
        if (signal.aborted || isLogGone(error)) throw error;
        const wait = attemptWaitMs(attempt);
        const reason = error instanceof Error ? error.message : String(error);
        health.paused(topic, null, `${topic} can't be read: ${reason}`);
        logger.error({ topic, attempt, wait_ms: wait, err: error }, "writer.topic_paused");
        await clock.sleep(wait, signal);
      }
    }
  }

  async function work(signal: AbortSignal): Promise<void> {
    const logEpoch = await bindLog(deps, signal);
    isBound = true;
    const endLag = lag.show();
    const recordAudit = (audit: IngestAudit): Promise<void> => audits.record(audit);
    const into: DestinationDeps = { store, logEpoch, recordAudit };
    // A log that is gone must end the others too, or the process would wait for them for ever.
    const abort = new AbortController();
    const either = AbortSignal.any([signal, abort.signal]);
    try {
      await loadSampling(deps);
      await Promise.all([
        keepSampling(deps, either),
        keepTopic(callDestination(into, deps.enrichment), either, (rows) => {
          noteAges(rows, clock);
          noteUnpriced(rows);
        }),
        keepTopic(verdictDestination(into), either),
        keepTopic(feedbackDestination(into), either),
        keepTopic(incidentDestination(into), either),
        keepTopic(registryDestination(into), either),
        keepTopic(deadLetterDestination(into), either),
      ]);
    } finally {
      abort.abort();
      endLag();
      await audits.flush();
    }
  }

  return {
    name: "writer",
    delivery: health,
    health: {
      liveness: { batches: batches.check },
      readiness: {
        ...deliveryChecks(health),
        store: () =>
          isBound ? ok("the store belongs to this log") : notOk("the store was not asked for its log yet"),
        lag: lag.check,
      },
    },
    async run(signal) {
      try {
        await work(signal);
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
      }
    },
  };
}

/** Audit rows are for people; a block of them at a time keeps them from costing as much as the calls. */
const AUDITS_A_BLOCK = 100;
const AUDIT_MS = 10_000;
const AUDITS_KEPT_MAX = 10_000;

/** Notes what became of ranges of offsets, in blocks. */
class AuditBlocks {
  private readonly store: Pick<Store, "insertIngestAudit">;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly audits: IngestAudit[] = [];
  private flushedAt = 0;

  constructor(store: Pick<Store, "insertIngestAudit">, clock: Clock, logger: Logger) {
    this.store = store;
    this.clock = clock;
    this.logger = logger;
  }

  /**
   * Notes what became of a range. The gap scan counts duplicates and dead letters by it, and a recovery asks it why
   * offsets have no row, so a batch that left any out is noted before it is committed; the others are for people, and
   * wait until there is a block of them.
   */
  async record(audit: IngestAudit): Promise<void> {
    this.audits.push(audit);
    if (audit.duplicates > 0) count("duplicates_total", { topic: audit.topic }, audit.duplicates);
    const isCounted = audit.rows !== audit.to_offset - audit.from_offset + 1;
    const isDue = this.clock.monotonic() - this.flushedAt >= AUDIT_MS;
    if (isCounted || isDue || this.audits.length >= AUDITS_A_BLOCK) await this.flush();
  }

  async flush(): Promise<void> {
    this.flushedAt = this.clock.monotonic();
    const block = this.audits.splice(0);
    if (block.length === 0) return;
    try {
      await this.store.insertIngestAudit(block);
    } catch (error) {
      // The calls themselves are stored; an audit row must not hold them up. It goes with the next block.
      this.audits.unshift(...block.slice(-AUDITS_KEPT_MAX));
      this.logger.warn({ err: error, audits: block.length }, "writer.audit_failed");
    }
  }
}

const SAMPLING_MS = 10 * 60_000;
/** The budget of judging is that of four weeks. */
const SAMPLING_WINDOW_MS = 28 * DAY_MS;

type SamplingDeps = Pick<WriterDeps, "store" | "clock" | "logger" | "enrichment">;

/** Other writers choose calls too, and the monitor finds where outputs moved: both reach this one through the store. */
async function keepSampling(deps: SamplingDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await deps.clock.sleep(SAMPLING_MS, signal);
    if (!signal.aborted) await loadSampling(deps);
  }
}

async function loadSampling({ store, clock, logger, enrichment }: SamplingDeps): Promise<void> {
  const now = clock.now();
  const window = {
    start: new Date(now - SAMPLING_WINDOW_MS).toISOString(),
    end: new Date(now).toISOString(),
  };
  try {
    const [counts, moved, versions] = await Promise.all([
      store.samplingCounts(window),
      store.movedSlices({ since: window.start }),
      store.versionActivity({ since: `${window.end.slice(0, 10)}T00:00:00.000Z` }),
    ]);
    enrichment.sampling.load(counts, moved);
    enrichment.useCases.load(versions, window.end);
    enrichment.versions.load(versions, window.end);
  } catch (error) {
    // Without them a deploy may be boosted twice, a boost not be paid back, a few versions more be taken in: calls must flow all the same.
    logger.warn({ err: error }, "writer.sampling_counts_failed");
  }
}

/** Closed, or taken over by another process: there is nothing to wait for. */
function isLogGone(error: unknown): boolean {
  return error instanceof LogError && error.code === "log_unavailable" && !error.retryable;
}

/** What was erased does not come back, however often its record is delivered. */
function withoutErased<Row extends Origin, State>(
  destination: Destination<Row, State>,
  erasures: ErasureList,
): Destination<Row, State> {
  return {
    ...destination,
    prepare: (record, state) => destination.prepare(cleanRecord(destination.topic, record, erasures), state),
  };
}
