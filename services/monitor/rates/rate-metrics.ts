/**
 * What VersionHealth tests of the calls of a version: which calls pass, frozen from the reference, and what a finding says.
 * Pure.
 */
import type { Detection, RateDetection } from "@plumbline/schemas";
import { addHistogram, binStart, binValue, MISSING_BIN, rowsOf, type Histogram } from "../counts/log-bins.ts";

/** Outcomes of one version in one hour. */
export interface OutcomeCounts {
  /** Start of the hour, ms. */
  readonly hour: number;
  readonly calls: number;
  readonly okCalls: number;
  /** Answered by neither the primary path at once nor the application's own cache. */
  readonly elsewhereCalls: number;
  /** Of these, by a fallback model, a stale answer, a template or an error. */
  readonly degradedCalls: number;
  readonly pricedCalls: number;
  readonly costSum: number;
  readonly logCostSum: number;
  readonly logCostSquareSum: number;
  readonly latency: Histogram;
  /** Input tokens that were read from the provider's cache; `MISSING_BIN` holds calls that did not report it. */
  readonly cachedTokens: Histogram;
}

/** What only whoever asserts a finding knows. */
type AddedLater = "at_deploy" | "normal" | "impact" | "degraded_share";
/** Kind and evidence of a finding, as a detection of the kind has them. */
export type Found = RateDetection extends infer Each
  ? Each extends RateDetection
    ? { readonly kind: Each["kind"]; readonly evidence: Without<Each["evidence"]> }
    : never
  : never;
type Without<Evidence> = Evidence extends unknown ? Omit<Evidence, AddedLater> : never;

/** Numbers of a share that fell. */
interface ShareNumbers {
  readonly null_mean: number;
  readonly eta: number;
  readonly since: string;
  readonly log_threshold: number;
}

export interface Metric {
  readonly metric: Detection["metric"];
  /** Smallest fall of the passing share that counts. */
  readonly margin: number;
  readonly counts: (hour: OutcomeCounts) => readonly [passes: number, calls: number];
  readonly found: (numbers: ShareNumbers) => Found;
}

const P95 = 0.95;

/** Shares in the order of their findings. */
export function metrics(reference: readonly OutcomeCounts[]): readonly Metric[] {
  const p95 = binAbove(
    joined(reference, ({ latency }) => latency),
    P95,
  );
  const cached = cachedPrefix(joined(reference, ({ cachedTokens }) => cachedTokens));
  const threshold = Math.round(binValue(p95));
  return [
    {
      metric: { name: "success_rate", unit: "share", label: "success rate" },
      margin: 0.01,
      counts: (hour) => [hour.okCalls, hour.calls],
      found: (numbers) => ({ kind: "success", evidence: { measure: "success_rate", ...numbers } }),
    },
    {
      metric: { name: "primary_share", unit: "share", label: "answers from the primary model" },
      margin: 0.02,
      counts: (hour) => [hour.calls - hour.elsewhereCalls, hour.calls],
      found: (numbers) => ({ kind: "path_mix", evidence: { measure: "primary_share", ...numbers } }),
    },
    {
      metric: {
        name: `share_within_${threshold}_milliseconds`,
        unit: "share",
        label: `calls within ${threshold.toLocaleString("en-US")} ms`,
      },
      margin: 1 - P95,
      counts: (hour) => {
        const calls = rowsOf(hour.latency);
        let slow = 0;
        for (const [bin, n] of hour.latency) if (bin > p95) slow += n;
        return [calls - slow, calls];
      },
      found: (numbers) => ({
        kind: "latency",
        evidence: { measure: "share_within", ...numbers, threshold_ms: Math.max(1, threshold) },
      }),
    },
    ...(cached === null ? [] : [cached]),
  ];
}

/** Null when the reference had no call with a cached prefix. */
function cachedPrefix(reference: Histogram): Metric | null {
  const cached = new Map([...reference].filter(([bin, calls]) => bin > 0 && calls > 0));
  if (cached.size === 0) return null;
  // A bin below the median: a sixth to a third fewer tokens are as many as before, by the width of the bins.
  const least = Math.max(1, binAbove(cached, 0.5) - 1);
  return {
    metric: { name: "cached_prefix_share", unit: "share", label: "calls with a cached prompt" },
    margin: 0.1,
    counts: ({ cachedTokens }) => {
      let passes = 0;
      let calls = 0;
      for (const [bin, n] of cachedTokens) {
        if (bin === MISSING_BIN) continue;
        calls += n;
        if (bin >= least) passes += n;
      }
      return [passes, calls];
    },
    found: (numbers) => ({
      kind: "cost",
      evidence: {
        measure: "cached_prefix_share",
        ...numbers,
        cached_tokens_min: Math.ceil(binStart(least)),
      },
    }),
  };
}

function joined(hours: readonly OutcomeCounts[], of: (hour: OutcomeCounts) => Histogram): Histogram {
  const all = new Map<number, number>();
  for (const hour of hours) addHistogram(all, of(hour));
  return all;
}

/** The bin that holds the quantile; rows above it are at most 1 − p of all. */
function binAbove(all: Histogram, p: number): number {
  const total = rowsOf(all);
  let below = 0;
  for (const [bin, n] of [...all].sort(([a], [b]) => a - b)) {
    below += n;
    if (below >= p * total) return bin;
  }
  return 0;
}
