/**
 * Tests whether calls got slower, dearer, less successful or less often primary: one version, hour by hour,
 * against what its incumbent did before, or against its own first weeks while nobody deploys. Pure.
 *
 * Shares (success, answered by the primary path, under the incumbent's p95 latency, as many tokens read from the
 * provider's cache as before) use the e-processes of quality: a fixed grid of relative drops below the reference minus a margin, tempered
 * by how much the reference's hours vary, Shiryaev–Roberts with one week of budget at a deploy. Alarm when S ≥ 4C, so
 * that the four shares together have at most one false alarm a year. Cost has confidence sequences of the mean log
 * cost, asymptotic, at 0.5% a side.
 *
 * Smallest effects that count: success −1 point, primary −2 points, calls over the old p95 doubled, cached −10
 * points, cost +10%; and never less than three standard errors of the reference. A share that is too small to fall by so
 * much is not tested: a prompt of which nothing was cached loses nothing.
 */
import { type Detection, HOUR_MS } from "@plumbline/schemas";
import {
  addDropFactors,
  alarmThreshold,
  asymptoticConfidenceSequence,
  confidenceSequence,
  dispersion,
  emptyDetector,
  relativeDropGrid,
  stepDetector,
  streamDetectors,
} from "@plumbline/stats";
import { type Found, type Metric, metrics, type OutcomeCounts } from "./rate-metrics.ts";

export type HealthFinding = Found & Sizes;

interface Sizes {
  readonly metric: Detection["metric"];
  readonly reference: Estimate;
  /** Since the change-point: the hours since the alarm began to build. */
  readonly current: Estimate;
  readonly effect: number;
  readonly interval: readonly [number, number];
  readonly level: number;
  readonly method: string;
}

export interface Estimate {
  readonly calls: number;
  readonly mean: number;
  readonly interval: readonly [number, number];
}

const GRID = relativeDropGrid();
const SHARES = 4;
const LOG_ALARM = Math.log(SHARES * alarmThreshold());
const LOG_DEPLOY_START = Math.log(168);
/** Tempering never goes below this: hours that vary more are not a reference but a mess. */
const ETA_MIN = 0.02;
/** Lowest share that is still as good as before; relative drops of less are about noise. */
const NULL_MIN = 0.05;
export const REFERENCE_CALLS_MIN = 500;
/** Calls since an alarm before it can end, and the span that is looked at. */
const RECOVERY_CALLS_MIN = 200;
const RECENT_HOURS = 24;
const COST_RISE_MIN = Math.log(1.1);
const COST_ALPHA = 0.005;

interface Share extends Metric {
  readonly reference: Estimate;
  readonly nullMean: number;
  readonly eta: number;
  state: Float64Array;
  since: { hour: number; passes: number; calls: number } | null;
  isAlarming: boolean;
}

export class VersionHealth {
  readonly #shares: Share[];
  readonly #reference: readonly OutcomeCounts[];
  readonly #isDeploy: boolean;
  readonly #recent: OutcomeCounts[] = [];
  readonly #cost = { calls: 0, sum: 0, logSum: 0, logSquareSum: 0 };
  #isDear = false;
  #isFirst = true;

