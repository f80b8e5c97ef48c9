import { createRandom } from "@plumbline/stats";
import { describe, expect, test } from "vitest";
import { type GateCase, type GateExpectation, type GateRecord, decideGate } from "./gate.ts";
import { pairedDifference } from "./paired-difference.ts";

const NOW = new Date("2026-11-20T12:00:00Z");
const OLD = `sha256:${"a".repeat(64)}`;
const NEW = `sha256:${"b".repeat(64)}`;
const SET = `sha256:${"c".repeat(64)}`;

/** Cases that all pass, but the first `failing`. The first ten mention an amount. */
function cases(n: number, failing: number, more: Partial<GateCase> = {}): readonly GateCase[] {
  return Array.from({ length: n }, (_, i) => ({
    case_id: `c${i}`,
    score: i < failing ? 0 : 1,
    passes: i >= failing,
    slices: i < 10 ? ["amount:present"] : ["amount:absent"],
    cost_usd: 0.002,
    latency_ms: 800,
    ...more,
  }));
}

function record(more: Partial<GateRecord> = {}): GateRecord {
  return {
    candidate: { prompt_version: NEW, cases: cases(50, 0) },
    incumbent: { prompt_version: OLD, cases: cases(50, 0) },
    eval_set_hash: SET,
    rubric_hashes: { faithfulness: "sha256:d" },
    finished_at: new Date("2026-11-20T11:00:00Z"),
    ...more,
  };
}

function expectation(
  set: Partial<GateExpectation["eval_set"]> = {},
  more: Partial<GateExpectation> = {},
): GateExpectation {
  return {
    candidate_version: NEW,
    live_version: OLD,
    eval_set: {
      hash: SET,
      owner: "team:support",
      cadence_ms: 90 * 86_400_000,
      newest_case_at: new Date("2026-11-01T00:00:00Z"),
      ...set,
    },
    rubric_hashes: { faithfulness: "sha256:d" },
    ...more,
  };
}

const candidate = (list: readonly GateCase[]): Partial<GateRecord> => ({
  candidate: { prompt_version: NEW, cases: list },
});

test("a candidate as good as the incumbent passes, and the decision says what it could not have seen", () => {
  const decision = decideGate(record(), expectation(), {}, NOW);
  expect(decision).toMatchObject({ decision: "pass", reasons: [] });
  expect(decision.table.map(({ slice, n }) => [slice, n])).toEqual([
    [null, 50],
    ["amount:absent", 40],
    ["amount:present", 10],
  ]);
  // Fifty cases see only large drops.
  expect(decision.smallest_detectable_drop).toBeGreaterThan(0.1);
  expect(decision.smallest_detectable_drop).toBeLessThan(0.25);
});

test("the first version of a use case needs no incumbent, but floors hold", () => {
  const first = record({ incumbent: null });
  expect(decideGate(first, expectation({}, { live_version: null }), {}, NOW).decision).toBe("pass");
  const failing = record({ incumbent: null, ...candidate(cases(50, 20)) });
  expect(
    decideGate(failing, expectation({}, { live_version: null }), { score_floor: 0.8 }, NOW).reasons.map(
      ({ code }) => code,
    ),
  ).toEqual(["score_floor"]);
});

test("a version under which every case scores 0 does not pass, however the incumbent fares", () => {
  const none = cases(50, 50).map((each) => ({ ...each, score: 0, passes: false }));
  const codesOf = (incumbent: GateRecord["incumbent"], live: string | null) =>
    decideGate(
      record({ ...candidate(none), incumbent }),
      expectation({}, { live_version: live }),
      {},
      NOW,
    ).reasons.map(({ code }) => code);
  expect(codesOf({ prompt_version: OLD, cases: none }, OLD)).toEqual(["all_zero"]);
  // A first version has nothing to beat, and a floor instead.
  expect(codesOf(null, null)).toEqual(["all_zero", "pass_rate_floor"]);
  const [first, ...rest] = none;
  const one = [{ ...first!, score: 0.1 }, ...rest];
  expect(
    decideGate(
      record({ ...candidate(one), incumbent: { prompt_version: OLD, cases: none } }),
      expectation(),
      {},
      NOW,
    ).decision,
  ).toBe("pass");
});

