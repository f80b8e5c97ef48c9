import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conjunctionRows, createPredicateTable } from "./predicate-table.ts";
import { createRandom } from "../special/random.ts";
import { sliceHeterogeneityTest } from "./slice-permutation.ts";
import {
  sliceBound,
  sliceContext,
  sliceCost,
  sliceMdl,
  sliceZ,
  standardisedResiduals,
} from "./slice-score.ts";
import { findBestSlice, findSlices } from "./slice-search.ts";
import { type SliceEvidence, decideSliceVerdict, explainedShare } from "./slice-verdict.ts";

interface World {
  readonly membership: readonly (readonly boolean[])[];
  readonly residuals: Float64Array;
}

/** Random predicates over random verdicts; `planted` lowers quality where all of them hold. */
function world(seed: number, rows: number, predicates: number, planted: readonly number[] = []): World {
  const random = createRandom(seed);
  const shares = Array.from({ length: predicates }, () => 0.1 + 0.5 * random.uniform());
  const membership = shares.map((share) => Array.from({ length: rows }, () => random.uniform() < share));
  const scores = Array.from({ length: rows }, (_, row) => {
    const hit = planted.length > 0 && planted.every((p) => membership[p]![row]);
    return random.uniform() < (hit ? 0.4 : 0.9) ? 1 : 0;
  });
  return {
    membership,
    residuals: standardisedResiduals(
      scores.map(() => 0.9),
      scores,
    ),
  };
}

function tableOf(membership: World["membership"]) {
  return createPredicateTable(
    membership[0]!.length,
    membership.map((holds, p) => ({
      name: `p${p}`,
      rows: holds.flatMap((held, row) => (held ? [row] : [])),
    })),
  );
}

/** Every conjunction, scored by definition. */
function exhaustive({ membership, residuals }: World, depthMax: number) {
  const size = membership.length;
  const context = sliceContext(residuals, size, depthMax);
  const all: { predicates: number[]; mdl: number; rows: number; sum: number; positive: number }[] = [];
  const visit = (predicates: number[]) => {
    if (predicates.length > 0) {
      const inside = [...residuals].filter((_, row) => predicates.every((p) => membership[p]![row]));
      const sum = inside.reduce((total, r) => total + r, 0);
      const positive = inside.reduce((total, r) => total + Math.max(0, r), 0);
      const mdl = sliceMdl(context, { rows: inside.length, sum, depth: predicates.length });
      all.push({ predicates, mdl, rows: inside.length, sum, positive });
    }
    if (predicates.length === depthMax) return;
    for (let p = (predicates.at(-1) ?? -1) + 1; p < size; p++) visit([...predicates, p]);
  };
  visit([]);
  return { context, all };
}

describe("predicate table", () => {
  test("conjunctions and pair counts agree with the definition", () => {
    const { membership } = world(4, 200, 5);
    const table = tableOf(membership);
    const both = membership[1]!.flatMap((held, row) => (held && membership[3]![row] ? [row] : []));
    expect([...conjunctionRows(table, [1, 3])]).toEqual(both);
    expect(table.pairRows[1 * 5 + 3]).toBe(both.length);
    expect(conjunctionRows(table, [])).toHaveLength(200);
  });

  test("refuses rows that are out of order, repeated or outside", () => {
    for (const rows of [[2, 1], [1, 1], [3], [-1]]) {
      expect(() => createPredicateTable(3, [{ name: "p", rows }])).toThrow(RangeError);
    }
    expect(() => createPredicateTable(3, [])).toThrow(RangeError);
  });
});

