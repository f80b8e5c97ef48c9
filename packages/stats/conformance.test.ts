import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { asymptoticConfidenceSequence, confidenceSequence } from "./intervals/confidence-sequence.ts";
import { LOG_CLEARED } from "./sequential/clearance.ts";
import { dispersion } from "./sequential/dispersion.ts";
import {
  alarmThreshold,
  emptyDetector,
  stepDetector,
  streamDetectors,
  weightedStreamAverage,
} from "./sequential/e-detector.ts";
import { logMixture, relativeDropGrid } from "./sequential/e-value.ts";
import {
  logClearanceOfVerdicts,
  logEvidenceOfScores,
  logEvidenceOfVerdicts,
} from "./sequential/evidence.fixture.ts";
import { samplingUniform } from "./hash-sampling.ts";
import type { Interval } from "./intervals/interval.ts";
import { eBenjaminiHochberg, holm, pToEMixture } from "./sequential/multiple-testing.ts";
import { logEvidenceOfPairs } from "./sequential/paired-canary.ts";
import {
  bernoulliMixtureInterval,
  betaBinomialMixtureBound,
  gammaExponentialMixtureBound,
  oneSidedNormalMixtureBound,
  polyStitchingBound,
  twoSidedNormalMixtureBound,
} from "./published-boundaries.fixture.ts";
import { clopperPearsonInterval, wilsonInterval } from "./intervals/proportion-interval.ts";
import { baselineMean, ridgeBaseline } from "./baseline/ridge-baseline.ts";
import {
  betaQuantile,
  chiSquareSf,
  logBeta,
  noncentralChiSquareSf,
  normalQuantile,
  normalSf,
} from "./special/special.ts";

/**
 * Values from an independent implementation: numpy 2.4 and scipy 1.17, written by
 * `python3 stats-vectors.py > stats-vectors.json`. `tol` is relative, absolute below 1e−12.
 */
interface Vector {
  readonly name: string;
  readonly inputs: unknown;
  readonly expected: Readonly<Record<string, unknown>>;
  readonly tol: number;
}
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL("./fixtures/stats-vectors.json", import.meta.url), "utf8"),
).vectors;

const pair = (interval: Interval): number[] => [interval.lower, interval.upper];
const list = (values: Iterable<number>): number[] => [...values];
const mixtures = (logs: readonly Float64Array[]): number[] => logs.map((log) => logMixture(log));

interface Proportion {
  readonly k: number;
  readonly n: number;
  readonly conf: number;
}
const proportion = ({ k, n, conf }: Proportion): Record<string, unknown> => ({
  wilson: pair(wilsonInterval(k, n, conf)),
  clopper_pearson: pair(clopperPearsonInterval(k, n, conf)),
});

type Row = readonly [number, number, number];
type Pair = readonly [number, number];