  /** @param reference hours of the incumbent, frozen here; at least 500 calls */
  constructor(reference: readonly OutcomeCounts[], { isDeploy }: { readonly isDeploy: boolean }) {
    this.#reference = reference;
    this.#isDeploy = isDeploy;
    this.#shares = metrics(reference).flatMap((metric) => {
      const counts = reference.map(metric.counts);
      const calls = counts.reduce((sum, [, n]) => sum + n, 0);
      const passes = counts.reduce((sum, [n]) => sum + n, 0);
      if (calls < REFERENCE_CALLS_MIN) return [];
      const spread = dispersion(
        counts.map(([, n]) => n),
        counts.map(([n]) => n),
      );
      const p = (passes + 1) / (calls + 2);
      const error = Math.sqrt((spread.inflation * p * (1 - p)) / calls);
      const nullMean = Math.min(0.995, p - Math.max(metric.margin, 3 * error));
      if (nullMean < NULL_MIN) return [];
      return [
        {
          ...metric,
          reference: shareEstimate(passes, calls),
          nullMean,
          eta: Math.max(ETA_MIN, spread.eta),
          state: emptyDetector(1, GRID.length),
          since: null,
          isAlarming: false,
        },
      ];
    });
  }

  /** Folds one hour, hours in order, each once. */
  addHour(hour: OutcomeCounts): readonly HealthFinding[] {
    this.#recent.push(hour);
    while (this.#recent[0]!.hour <= hour.hour - RECENT_HOURS * HOUR_MS) this.#recent.shift();
    const logStart = this.#isFirst && this.#isDeploy ? LOG_DEPLOY_START : 0;
    this.#isFirst = false;
    for (const share of this.#shares) this.#step(share, hour, logStart);
    this.#cost.calls += hour.pricedCalls;
    this.#cost.sum += hour.costSum;
    this.#cost.logSum += hour.logCostSum;
    this.#cost.logSquareSum += hour.logCostSquareSum;
    return this.findings();
  }

  /** Every metric that alarms now. */
  findings(): readonly HealthFinding[] {
    const cost = this.#costFinding();
    return [
      ...this.#shares.flatMap((share) =>
        share.isAlarming && share.since !== null ? [describe(share, share.since)] : [],
      ),
      ...(cost !== null && this.#isDear ? [cost] : []),
    ];
  }

  /** Metrics that did not change, with their numbers, for messages. */
  normal(): readonly {
    readonly metric: Detection["metric"];
    readonly estimate: Estimate;
  }[] {
    return this.#shares.flatMap((share) => {
      const [passes, calls] = totals(share, this.#recent);
      if (share.isAlarming || calls === 0) return [];
      return [{ metric: share.metric, estimate: shareEstimate(passes, calls) }];
    });
  }

  /** Share of the last day's calls since `since` that got less than a full answer; null without a call. */
  degradedShare(since: string): number | null {
    const hours = this.#recent.filter(({ hour }) => hour >= Date.parse(since));
    const calls = callsIn(hours);
    return calls === 0 ? null : hours.reduce((sum, { degradedCalls }) => sum + degradedCalls, 0) / calls;
  }

  /** Calls of the version in the last day, from `since` on. */
  recentCalls(since: string): number {
    return callsIn(this.#recent.filter(({ hour }) => hour >= Date.parse(since)));
  }

  #step(share: Share, hour: OutcomeCounts, logStart: number): void {
    const [passes, calls] = share.counts(hour);
    if (share.isAlarming) {
      share.since = {
        hour: share.since!.hour,
        passes: share.since!.passes + passes,
        calls: share.since!.calls + calls,
      };
      const [recentPasses, recentCalls] = totals(
        share,
        this.#recent.filter((each) => each.hour > hour.hour - 6 * HOUR_MS),
      );
      if (recentCalls >= RECOVERY_CALLS_MIN && recentPasses / recentCalls >= share.nullMean) {
        share.isAlarming = false;
        share.since = null;
        share.state = emptyDetector(1, GRID.length);
      }
      return;
    }
    const factors = new Float64Array(GRID.length);
    const pass = new Float64Array(GRID.length);
    const fail = new Float64Array(GRID.length);
    addDropFactors(pass, 0, 1, share.nullMean, 1, share.eta, GRID);
    addDropFactors(fail, 0, 0, share.nullMean, 1, share.eta, GRID);
    for (let j = 0; j < GRID.length; j++) factors[j] = passes * pass[j]! + (calls - passes) * fail[j]!;
    stepDetector(share.state, logStart, factors, share.state);
    const [level] = streamDetectors(share.state, GRID.length);
    // The change began about when there last was no evidence.
    if (level! < Math.log(20)) share.since = null;
    else if (share.since === null) share.since = { hour: hour.hour, passes, calls };
    else
      share.since = {
        hour: share.since.hour,
        passes: share.since.passes + passes,
        calls: share.since.calls + calls,
      };
    share.isAlarming = level! >= LOG_ALARM;
  }

  #costFinding(): HealthFinding | null {
    const sum = (of: (hour: OutcomeCounts) => number): number =>
      this.#reference.reduce((total, hour) => total + of(hour), 0);
    const before = logCost(
      sum((h) => h.pricedCalls),
      sum((h) => h.logCostSum),
      sum((h) => h.logCostSquareSum),
    );
    const after = logCost(this.#cost.calls, this.#cost.logSum, this.#cost.logSquareSum);
    if (before === null || after === null) return null;
    const low = after.lower - before.upper;
    const high = after.upper - before.lower;
    // An alarm stays until the estimated rise is no longer material.
    this.#isDear = this.#isDear ? after.mean - before.mean > COST_RISE_MIN : low > COST_RISE_MIN;
    const meanBefore = sum((h) => h.costSum) / before.n;
    const meanAfter = this.#cost.sum / after.n;
    return {
      kind: "cost",
      metric: { name: "cost_usd_per_call", unit: "usd", label: "cost per call" },
      reference: {
        calls: before.n,
        mean: meanBefore,
        interval: [
          meanBefore * Math.exp(before.lower - before.mean),
          meanBefore * Math.exp(before.upper - before.mean),
        ],
      },
      current: {
        calls: after.n,
        mean: meanAfter,
        interval: [
          meanAfter * Math.exp(after.lower - after.mean),
          meanAfter * Math.exp(after.upper - after.mean),
        ],
      },
      effect: meanAfter - meanBefore,
      interval: [meanBefore * Math.expm1(low), meanBefore * Math.expm1(high)],
      level: 1 - 2 * COST_ALPHA,
      method: "asymptotic confidence sequences of the mean log cost",
      evidence: {
        measure: "cost_per_call",
        log_ratio: after.mean - before.mean,
        log_ratio_interval: [low, high],
        rise_min: COST_RISE_MIN,
      },
    };
  }
}