describe("slice score", () => {
  test("ten of a hundred units that all failed", () => {
    // r = 3 inside, −1/3 outside: mean 0, sd 1; z = 3·sqrt(10·100/90) = 10; MDL = 50 − log 1 − log 3.
    const residuals = Float64Array.from({ length: 100 }, (_, i) => (i < 10 ? 3 : -1 / 3));
    const context = sliceContext(residuals, 1);
    expect(sliceZ(context, { rows: 10, sum: 30 })).toBeCloseTo(10, 10);
    expect(sliceMdl(context, { rows: 10, sum: 30, depth: 1 })).toBeCloseTo(50 - Math.log(3), 10);
    expect(sliceMdl(context, { rows: 10, sum: -30, depth: 1 })).toBe(-Infinity);
    expect(sliceMdl(context, { rows: 9, sum: 27, depth: 1 })).toBe(-Infinity);
    expect(sliceMdl(context, { rows: 91, sum: 30, depth: 1 })).toBe(-Infinity);
    expect(sliceCost({ predicates: 40, depthMax: 3 }, 2)).toBeCloseTo(Math.log(780 * 3), 10);
    expect(() => standardisedResiduals([1], [1])).toThrow(RangeError);
  });

  test("the bound of a slice is at least the score of everything below it", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 60, max: 200 }),
        fc.integer({ min: 1, max: 3 }),
        (seed, rows, planted) => {
          const { context, all } = exhaustive(world(seed, rows, 5, [0, 1, 2].slice(0, planted)), 3);
          for (const slice of all) {
            const bound = sliceBound(context, { ...slice, depth: slice.predicates.length });
            const below = all.filter(
              ({ predicates }) =>
                predicates.length > slice.predicates.length &&
                slice.predicates.every((p) => predicates.includes(p)),
            );
            for (const { mdl } of below) expect(bound).toBeGreaterThanOrEqual(mdl - 1e-9);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("does not depend on the names or order of predicates and units", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { membership, residuals } = world(seed, 150, 6, [2]);
        const plain = findBestSlice(tableOf(membership), residuals, 2);
        const mirrored = findBestSlice(
          tableOf(membership.map((holds) => [...holds].reverse()).reverse()),
          residuals.slice().reverse(),
          2,
        );
        expect(mirrored?.z ?? 0).toBeCloseTo(plain?.z ?? 0, 9);
        expect(mirrored?.predicates.map((p) => 5 - p).sort() ?? []).toEqual(plain?.predicates ?? []);
      }),
      { numRuns: 50 },
    );
  });
});

describe("slice search", () => {
  test("finds what an exhaustive search finds", () => {
    for (let seed = 0; seed < 30; seed++) {
      const data = world(seed, 300, 7, [[], [3], [1, 4], [0, 2, 5]][seed % 4]!);
      const best = exhaustive(data, 3).all.reduce((a, b) => (b.mdl > a.mdl ? b : a));
      const found = findBestSlice(tableOf(data.membership), data.residuals)!;
      expect(found.mdl).toBeCloseTo(best.mdl, 9);
      expect(found.predicates).toEqual(best.predicates);
    }
  });

  test("two separate slices are both reported, the stronger one first, and at most one more", () => {
    const random = createRandom(8);
    const rows = 4_000;
    const membership = Array.from({ length: 10 }, () =>
      Array.from({ length: rows }, () => random.uniform() < 0.15),
    );
    const scores = Array.from({ length: rows }, (_, row) => {
      const quality = membership[2]![row] ? 0.3 : membership[6]![row] ? 0.6 : 0.92;
      return random.uniform() < quality ? 1 : 0;
    });
    const residuals = standardisedResiduals(
      scores.map(() => 0.92),
      scores,
    );
    const { slices, best } = findSlices(tableOf(membership), residuals);
    expect(slices.map(({ predicates }) => predicates).slice(0, 2)).toEqual([[2], [6]]);
    expect(slices.length).toBeLessThanOrEqual(3);
    expect(slices.every(({ mdl }) => mdl > 0)).toBe(true);
    expect(best).toEqual(slices[0]);
  });

  test("a predicate that repeats another adds nothing to its name", () => {
    const { membership, residuals } = world(2, 400, 4, [1]);
    const found = findBestSlice(tableOf([...membership, membership[1]!]), residuals)!;
    expect(found.predicates).toEqual([1]);
  });

  test("equal residuals have no slice", () => {
    const { membership } = world(1, 100, 3);
    expect(findSlices(tableOf(membership), new Float64Array(100)).slices).toEqual([]);
    expect(() => findSlices(tableOf(membership), new Float64Array(99))).toThrow(RangeError);
  });
});

