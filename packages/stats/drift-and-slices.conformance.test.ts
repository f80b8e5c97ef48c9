import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { aucDeLong, aucRelevanceTest } from "./drift/auc.ts";
import { fnv1a32, hashedNgrams } from "./drift/hashed-ngrams.ts";
import { jensenShannonDistance } from "./drift/jensen-shannon.ts";
import { kitagawa } from "./slices/kitagawa.ts";
import { conjunctionRows, createPredicateTable } from "./slices/predicate-table.ts";
import { psiRelevanceTest, type PsiSample, psi, psiDebiased, psiUnderNull } from "./drift/psi.ts";
import { baselineMean } from "./baseline/ridge-baseline.ts";
import { sliceContext, sliceCost, sliceMdl, sliceZ, standardisedResiduals } from "./slices/slice-score.ts";
import { findBestSlice } from "./slices/slice-search.ts";
import { explainedShare } from "./slices/slice-verdict.ts";
import { wasserstein1 } from "./drift/wasserstein.ts";

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

interface Counts {
  readonly reference: number[];
  readonly current: number[];
}
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const sampleOf = ({ reference, current }: Counts, designEffect = 1): PsiSample => ({
  bins: reference.length,
  referenceRows: sum(reference),
  currentRows: sum(current),
  designEffect,
});

/** Without the smoothing of ours: what the relevance test was given. */
function psiPlain(reference: readonly number[], current: readonly number[]): number {
  const terms = reference.map((rows, i) => {
    const [before, after] = [rows / sum(reference), current[i]! / sum(current)];
    return (after - before) * Math.log(after / before);
  });
  return sum(terms);
}

interface TwoSamples {
  readonly x: number[];
  readonly y: number[];
}
interface TwoClasses {
  readonly negatives: number[];
  readonly positives: number[];
}
const auc = ({ negatives, positives }: TwoClasses): Record<string, unknown> => {
  const estimate = aucDeLong(negatives, positives);
  return {
    auc: estimate.auc,
    variance: estimate.variance,
    "p_value_H0_auc_le_0.55": aucRelevanceTest(estimate),
  };
};