function describe(share: Share, since: { hour: number; passes: number; calls: number }): HealthFinding {
  const current = shareEstimate(since.passes, since.calls);
  return {
    ...share.found({
      null_mean: share.nullMean,
      eta: share.eta,
      since: new Date(since.hour).toISOString(),
      log_threshold: LOG_ALARM,
    }),
    metric: share.metric,
    reference: share.reference,
    current,
    effect: current.mean - share.reference.mean,
    interval: [
      current.interval[0] - share.reference.interval[1],
      current.interval[1] - share.reference.interval[0],
    ],
    level: 0.95,
    method: "Shiryaev–Roberts e-detector over relative drops",
  };
}

/** Share with a confidence sequence at 97.5%, so that a difference of two has 95%. */
function shareEstimate(passes: number, calls: number): Estimate {
  const { lower, upper } = confidenceSequence(passes, calls, { alpha: 0.025 });
  return { calls, mean: calls === 0 ? 0 : passes / calls, interval: [lower, upper] };
}

function totals(metric: Metric, hours: readonly OutcomeCounts[]): [number, number] {
  const counts = hours.map(metric.counts);
  return [counts.reduce((sum, [n]) => sum + n, 0), counts.reduce((sum, [, n]) => sum + n, 0)];
}

function logCost(
  n: number,
  sum: number,
  squares: number,
): { n: number; mean: number; lower: number; upper: number } | null {
  if (n < REFERENCE_CALLS_MIN / 5) return null;
  const mean = sum / n;
  const variance = Math.max(0, squares / n - mean * mean) * (n / (n - 1));
  return { n, mean, ...asymptoticConfidenceSequence(mean, Math.sqrt(variance), n, { alpha: COST_ALPHA }) };
}

function callsIn(hours: readonly OutcomeCounts[]): number {
  return hours.reduce((sum, { calls }) => sum + calls, 0);
}