/** For each vector, our answer in the vector's own keys. */
const answers: Readonly<Record<string, (inputs: never) => Record<string, unknown>>> = {
  normal_cdf: ({ z }: { z: number[] }) => ({ cdf: z.map((each) => normalSf(-each)) }),
  normal_quantile: ({ p }: { p: number[] }) => ({ z: p.map(normalQuantile) }),
  chi2_sf: ({ x_df }: { x_df: Pair[] }) => ({ sf: x_df.map((t) => chiSquareSf(...t)) }),
  noncentral_chi2_sf: ({ x_df_nc }: { x_df_nc: Row[] }) => ({
    sf: x_df_nc.map((t) => noncentralChiSquareSf(...t)),
  }),
  beta_quantile: ({ p_a_b }: { p_a_b: Row[] }) => ({ x: p_a_b.map((t) => betaQuantile(...t)) }),
  log_beta: ({ a_b }: { a_b: Pair[] }) => ({ value: a_b.map((t) => logBeta(...t)) }),
  proportion_ci_0_of_20: proportion,
  proportion_ci_20_of_20: proportion,
  proportion_ci_230_of_250: proportion,
  proportion_ci_7_of_9: proportion,

  benjamini_hochberg: ({ p }: { p: number[] }) => ({ holm_adjusted: holm(p) }),
  e_bh: ({ e, q }: { e: number[]; q: number }) => ({
    rejected_indices: eBenjaminiHochberg(e.map(Math.log), q),
    "rejected_q_0.2": eBenjaminiHochberg(e.map(Math.log), 0.2),
  }),
  p_to_e: ({ p }: { p: number[] }) => ({ mixture: p.map(pToEMixture) }),
  mixture_e_value_binary: (input: { null_mean: number; f: number[]; pass_fail: Pair[] }) => {
    const logs = input.pass_fail.map(([passes, fails]) =>
      logEvidenceOfVerdicts(passes, fails, input.null_mean, { grid: input.f }),
    );
    return { log_e_j: logs.map(list), log_e: mixtures(logs) };
  },
  mixture_e_value_scores: (input: { null_mean: number; f: number[]; scores: number[] }) => {
    const log = logEvidenceOfScores(input.scores, input.null_mean, { grid: input.f });
    return {
      lambda: input.f.map((f) => (1 - f) / (1 - input.null_mean)),
      log_e_j: list(log),
      log_e: logMixture(log),
    };
  },
  mixture_e_value_weighted: (input: { null_mean: number; scores: number[]; w: number[] }) => {
    const log = logEvidenceOfScores(input.scores, input.null_mean, { weights: input.w });
    return { log_e_j: list(log), log_e: logMixture(log) };
  },
  weighted_start_sr_detector: (input: {
    null_mean: number;
    hourly_pass_fail: Pair[];
    deploy_weight: number;
  }) => {
    const bets = relativeDropGrid().length;
    let state = emptyDetector(1, bets);
    const logM = input.hourly_pass_fail.map(([passes, fails], hour) => {
      const start = Math.log(hour === 0 ? input.deploy_weight : 1);
      state = stepDetector(state, start, logEvidenceOfVerdicts(passes, fails, input.null_mean));
      return streamDetectors(state, bets)[0]!;
    });
    const threshold = Math.log(alarmThreshold());
    return {
      log_M_per_hour: logM,
      log_S_final: list(state),
      log_threshold: threshold,
      alarm_hour_index: logM.findIndex((value) => value >= threshold),
    };
  },
  weighted_stream_average: ({ log_M, weights }: { log_M: number[]; weights: number[] }) => ({
    log_M_total: weightedStreamAverage(log_M, weights),
  }),
  dispersion_and_tempering: (input: {
    hourly_n: number[];
    hourly_pass: number[];
    null_mean: number;
    pass_fail: Pair;
  }) => {
    const { mean, raw, eta } = dispersion(input.hourly_n, input.hourly_pass);
    const log = logEvidenceOfVerdicts(...input.pass_fail, input.null_mean, { eta });
    return { p: mean, dispersion: raw, eta, log_e_tempered: logMixture(log) };
  },
  paired_canary_e_value: (input: { old_minus_new: number[]; delta: number; lambda: number[] }) => {
    const log = logEvidenceOfPairs(input.old_minus_new, { delta: input.delta, bets: input.lambda });
    return { log_e_j: list(log), log_e: logMixture(log) };
  },
  clearance_e_value_binary: (input: { null_mean: number; g: number[]; pass_fail: Pair[] }) => {
    const logs = input.pass_fail.map(([passes, fails]) =>
      logClearanceOfVerdicts(passes, fails, input.null_mean, { grid: input.g }),
    );
    const log = mixtures(logs);
    return {
      log_e_j: logs.map(list),
      log_e: log,
      "cleared_at_alpha_0.05": log.map((value) => value >= LOG_CLEARED),
    };
  },

  confidence_sequence_beta_binomial: ({
    sum_n,
    alpha,
    a,
    b,
  }: {
    sum_n: Pair[];
    alpha: number;
    a: number;
    b: number;
  }) => ({
    interval: sum_n.map(([sum, n]) => pair(confidenceSequence(sum, n, { alpha, a, b }))),
  }),
  asymptotic_confidence_sequence: (input: {
    mean: number;
    sd: number;
    n: number;
    alpha: number;
    n_star: number;
  }) => ({
    interval: pair(
      asymptoticConfidenceSequence(input.mean, input.sd, input.n, {
        alpha: input.alpha,
        nOptimal: input.n_star,
      }),
    ),
  }),
  published_boundaries_confseq: (input: { v: number; alpha: number; v_opt: number; alpha_opt: number }) => {
    const { v, alpha } = input;
    const tuning = { vOpt: input.v_opt, alphaOpt: input.alpha_opt };
    return {
      two_sided_normal_mixture_bound: twoSidedNormalMixtureBound(v, alpha, tuning),
      one_sided_normal_mixture_bound: oneSidedNormalMixtureBound(v, alpha, tuning),
      gamma_exponential_bound_c2: gammaExponentialMixtureBound(v, alpha, 2, tuning),
      "two_sided_beta_binomial_bound_g0.2_h0.8": betaBinomialMixtureBound(
        v,
        alpha,
        { g: 0.2, h: 0.8 },
        tuning,
      ),
      poly_stitching_bound_vmin10_c3: polyStitchingBound(v, alpha, { vMin: 10, c: 3 }),
      bernoulli_ci_700_of_1000_topt100: bernoulliMixtureInterval(700, 1_000, alpha, {
        nOpt: 100,
        alphaOpt: input.alpha_opt,
      }),
    };
  },
  ridge_baseline: (input: { rows_a_b_c_pass: [number, number, number, number][] }) => {
    const rows = input.rows_a_b_c_pass.map((row) => ({
      active: [1, 2, 3].filter((column) => row[column - 1] === 1),
      x: row[3],
    }));
    const beta = ridgeBaseline(rows, 3);
    const n = [0, 1, 2, 3].map((k) => rows.filter((row) => k === 0 || row.active.includes(k)).length);
    const se = n.map((count, k) => {
      const passes = rows.filter((row) => (k === 0 || row.active.includes(k)) && row.x === 1).length;
      const p = (passes + 1) / (count + 2);
      return Math.sqrt((p * (1 - p)) / count);
    });
    return {
      beta: list(beta),
      slice_n: n,
      slice_se: se,
      "margin_global_0.01_slice_0.03_z3": se.map((value, k) => Math.max(k === 0 ? 0.01 : 0.03, 3 * value)),
      baseline_for_a1_b0_c1: baselineMean(beta, [1, 3]),
    };
  },
  hash_sampling: ({ salt, ids }: { salt: string; ids: string[] }) => ({
    u: ids.map((id) => samplingUniform(salt, id)),
  }),
};

