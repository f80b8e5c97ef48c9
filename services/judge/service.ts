/**
 * The judge: takes sampled calls without a verdict from the store, has them judged, appends verdicts to the log.
 *
 * A work list, not a queue: what is left to do is what the store shows without a verdict, so a crash loses nothing
 * and nothing needs to be acknowledged. Every sampled call ends in exactly one state: scored, cannot_judge, failed,
 * expired or over_budget. The verdict is stored later than it is appended; in between `DecidedCalls` knows it, and
 * after a restart it is filled from the end of the verdict topic.
 */
import {
  type Clock,
  type EventLog,
  type ExternalError,
  type Judge,
  type PendingCall,
  PlumblineError,
  readEvent,
  readPages,
  type Rubric,
  scheduleSlot,
  type Store,
  writeEvent,
} from "@plumbline/ports";
import { backoffMs } from "@plumbline/runtime/backoff";
import { counted, HOUR_MS, Verdict } from "@plumbline/schemas";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import { AwaitedTexts, withoutTexts } from "./call-texts.ts";
import { BatchCounts } from "./batch-counts.ts";
import { Budget } from "./budget.ts";
import type { JudgeConfig } from "./config.ts";
import { DecidedCalls } from "./decided-calls.ts";
import { JudgeHealth } from "./health.ts";
import { attemptKey, judgeCall, makeVerdict } from "./judge-call.ts";

const GROUP = "judge";
/** Calls wanted from one look at the work list. */
const PAGE = 1_000;
/** Most rows asked for: those beyond `PAGE` make up for calls that are decided but not stored, or are somebody else's. */
const PAGE_MAX = 5_000;
/** Ten times what can be decided and not stored, since an unstored page stops the work. */
const DECIDED_MAX = 10 * PAGE_MAX;
/** Verdicts appended at once. */
const APPEND_MAX = 250;
/** Longest that a verdict waits for others, ms. */
const APPEND_AFTER_MS = 500;
/** First wait for verdicts to reach the store, ms. */
const UNSTORED_WAIT_MS = 250;
/** Bounds of the wait after a fault of the judge, the store or the log, ms; doubles in between. */
const RETRY = { minMs: 1_000, maxMs: 60_000 };
/** Waiting calls remembered with their attempts; beyond it a call starts anew, bounded by its age. */
const ATTEMPTS_KEPT_MAX = 20_000;
/** Longest that judging holds the event loop, ms: in local mode every service shares it. */
const TURN_MS = 8;
/** Shortest time from one look at the work list to the next while it holds less than a page, ms. */
const LOOK_MS = 1_000;

export interface JudgeServiceDeps {
  readonly log: Pick<EventLog, "append" | "claim" | "read" | "watermarks">;
  readonly store: Pick<Store, "pendingCalls">;
  readonly judge: Judge;
  /** Every sampled call is judged on each of them. */
  readonly rubrics: readonly Rubric[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: JudgeConfig;
}

interface Task {
  readonly call: PendingCall;
  readonly rubric: Rubric;
}

export function createJudgeService(deps: JudgeServiceDeps): Service {
  const health = new JudgeHealth(deps.rubrics);
  return {
    name: "judge",
    health: health.health,
    run: (signal) => new JudgeRun(deps, health, signal).run(),
  };
}

/** The state of one run of the service. */
class JudgeRun {
  readonly #deps: JudgeServiceDeps;
  readonly #health: JudgeHealth;
  readonly #signal: AbortSignal;
  readonly #budget: Budget;
  readonly #decided = new DecidedCalls(DECIDED_MAX);
  readonly #awaited = new AwaitedTexts();
  /** Times are monotonic, here and below: the time of day may be set while somebody waits. */
  readonly #attempts = new Map<string, { count: number; notBefore: number }>();
  #held: ReadonlySet<number> = new Set();
  #partitions = 1;
  /** Rows per rubric of the last look that were of no use. */
  #useless = new Map<string, number>();
  #unappended: Verdict[] = [];
  #appendedAt = 0;
  #appending: Promise<void> = Promise.resolve();
  /** Set while the judge is not to be reached: nothing is asked before `until`, then one call at a time. */
  #outage: { readonly until: number; readonly failures: number } | null = null;
  #turnEndsAt = 0;