describe("permutation test", () => {
  test("is calibrated when the drop does not depend on the inputs", () => {
    const runs = 300;
    let small = 0;
    for (let seed = 0; seed < runs; seed++) {
      const { membership, residuals } = world(seed, 120, 8);
      if (sliceHeterogeneityTest(tableOf(membership), residuals, { seed, permutations: 39 }).pValue <= 0.1)
        small++;
    }
    // Exact at 0.1 (4 of 40): four standard errors of 0.017.
    expect(small / runs).toBeLessThan(0.1 + 4 * 0.0174);
    expect(small / runs).toBeGreaterThan(0.1 - 4 * 0.0174);
  });

  test("a planted slice has the smallest p-value, the same for the same seed", () => {
    const { membership, residuals } = world(5, 500, 10, [4]);
    const table = tableOf(membership);
    const result = sliceHeterogeneityTest(table, residuals, { seed: 1 });
    expect(result.pValue).toBe(1 / 200);
    expect(result.observed).toBeGreaterThan(result.critical);
    expect(sliceHeterogeneityTest(table, residuals, { seed: 1 })).toEqual(result);
    expect(() => sliceHeterogeneityTest(table, residuals, { seed: 1, permutations: 5 })).toThrow(RangeError);
  });
});

describe("verdict", () => {
  const slice = {
    rows: 180,
    z: 12,
    mdl: 60,
    dropInside: 0.47,
    dropOutside: 0.002,
    varianceOutside: 0.07,
    baselineOutside: 0.92,
    referenceRowsOutside: 5_740,
  };
  const base: SliceEvidence = {
    rows: 1_000,
    drop: 0.086,
    dropSd: 0.37,
    pHet: 0.005,
    critical: 2,
    zCritical: 3.6,
    slice,
  };
  // Outside: se = sqrt(0.07/820 + 0.0736/5740) = 0.0099; a drop of 0.03 there is beyond 0.01 + 1.645 se.
  test.each([
    { name: "a drop inside the slice only", evidence: base, kind: "distributional" },
    {
      name: "worse outside as well",
      evidence: { ...base, drop: 0.11, slice: { ...slice, dropOutside: 0.03 } },
      kind: "mixed",
    },
    {
      name: "most of the loss unexplained",
      evidence: { ...base, drop: 0.03, slice: { ...slice, dropOutside: 0.02 } },
      kind: "mixed",
    },
    { name: "no slice stands out of a large drop", evidence: { ...base, pHet: 0.4 }, kind: "uniform" },
    {
      name: "no slice stands out of a small drop",
      evidence: { ...base, pHet: 0.4, drop: 0.02 },
      kind: "inconclusive",
    },
    {
      name: "a slice too weak to be named",
      evidence: { ...base, drop: 0.02, slice: { ...slice, z: 2, mdl: -1 } },
      kind: "inconclusive",
    },
  ] as const)("$name: $kind", ({ evidence, kind }) => {
    expect(decideSliceVerdict(evidence).kind).toBe(kind);
  });

  test("an inconclusive verdict prints how many more units would settle it", () => {
    const { slice: _, ...without } = base;
    // ((3.6 + 1.28) · 0.37/0.05)² = 1304.1: 305 more than 1,000.
    expect(decideSliceVerdict({ ...without, pHet: 0.4, drop: 0.05 })).toEqual({
      kind: "inconclusive",
      explainedShare: 0,
      unitsNeeded: 305,
    });
    expect(decideSliceVerdict({ ...without, pHet: 0.4, drop: -0.01 })).not.toHaveProperty("unitsNeeded");
    // The name costs z²/2 − mdl = 4.5 + 0.5 = 5 nats; (2 + 5) · 2/9 · 1,000 = 1555.6.
    expect(
      decideSliceVerdict({ ...base, pHet: 0.4, drop: 0.01, slice: { ...slice, z: 3, mdl: -0.5 } })
        .unitsNeeded,
    ).toBe(556);
  });

  test("the explained share lies in [0, 1] and is 1 when nothing is lost outside", () => {
    expect(explainedShare(1_000, 0.1, 200, -0.01)).toBe(1);
    expect(explainedShare(1_000, 0.1, 200, 0.1)).toBeCloseTo(0.2, 12);
    expect(explainedShare(1_000, -0.1, 200, 0.1)).toBe(0);
  });
});