function expectClose(actual: unknown, expected: unknown, tol: number, path: string): void {
  if (Array.isArray(expected)) {
    expect(actual, path).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) {
      expectClose((actual as readonly unknown[])[i], value, tol, `${path}[${i}]`);
    }
  } else if (typeof expected === "number") {
    const size = Math.abs(expected);
    const error = Math.abs((actual as number) - expected);
    expect(error, `${path}: ${String(actual)} instead of ${expected}`).toBeLessThanOrEqual(
      tol * (size < 1e-12 ? 1 : size),
    );
  } else {
    expect(actual, path).toEqual(expected);
  }
}

describe("agrees with the independent implementation", () => {
  const ours = vectors.filter((vector) => vector.name in answers);

  test("every named vector exists", () => {
    expect(ours.map((vector) => vector.name).sort()).toEqual(Object.keys(answers).sort());
  });

  test.each(ours.map((vector) => [vector.name, vector] as const))("%s", (name, vector) => {
    const actual = answers[name]!(vector.inputs as never);
    expect(Object.keys(actual).sort()).toEqual(Object.keys(vector.expected).sort());
    for (const [key, expected] of Object.entries(vector.expected)) {
      expectClose(actual[key], expected, vector.tol, `${name}.${key}`);
    }
  });

  test("our sequences are the published boundaries, solved for the mean", () => {
    const [n, alpha] = [400, 0.05];
    for (const nOptimal of [100, 500]) {
      const { upper } = asymptoticConfidenceSequence(0, 1, n, { alpha, nOptimal });
      const bound = twoSidedNormalMixtureBound(n, alpha, { vOpt: nOptimal, alphaOpt: alpha });
      expect(upper / (bound / n)).toBeCloseTo(1, 12);
    }
    // With the mixture's own pseudo-counts, the sum on the boundary of 0.2 has 0.2 as the lower end of its sequence.
    const range = { g: 0.2, h: 0.8 };
    const tuning = { vOpt: 0.16 * 300, alphaOpt: alpha };
    const sum = 0.2 * n + betaBinomialMixtureBound(0.16 * n, alpha, range, tuning);
    const twice = 2 * Math.log(1 / alpha);
    const pseudo = tuning.vOpt / (twice + Math.log1p(twice)) - 0.16;
    const { lower } = confidenceSequence(sum, n, { alpha, a: pseudo / 0.8, b: pseudo / 0.2 });
    expect(lower).toBeCloseTo(0.2, 8);
  });

  test("normal tails keep twelve digits where a table would have none", () => {
    // scipy.stats.norm.sf(8) and scipy.special.erfc(10), to compare beyond the vectors' absolute rule.
    expect(normalSf(8) / 6.220960574271785e-16).toBeCloseTo(1, 12);
    expect(normalSf(6) / 9.865876450376946e-10).toBeCloseTo(1, 12);
  });
});