describe("the gate refuses, and says what to do", () => {
  test.each<{
    name: string;
    record?: Partial<GateRecord>;
    set?: Partial<GateExpectation["eval_set"]>;
    more?: Partial<GateExpectation>;
    limits?: Parameters<typeof decideGate>[2];
    codes: readonly string[];
    says: string;
  }>([
    {
      name: "a record of another candidate",
      more: { candidate_version: SET },
      codes: ["other_candidate"],
      says: "Run plumbline eval on cccccccccccc",
    },
    {
      name: "a stale incumbent",
      more: { live_version: SET },
      codes: ["stale_incumbent"],
      says: "compares with aaaaaaaaaaaa, but cccccccccccc is live now",
    },
    {
      name: "a record without an incumbent while one is live",
      record: { incumbent: null },
      codes: ["stale_incumbent"],
      says: "compares with nothing",
    },
    { name: "another eval set", set: { hash: OLD }, codes: ["other_eval_set"], says: "Push the eval set" },
    {
      name: "another rubric",
      more: { rubric_hashes: { faithfulness: "sha256:e" } },
      codes: ["other_rubric"],
      says: "another version of faithfulness",
    },
    {
      name: "a rubric that was not judged",
      more: { rubric_hashes: { faithfulness: "sha256:d", tone: "sha256:f" } },
      codes: ["other_rubric"],
      says: "tone",
    },
    {
      name: "an old record",
      record: { finished_at: new Date("2026-11-10T00:00:00Z") },
      codes: ["old_record"],
      says: "11 days old; at most 7 days",
    },
    {
      name: "an eval set without an owner",
      set: { owner: null },
      codes: ["eval_set_owner"],
      says: "Set eval_set.owner",
    },
    {
      name: "an eval set without a cadence",
      set: { cadence_ms: null },
      codes: ["eval_set_cadence"],
      says: "Set eval_set.cadence",
    },
    {
      name: "an eval set that was not extended",
      set: { newest_case_at: new Date("2026-06-01T00:00:00Z") },
      codes: ["eval_set_age"],
      says: "Add cases from recent traffic",
    },
    {
      name: "an eval set of unknown age",
      set: { newest_case_at: null },
      codes: ["eval_set_age"],
      says: '"added"',
    },
    {
      name: "cases under one version only",
      record: candidate(cases(49, 0)),
      codes: ["unpaired_cases"],
      says: "1 case was run under one version only: c49",
    },
    {
      name: "a case without a score",
      record: candidate(cases(50, 0).map((each, i) => (i === 3 ? { ...each, score: null } : each))),
      codes: ["unscored_cases"],
      says: "1 result has no score: c3",
    },
    {
      name: "a score that is not a number",
      record: candidate(cases(50, 0).map((each, i) => (i === 3 ? { ...each, score: Number.NaN } : each))),
      codes: ["unscored_cases"],
      says: "c3",
    },
    {
      name: "too few cases",
      record: {
        candidate: { prompt_version: NEW, cases: cases(12, 0) },
        incumbent: { prompt_version: OLD, cases: cases(12, 0) },
      },
      codes: ["too_few_cases"],
      says: "12 scored cases; at least 20",
    },
    {
      name: "no cases at all",
      record: {
        candidate: { prompt_version: NEW, cases: [] },
        incumbent: { prompt_version: OLD, cases: [] },
      },
      codes: ["too_few_cases", "cost_unknown", "latency_unknown"],
      says: "0 scored cases",
    },
    {
      name: "a worse candidate",
      record: candidate(cases(50, 15)),
      codes: ["worse", "slice_worse", "slice_worse"],
      says: "fell by 30.0 points",
    },
    {
      name: "a slice that fell while the mean is inside the margin",
      record: candidate(cases(50, 6)),
      limits: { margin: 0.2 },
      codes: ["slice_worse"],
      says: "slice amount:present fell by 60.0 points over 10 cases",
    },
    {
      name: "a drop that is not ruled out, when that is asked",
      limits: { require: "shown_not_worse" },
      codes: ["not_shown_as_good"],
      says: "Add cases until the interval is narrow enough",
    },
    {
      name: "a mean below the floor",
      record: candidate(cases(50, 2)),
      limits: { score_floor: 0.97 },
      codes: ["score_floor"],
      says: "the mean score is 0.960, the floor 0.97",
    },
    {
      name: "too few passing cases",
      record: candidate(cases(50, 2)),
      limits: { pass_rate_floor: 0.97 },
      codes: ["pass_rate_floor"],
      says: "96% of the cases pass",
    },
    {
      name: "a slice below its floor",
      record: candidate(cases(50, 2)),
      limits: { slice_floors: { "amount:present": 0.9 } },
      codes: ["slice_floor"],
      says: "the mean score of slice amount:present is 0.800",
    },
    {
      name: "a floor on a slice without cases",
      limits: { slice_floors: { "lang:de": 0.9 } },
      codes: ["slice_floor"],
      says: "no scored case is in slice lang:de",
    },
    {
      name: "a dearer candidate",
      record: candidate(cases(50, 0, { cost_usd: 0.004 })),
      codes: ["cost"],
      says: "$0.00400 instead of $0.00200; at most 50% more",
    },
    {
      name: "a cost over the limit",
      limits: { max_cost_usd: 0.001 },
      codes: ["cost"],
      says: "the limit is $0.001",
    },
    {
      name: "an unknown cost",
      record: candidate(cases(50, 0, { cost_usd: null })),
      codes: ["cost_unknown"],
      says: "Add the model's price",
    },
    {
      name: "a slower candidate",
      record: candidate(cases(50, 0, { latency_ms: 1300 })),
      codes: ["latency"],
      says: "1300 ms instead of 800 ms",
    },
    {
      name: "a latency over the limit",
      limits: { max_latency_ms_p95: 500 },
      codes: ["latency"],
      says: "the limit 500 ms",
    },
    {
      name: "an unknown latency",
      record: candidate(cases(50, 0, { latency_ms: null })),
      codes: ["latency_unknown"],
      says: "were not measured",
    },
  ])("$name", ({ record: changed, set, more, limits, codes, says }) => {
    const decision = decideGate(record(changed), expectation(set, more), limits ?? {}, NOW);
    expect(decision.decision).toBe("fail");
    expect(decision.reasons.map(({ code }) => code)).toEqual(codes);
    expect(decision.reasons.map(({ message, fix }) => `${message}. ${fix}`).join("\n")).toContain(says);
  });

  test("a limit that is null is no limit", () => {
    const unknown = record({
      ...candidate(cases(50, 0, { cost_usd: null, latency_ms: null })),
    });
    const limits = { max_cost_increase: null, max_latency_increase: null };
    expect(decideGate(unknown, expectation(), limits, NOW).decision).toBe("pass");
  });

  test("a slice with fewer than ten cases is shown and not judged", () => {
    const nine = (failing: number): readonly GateCase[] =>
      cases(50, failing).map((each, i) => ({ ...each, slices: i < 9 ? ["rare"] : [] }));
    const decision = decideGate(
      record({ ...candidate(nine(9)), incumbent: { prompt_version: OLD, cases: nine(0) } }),
      expectation(),
      { margin: 0.2 },
      NOW,
    );
    expect(decision.reasons).toEqual([]);
    expect(decision.table[1]).toMatchObject({
      slice: "rare",
      n: 9,
      candidate_score: 0,
      p_worse_adjusted: null,
    });
  });
});