/** For each vector, our answer in the vector's own keys. */
const answers: Readonly<Record<string, (inputs: never) => Record<string, unknown>>> = {
  psi_plain: (input: Counts) => {
    const observed = psiPlain(input.reference, input.current);
    const sample = sampleOf(input);
    return { psi: observed, bias: psiUnderNull(sample), psi_debiased: psiDebiased(observed, sample) };
  },
  psi_smoothed_half: ({ reference, current }: Counts) => ({ psi: psi(reference, current) }),
  psi_relevance_test: (input: Counts & { tau: number; design_effect: number }) => {
    const observed = psiPlain(input.reference, input.current);
    const p = (tau: number, designEffect = input.design_effect) =>
      psiRelevanceTest(observed, tau, sampleOf(input, designEffect));
    return {
      p_value: p(input.tau),
      p_value_tau0: p(0),
      "p_value_tau_0.02": p(0.02),
      "p_value_tau_0.02_deff_3": p(0.02, 3),
    };
  },
  jensen_shannon_distance: ({ p, q }: { p: number[]; q: number[] }) => ({
    base_e: jensenShannonDistance(p, q, Math.E),
    base_2: jensenShannonDistance(p, q),
  }),
  jensen_shannon_distance_zero_bin: ({ p, q }: { p: number[]; q: number[] }) => ({
    base_2: jensenShannonDistance(p, q),
  }),

  wasserstein_1: ({ reference, current }: Counts) => ({ w1: wasserstein1(reference, current) }),
  wasserstein_1_weighted: ({ x, wx, y, wy }: TwoSamples & { wx: number[]; wy: number[] }) => ({
    w1: wasserstein1(x, y, { reference: wx, current: wy }),
  }),

  auc_delong: auc,
  auc_delong_ties: auc,

  kitagawa_decomposition: (
    input: Readonly<Record<"share_old" | "share_new" | "mean_old" | "mean_new", number[]>>,
  ) => {
    const { total, mix, within, cells } = kitagawa(
      input.share_old.map((shareOld, s) => ({
        shareOld,
        shareNew: input.share_new[s]!,
        meanOld: input.mean_old[s]!,
        meanNew: input.mean_new[s]!,
      })),
    );
    return {
      total,
      mix,
      within,
      within_by_slice: cells.map((cell) => cell.within),
      mix_by_slice_centred: cells.map((cell) => cell.mix),
    };
  },
  slice_scores: (input: {
    rows_a_b_c_pass: [number, number, number, number][];
    beta: number[];
    max_depth: number;
  }) => {
    const rows = input.rows_a_b_c_pass;
    const active = (row: readonly number[]) => [1, 2, 3].filter((column) => row[column - 1] === 1);
    const baseline = rows.map((row) => baselineMean(input.beta, active(row)));
    const residuals = standardisedResiduals(
      baseline,
      rows.map((row) => row[3]),
    );
    const table = createPredicateTable(
      rows.length,
      ["a", "b", "c"].map((name, p) => ({
        name,
        rows: rows.flatMap((row, i) => (row[p] === 1 ? [i] : [])),
      })),
    );
    const context = sliceContext(residuals, 3, input.max_depth);
    const drops = rows.map((row, i) => baseline[i]! - row[3]);
    const slices: Record<string, unknown> = {};
    for (const predicates of [[0], [1], [2], [0, 1], [0, 2], [1, 2]]) {
      const inside = conjunctionRows(table, predicates);
      const members = new Set(inside);
      const n = inside.length;
      const sums = { rows: n, sum: sum([...inside].map((i) => residuals[i]!)), depth: predicates.length };
      const outside = mean(drops.filter((_, i) => !members.has(i)));
      slices[predicates.map((p) => table.names[p]).join("&")] = {
        n,
        z: sliceZ(context, sums),
        mdl: mdlOfAnySign(sliceZ(context, sums), sliceMdl(context, sums), sliceCost(context, sums.depth)),
        drop_in: mean([...inside].map((i) => drops[i]!)),
        drop_out: outside,
        phi: explainedShare(rows.length, mean(drops), n, outside),
      };
    }
    const best = findBestSlice(table, residuals, input.max_depth)!;
    return { slices, best: best.predicates.map((p) => table.names[p]).join("&") };
  },
  hashed_ngrams: ({ text, dim, n }: { text: string; dim: number; n: [number, number] }) => {
    const vector = hashedNgrams(text, { dimensions: dim, shortest: n[0], longest: n[1] });
    return {
      nonzero: Object.fromEntries(vector.indices.map((index, k) => [String(index), vector.values[k]!])),
      fnv1a_abc: fnv1a32("abc"),
    };
  },
};

/** The vector scores slices of any sign; ours refuses those that are not worse than the rest. */
function mdlOfAnySign(z: number, mdl: number, cost: number): number {
  if (z > 0) return mdl;
  expect(mdl).toBe(-Infinity);
  return (z * z) / 2 - cost;
}

function expectClose(actual: unknown, expected: unknown, tol: number, path: string): void {
  if (typeof expected === "number") {
    const size = Math.abs(expected);
    const error = Math.abs((actual as number) - expected);
    expect(error, `${path}: ${String(actual)} instead of ${expected}`).toBeLessThanOrEqual(
      tol * (size < 1e-12 ? 1 : size),
    );
  } else if (typeof expected === "object" && expected !== null) {
    const entries = actual as Readonly<Record<string, unknown>>;
    expect(Object.keys(entries).sort(), path).toEqual(Object.keys(expected).sort());
    for (const [key, value] of Object.entries(expected))
      expectClose(entries[key], value, tol, `${path}.${key}`);
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
    expectClose(answers[name]!(vector.inputs as never), vector.expected, vector.tol, name);
  });
});

test("every conformance vector is answered by one of the two conformance tests", () => {
  const other = readFileSync(new URL("./conformance.test.ts", import.meta.url), "utf8");
  const answeredThere = vectors
    .map(({ name }) => name)
    .filter((name) => new RegExp(`^  ${name}:`, "mu").test(other));
  const answered = new Set([...Object.keys(answers), ...answeredThere]);
  expect(vectors).toHaveLength(38);
  expect(vectors.map(({ name }) => name).filter((name) => !answered.has(name))).toEqual([]);
});