  constructor(deps: JudgeServiceDeps, health: JudgeHealth, signal: AbortSignal) {
    this.#deps = deps;
    this.#health = health;
    this.#signal = signal;
    this.#budget = new Budget({
      usdPerDay: deps.config.PLUMBLINE_JUDGE_USD_PER_DAY,
      callsPerHour: deps.config.PLUMBLINE_JUDGE_CALLS_PER_HOUR,
      isFree: deps.judge.isFree,
    });
  }

  async run(): Promise<void> {
    const { log } = this.#deps;
    await this.#untilItWorks("judge.start", async () => {
      this.#partitions = (await log.watermarks("plumbline.schedule")).length;
      await this.#recall();
    });
    await Promise.all([this.#follow(), this.#work()]);
  }

  async #follow(): Promise<void> {
    const { log, logger } = this.#deps;
    for await (const claimed of log.claim(GROUP, "plumbline.schedule", this.#signal)) {
      this.#held = new Set(claimed);
      logger.info({ partitions: claimed.length }, "judge.claimed");
    }
  }

  /** Reads the end of the verdict topic: what was decided, and paid for, just before this process started. */
  async #recall(): Promise<void> {
    const { log, clock } = this.#deps;
    const now = clock.now();
    for (const { partition, low, high } of await log.watermarks("plumbline.verdicts")) {
      const from = Math.max(low, high - DECIDED_MAX);
      const unread = { from, to: high, recordsMax: 1_000 };
      for await (const records of readPages(log, "plumbline.verdicts", partition, unread)) {
        for (const record of records) {
          const verdict = readEvent(record, Verdict);
          if (verdict === null) continue;
          this.#decided.add(verdict.call_id, verdict.rubric_hash);
          if (verdict.state === "scored" || verdict.state === "cannot_judge") {
            this.#budget.count(verdict.cost_usd, Date.parse(verdict.judged_at), now);
          }
        }
      }
    }
  }

  async #work(): Promise<void> {
    const { config, clock } = this.#deps;
    let wait = 0;
    while (!this.#signal.aborted) {
      this.#health.turned();
      const lookedAt = clock.monotonic();
      const { tasks, useless } = await this.#look();
      if (tasks.length > 0) {
        wait = 0;
        await this.#judgeAll(tasks);
        // A look costs as much whether it finds one call or a page: with less than a page, let some gather.
        if (tasks.length < PAGE) await clock.sleep(lookedAt + LOOK_MS - clock.monotonic(), this.#signal);
        continue;
      }
      // Something is on its way to the store: look again soon, but ever later should the store be down.
      const first = useless > 0 ? UNSTORED_WAIT_MS : config.PLUMBLINE_JUDGE_IDLE_MS;
      wait = Math.min(wait === 0 ? first : wait * 2, config.PLUMBLINE_JUDGE_IDLE_MS_MAX);
      await clock.sleep(wait, this.#signal);
    }
    await this.#append();
  }

  /** What can be decided now. Calls that wait for another attempt, and during an outage all that need the judge, are left out. */
  async #look(): Promise<{ tasks: readonly Task[]; useless: number }> {
    const { store, rubrics, clock, config } = this.#deps;
    const now = clock.now();
    const since = new Date(now - config.PLUMBLINE_JUDGE_LOOKBACK_DAYS * 24 * HOUR_MS).toISOString();
    const tasks: Task[] = [];
    let uselessAll = 0;
    let pending = 0;
    let oldest = now;
    for (const rubric of rubrics) {
      const limit = Math.min(PAGE + (this.#useless.get(rubric.hash) ?? 0), PAGE_MAX);
      const calls = await this.#untilItWorks("judge.look", () =>
        store.pendingCalls({ criterion: rubric.name, rubric_hash: rubric.hash, limit, since }),
      );
      let useless = 0;
      for (const call of calls ?? []) {
        if (this.#isOwed(call, rubric)) {
          pending++;
          oldest = Math.min(oldest, Date.parse(call.ingested_at));
        }
        if (this.#canDecide(call, rubric)) tasks.push({ call, rubric });
        else useless++;
      }
      this.#useless.set(rubric.hash, useless);
      uselessAll += useless;
    }
    this.#health.looked(pending, now - oldest);
    // After an outage one call shows whether the judge is back.
    if (this.#outage === null) return { tasks, useless: uselessAll };
    const ready = tasks.filter((task) => this.#withoutJudge(task) !== null);
    const probe =
      clock.monotonic() < this.#outage.until ? [] : tasks.filter((task) => !ready.includes(task)).slice(0, 1);
    return { tasks: [...ready, ...probe], useless: uselessAll };
  }

  /** Whether this replica has to decide the call and has not done so. */
  #isOwed(call: PendingCall, rubric: Rubric): boolean {
    if (this.#decided.has(call.call_id, rubric.hash)) return false;
    return this.#held.has(scheduleSlot(call.use_case, this.#partitions));
  }

  #canDecide(call: PendingCall, rubric: Rubric): boolean {
    if (!this.#isOwed(call, rubric)) return false;
    if (this.#awaited.isAwaited(call, this.#deps.clock.monotonic()) && !this.#isExpired(call)) return false;
    const attempts = this.#attempts.get(attemptKey(call, rubric));
    return (
      attempts === undefined || attempts.notBefore <= this.#deps.clock.monotonic() || this.#isExpired(call)
    );
  }

  #isExpired(call: PendingCall): boolean {
    const age = this.#deps.clock.now() - Date.parse(call.ingested_at);
    return age > this.#deps.config.PLUMBLINE_JUDGE_AGE_HOURS_MAX * HOUR_MS;
  }

  /** The verdict of a call that nobody needs to be asked about, else null. */
  #withoutJudge({ call, rubric }: Task): Verdict | null {
    const { judge, clock, config } = this.#deps;
    const decide = (fields: Pick<Verdict, "state" | "reason" | "cause">): Verdict =>
      makeVerdict(call, rubric, judge.name, clock.now(), fields);
    const absence = withoutTexts(call, clock.now());
    // Nobody waited long for the texts of a call that arrived here too old.
    const isUnknown = absence?.state === "failed" && this.#isExpired(call);
    if (absence !== null && !isUnknown) return decide(absence);
    if (this.#isExpired(call)) {
      const reason = `not judged within ${counted(config.PLUMBLINE_JUDGE_AGE_HOURS_MAX, "hour")}`;
      return decide({ state: "expired", cause: "waited_too_long", reason });
    }
    return null;
  }

  async #judgeAll(tasks: readonly Task[]): Promise<void> {
    const { clock, config, judge, logger } = this.#deps;
    const started = clock.monotonic();
    const counts = new BatchCounts();
    let next = 0;
    const outageAtStart = this.#outage;
    this.#appendedAt = started;

    const worker = async (): Promise<void> => {
      while (next < tasks.length && !this.#signal.aborted) {
        const task = tasks[next++]!;
        const verdict = await this.#judgeOne(task, outageAtStart);
        this.#health.turned();
        if (verdict === null) continue;
        this.#decided.add(task.call.call_id, task.rubric.hash);
        this.#attempts.delete(attemptKey(task.call, task.rubric));
        this.#unappended.push(verdict);
        counts.add(verdict, task.rubric.name);
        if (
          this.#unappended.length >= APPEND_MAX ||
          clock.monotonic() - this.#appendedAt >= APPEND_AFTER_MS
        ) {
          await this.#append();
        }
        await this.#takeTurns();
      }
    };
    await Promise.all(
      Array.from({ length: Math.min(config.PLUMBLINE_JUDGE_CONCURRENCY, tasks.length) }, worker),
    );
    await this.#append();
    this.#health.judged(counts);
    if (!counts.isEmpty) {
      logger.info(
        {
          ...counts.states,
          judge: judge.name,
          cost_usd: counts.costUsd,
          unpriced: counts.unpriced,
          usd_today: this.#budget.usdToday,
          duration_ms: Math.round(clock.monotonic() - started),
        },
        "judge.batch",
      );
    }
  }

  /** Null when the call stays on the work list. */
  async #judgeOne(task: Task, outageAtStart: unknown): Promise<Verdict | null> {
    const { judge, clock, config } = this.#deps;
    const { call, rubric } = task;
    const decided = this.#withoutJudge(task);
    if (decided !== null) return decided;
    // Another worker has just found the judge gone.
    if (this.#outage !== null && this.#outage !== outageAtStart) return null;
    const spent = this.#budget.reserve(clock.now());
    if (spent !== null) {
      const over = { state: "over_budget", cause: "budget", reason: spent } as const;
      return makeVerdict(call, rubric, judge.name, clock.now(), over);
    }
    const outcome = await judgeCall(call, rubric, {
      judge,
      clock,
      timeoutMs: config.PLUMBLINE_JUDGE_TIMEOUT_MS,
      signal: this.#signal,
    });
    switch (outcome.kind) {
      case "stopped":
        return null;
      case "verdict":
        this.#budget.settle(outcome.verdict.cost_usd, clock.now());
        this.#outage = null;
        this.#health.answered();
        return outcome.verdict;
      case "unreachable":
        // What was asked may have been paid for; nobody knows.
        this.#budget.settle(null, clock.now());
        return this.#postpone(task, outcome.error, outcome.isCallsFault);
    }
  }

  /** Puts the call back, and everything else with it; after too many attempts the call ends as failed. */
  #postpone({ call, rubric }: Task, error: ExternalError, isCallsFault: boolean): Verdict | null {
    const { judge, clock, config, logger } = this.#deps;
    const now = clock.monotonic();
    const failures = (this.#outage?.failures ?? 0) + 1;
    const pause = error.retryAfterMs ?? backoffMs(failures, RETRY);
    this.#outage = { until: Math.max(this.#outage?.until ?? 0, now + pause), failures };
    this.#health.unreachable(rubric.name, failures, error.message);
    const { code, message } = error;
    logger.warn({ code, message, failures, pause_ms: pause, call_id: call.call_id }, "judge.unreachable");

    const key = attemptKey(call, rubric);
    const count = (this.#attempts.get(key)?.count ?? 0) + (isCallsFault ? 1 : 0);
    if (count >= config.PLUMBLINE_JUDGE_ATTEMPTS_MAX) {
      const reason = `the judge did not answer in ${counted(count, "attempt")}: ${error.message}`;
      return makeVerdict(call, rubric, judge.name, clock.now(), {
        state: "failed",
        cause: "no_answer",
        reason,
      });
    }
    // Later than the pause, so that the next call to be tried is another one.
    const notBefore = isCallsFault ? now + 2 * pause : now;
    this.#attempts.delete(key);
    this.#attempts.set(key, { count, notBefore });
    if (this.#attempts.size > ATTEMPTS_KEPT_MAX) this.#attempts.delete(this.#attempts.keys().next().value!);
    return null;
  }

  /** Appends what was decided; one append at a time. A log that is down holds the work up, and nothing is lost. */
  #append(): Promise<void> {
    this.#appending = this.#appending.then(async () => {
      const verdicts = this.#unappended.splice(0);
      this.#appendedAt = this.#deps.clock.monotonic();
      if (verdicts.length === 0) return;
      const records = verdicts.map((verdict) => ({
        key: verdict.call_id,
        value: writeEvent(verdict),
        headers: { tenant: verdict.tenant },
      }));
      await this.#untilItWorks("judge.append", () => this.#deps.log.append("plumbline.verdicts", records));
    });
    return this.#appending;
  }

  /** Repeats after a retryable fault, ever more slowly. Null when the service was stopped meanwhile. */
  async #untilItWorks<Result>(step: string, work: () => Promise<Result>): Promise<Result | null> {
    const { clock, logger } = this.#deps;
    for (let failures = 0; ; failures++) {
      this.#health.turned();
      try {
        const result = await work();
        this.#health.step(step, null);
        return result;
      } catch (error) {
        if (!(error instanceof PlumblineError) || !error.retryable) throw error;
        if (this.#signal.aborted) return null;
        const pause = backoffMs(failures + 1, RETRY);
        this.#health.step(step, error.message);
        logger.warn({ step, err: error, failures: failures + 1, pause_ms: pause }, "judge.waiting");
        await clock.sleep(pause, this.#signal);
      }
    }
  }

  /** A judge that answers at once would keep every timer and socket of the process waiting. */
  async #takeTurns(): Promise<void> {
    const now = performance.now();
    if (now < this.#turnEndsAt) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#turnEndsAt = performance.now() + TURN_MS;
  }
}
