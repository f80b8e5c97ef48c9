/**
 * Repeats jobs by elapsed time and says how each of them fares.
 *
 * Periods are measured on the monotonic clock: a step of the wall clock, in either direction, neither stops a job nor
 * makes it run twice.
 */
import { counted } from "@plumbline/schemas";
import { notOk, ok, type Check, type Health } from "./health.ts";
import type { Logger } from "./logger.ts";
import { observe, setGauge } from "./metrics.ts";
import type { Service } from "./run.ts";

/** The Clock port as far as a schedule needs it; this package knows nothing of the ports. */
interface ScheduleClock {
  now(): number;
  monotonic(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Longest wait before the first run, ms: a process serves first and looks back then. */
const FIRST_RUN_MS_MAX = 5_000;
/** Periods without a success after which a job is overdue. */
const OVERDUE_PERIODS = 3;
/** A job with a short period may take longer than three of them now and then, such as at a start; ms. */
const OVERDUE_MS_MIN = 60_000;
/** Parts named in a health snapshot; the count says how many there are. */
const PARTS_NAMED_MAX = 20;

/** One part of a run that failed, such as one use case; the others were done. */
export interface PartFailure {
  readonly part: string;
  readonly error: string;
}

export interface ScheduledJob {
  readonly name: string;
  /** From the start of one run to the start of the next, ms. A run that takes longer skips the starts that it missed. */
  readonly everyMs: number;
  /** @returns the parts that failed while the rest was done; nothing when all was. A rejection means that nothing counts as done. */
  run(signal: AbortSignal): Promise<readonly PartFailure[] | void>;
}

/** How one job fares, as `/readyz?verbose` and `/metrics` show it. */
export interface JobHealth {
  readonly name: string;
  readonly period_ms: number;
  /** Runs that ended, since the process started; failures are those that were rejected, partial those that left parts out. */
  readonly runs: number;
  readonly failures: number;
  readonly partial_runs: number;
  /** ISO 8601 UTC by the wall clock; null before the first success. A partial run counts: most of it was done. */
  readonly last_success_at: string | null;
  /** One sentence on the newest failure; null once a run succeeded after it. */
  readonly last_error: string | null;
  /** Of the newest run that ended, ms; null before it. */
  readonly duration_ms: number | null;
  /** Parts that the newest run left out: their number, and at most 20 of them. */
  readonly failed_parts_count: number;
  readonly failed_parts: readonly PartFailure[];
  /** No run has succeeded for three periods of elapsed time, at least a minute: the process is not ready. */
  readonly is_overdue: boolean;
}

interface JobScheduler {
  /** Repeats the jobs until `signal` aborts, then waits for the runs in flight. */
  run(signal: AbortSignal): Promise<void>;
  health(): readonly JobHealth[];
  /** One check a job, by its name: it has succeeded within three periods. */
  readonly readiness: Required<Health>["readiness"];
}

/** A service that runs jobs and says how they fare; empty while it has not begun. */
export interface JobService extends Service {
  jobs(): readonly JobHealth[];
}

interface JobRecord {
  readonly job: ScheduledJob;
  runs: number;
  failures: number;
  partialRuns: number;
  lastSuccessAt: string | null;
  /** Monotonic, ms; the start of the schedule before the first success. */
  succeededAt: number | null;
  lastError: string | null;
  durationMs: number | null;
  failedParts: readonly PartFailure[];
}

/**
 * Makes a schedule of jobs. Runs of one job never overlap; jobs don't wait for each other. A failed run is logged and
 * the next period tries again; jobs are idempotent, so nothing is lost by that.
 */
export function createScheduler(
  jobs: readonly ScheduledJob[],
  options: { readonly clock: ScheduleClock; readonly logger: Logger },
): JobScheduler {
  const { clock, logger } = options;
  const records: readonly JobRecord[] = jobs.map((job) => ({
    job,
    runs: 0,
    failures: 0,
    partialRuns: 0,
    lastSuccessAt: null,
    succeededAt: null,
    lastError: null,
    durationMs: null,
    failedParts: [],
  }));

  async function repeat(record: JobRecord, signal: AbortSignal): Promise<void> {
    const { everyMs } = record.job;
    const job = record.job.name;
    record.succeededAt = clock.monotonic();
    setGauge("job_period_seconds", { job }, everyMs / 1_000);
    setGauge("job_last_success_timestamp_seconds", { job }, clock.now() / 1_000);
    await clock.sleep(Math.min(everyMs, FIRST_RUN_MS_MAX), signal);
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      await runOnce(record, signal);
      const overrunMs = (clock.monotonic() - startedAt) % everyMs;
      await clock.sleep(everyMs - overrunMs, signal);
    }
  }

  async function runOnce(record: JobRecord, signal: AbortSignal): Promise<void> {
    const job = record.job.name;
    const startedAt = clock.monotonic();
    let failedParts: readonly PartFailure[] = [];
    let failure: unknown = null;
    try {
      failedParts = (await record.job.run(signal)) ?? [];
    } catch (error) {
      if (signal.aborted) return;
      failure = error;
    }
    record.runs += 1;
    record.durationMs = Math.round(clock.monotonic() - startedAt);
    const outcome = failure !== null ? "failed" : failedParts.length > 0 ? "partial" : "ok";
    const line = { job, outcome, duration_ms: record.durationMs, failed_parts: failedParts.length };
    observe("job_duration_seconds", { job, outcome }, record.durationMs / 1_000);
    if (failure !== null) {
      record.failures += 1;
      record.lastError = failure instanceof Error ? failure.message : "failed without an error";
      logger.error({ ...line, err: failure }, "job.run");
      return;
    }
    record.failedParts = failedParts;
    record.succeededAt = clock.monotonic();
    record.lastSuccessAt = new Date(clock.now()).toISOString();
    record.lastError = failedParts[0]?.error ?? null;
    setGauge("job_last_success_timestamp_seconds", { job }, clock.now() / 1_000);
    if (outcome === "partial") {
      record.partialRuns += 1;
      logger.warn(line, "job.run");
    } else {
      logger.info(line, "job.run");
    }
  }

  return {
    async run(signal) {
      await Promise.all(records.map((record) => repeat(record, signal)));
    },
    health: () => records.map((record) => toHealth(record, clock.monotonic())),
    readiness: Object.fromEntries(
      records.map((record): [string, Check] => [
        record.job.name,
        () =>
          record.succeededAt === null
            ? notOk("has not begun")
            : describe(toHealth(record, clock.monotonic())),
      ]),
    ),
  };
}

function describe(health: JobHealth): ReturnType<typeof ok> {
  const { is_overdue, last_success_at, last_error, failed_parts_count, period_ms } = health;
  const success = last_success_at === null ? "has not succeeded yet" : `succeeded at ${last_success_at}`;
  const period = `runs every ${period_ms / 1_000} s`;
  const parts = failed_parts_count === 0 ? "" : `; ${counted(failed_parts_count, "part")} of it failed`;
  const error = last_error === null ? "" : `; the last failure: ${last_error}`;
  const sentence = `${success}, ${period}${parts}${error}`;
  return is_overdue ? notOk(sentence) : ok(sentence);
}

function toHealth(record: JobRecord, nowMs: number): JobHealth {
  const { job, succeededAt, failedParts } = record;
  return {
    name: job.name,
    period_ms: job.everyMs,
    runs: record.runs,
    failures: record.failures,
    partial_runs: record.partialRuns,
    last_success_at: record.lastSuccessAt,
    last_error: record.lastError,
    duration_ms: record.durationMs,
    failed_parts_count: failedParts.length,
    failed_parts: failedParts.slice(0, PARTS_NAMED_MAX),
    is_overdue:
      succeededAt !== null && nowMs - succeededAt > Math.max(OVERDUE_PERIODS * job.everyMs, OVERDUE_MS_MIN),
  };
}