describe("the paired difference", () => {
  test("of six losses and no win among fifty is worse, by hand", () => {
    const differences = Array.from({ length: 50 }, (_, i) => (i < 6 ? -1 : 0));
    const paired = pairedDifference(differences, 0.05);
    // McNemar, exact: (1/2)^6. Direction: θ > 0.04^(1/6) = 0.5848. Rate: q > betaQuantile(0.01, 6, 45) = 0.0365.
    expect(paired).toMatchObject({ n: 50, losses: 6, wins: 0, difference: -0.12, method: "exact_pairs" });
    expect(paired.p_worse).toBeCloseTo(1 / 64, 12);
    expect(paired.upper).toBeCloseTo(0.0365 * (1 - 2 * 0.04 ** (1 / 6)), 3);
  });

  test("of pairs that all agree is not certain", () => {
    const paired = pairedDifference(
      Array.from({ length: 50 }, () => 0),
      0.05,
    );
    // 1 − 0.01^(1/50): no pair of fifty differed.
    expect(paired.upper).toBeCloseTo(1 - 0.01 ** (1 / 50), 9);
    expect(paired.lower).toBeCloseTo(-(1 - 0.01 ** (1 / 50)), 9);
    expect(paired.p_worse).toBe(1);
  });

  test.each([[[0, 1, -1, 0, 0, -1, 0, 0, -1, 0]], [[0.1, -0.3, 0.2, 0, -0.5, -0.1, 0, 0.05, -0.2, 0.3]]])(
    "turns around when the versions change places: %j",
    (differences) => {
      const there = pairedDifference(differences, 0.05);
      const back = pairedDifference(
        differences.map((d) => -d),
        0.05,
      );
      expect(back.lower).toBeCloseTo(-there.upper, 9);
      expect(back.upper).toBeCloseTo(-there.lower, 9);
      expect(there.lower).toBeLessThanOrEqual(there.difference);
      expect(there.upper).toBeGreaterThanOrEqual(there.difference);
      expect(pairedDifference(differences.toReversed(), 0.05).upper).toBeCloseTo(there.upper, 12);
    },
  );

  test.each([
    { name: "few pairs differ", losses: 0.05, wins: 0.05, scale: 1 },
    { name: "the candidate is worse", losses: 0.2, wins: 0.05, scale: 1 },
    { name: "no pair improves", losses: 0.1, wins: 0, scale: 1 },
    { name: "scores are fractions", losses: 0.3, wins: 0.2, scale: 0.5 },
  ])(
    "each limit misses the truth in at most alpha of simulated runs when $name",
    ({ losses, wins, scale }) => {
      const random = createRandom(20_261_124);
      const truth = scale * (wins - losses);
      const runs = 400;
      let above = 0;
      let below = 0;
      for (let run = 0; run < runs; run++) {
        const differences = Array.from({ length: 40 }, () => {
          const u = random.uniform();
          return u < losses ? -scale : u < losses + wins ? scale : 0;
        });
        const { lower, upper } = pairedDifference(differences, 0.05);
        if (upper < truth - 1e-12) above++;
        if (lower > truth + 1e-12) below++;
      }
      // 0.05 + 3 standard errors of 400 runs.
      expect(above / runs).toBeLessThan(0.083);
      expect(below / runs).toBeLessThan(0.083);
    },
  );

  test("the smallest detectable drop is refused in about four of five runs", () => {
    const { smallest_detectable_drop: drop } = decideGate(record(), expectation(), {}, NOW);
    const random = createRandom(7);
    let refused = 0;
    for (let run = 0; run < 400; run++) {
      const list = cases(50, 0).map((each) =>
        random.uniform() < drop! ? { ...each, score: 0, slices: [] } : { ...each, slices: [] },
      );
      if (
        decideGate(record(candidate(list)), expectation(), {}, NOW).reasons.some(
          ({ code }) => code === "worse",
        )
      )
        refused++;
    }
    expect(refused / 400).toBeGreaterThan(0.72);
    expect(refused / 400).toBeLessThan(0.88);
  });
});
