import type { JudgedUnitRow, SliceMix } from "@plumbline/ports";
import { createRandom, freezeSnapshot, prepareSnapshot } from "@plumbline/stats";
import { expect, test } from "vitest";
import { type ExplainInput, explainRegression } from "./explain-regression.ts";
import { iso, unitOf } from "../../units/series.ts";

const START = Date.parse("2026-03-02T00:00:00Z");

function units(
  seed: number,
  count: number,
  passes: (money: boolean) => number,
  moneyShare = 0.2,
): JudgedUnitRow[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const money = random.uniform() < moneyShare;
    const language = random.uniform() < 0.4 ? "lang=de" : "lang=en";
    return {
      tenant: "t",
      env: "e",
      use_case: "u",
      criterion: "c",
      is_guardrail: true,
      rubric_hash: "r",
      judge: "j",
      prompt_version: "v",
      judged_at: iso(START + i * 60_000),
      call_id: String(i),
      score: random.uniform() < passes(money) ? 1 : 0,
      slices: money ? ["mentions_money", language] : [language],
      sample_rate: 0.05,
    };
  });
}

const reference = units(1, 2_000, () => 0.92);
const frozen = freezeSnapshot(reference.map((row) => unitOf(row)));
if (frozen.kind !== "frozen") throw new Error("unreachable");
const prepared = prepareSnapshot(frozen.snapshot);

function explain(current: readonly JudgedUnitRow[], fields: Partial<ExplainInput> = {}) {
  return explainRegression({
    prepared,
    current,
    reference,
    affected: [],
    currentMix: [],
    referenceMix: [],
    ...fields,
  });
}

test.each<{ name: string; current: JudgedUnitRow[]; verdict: string; slice: string | undefined }>([
  {
    name: "a fall of one slice",
    current: units(2, 400, (money) => (money ? 0.45 : 0.92)),
    verdict: "DISTRIBUTIONAL",
    slice: "mentions_money",
  },
  { name: "a fall everywhere", current: units(3, 1_500, () => 0.75), verdict: "UNIFORM", slice: undefined },
  {
    name: "a fall everywhere, worst in one slice",
    current: units(4, 1_500, (money) => (money ? 0.4 : 0.8)),
    verdict: "MIXED",
    slice: "mentions_money",
  },
  {
    name: "a fall of a few units",
    current: units(5, 20, () => 0.3),
    verdict: "INCONCLUSIVE",
    slice: undefined,
  },
])("$name is $verdict", ({ current, verdict, slice }) => {
  const explained = explain(current);
  expect(explained.verdict).toBe(verdict);
  expect(explained.slices[0]?.name).toBe(slice);
});

test("the same rows explain themselves the same", () => {
  const current = units(2, 400, (money) => (money ? 0.45 : 0.92));
  expect(explain(current)).toEqual(explain(current));
});

test("shares of traffic come from all calls, not from the judged ones", () => {
  const key = { tenant: "t", env: "e", prompt_version: "v" };
  const currentMix: SliceMix[] = [
    { ...key, held: ["lang=de", "mentions_money"], calls: 250 },
    { ...key, held: ["lang=en"], calls: 750 },
  ];
  const [slice] = explain(
    units(2, 400, (money) => (money ? 0.45 : 0.92)),
    { currentMix },
  ).slices;
  expect(slice?.share_of_traffic).toBe(0.25);
});

test("a change of the mean splits into mix and within without remainder", () => {
  const current = units(6, 3_000, (money) => (money ? 0.45 : 0.92), 0.4);
  const { mix } = explain(current);
  const mean = (rows: readonly JudgedUnitRow[]): number =>
    rows.reduce((sum, row) => sum + row.score, 0) / rows.length;
  expect(mix!.total).toBeCloseTo(mean(current) - mean(reference), 10);
  expect(mix!.mix + mix!.within).toBeCloseTo(mix!.total, 12);
  expect(Math.abs(mix!.within)).toBeGreaterThan(Math.abs(mix!.mix));
  expect(mix!.inputShift).toBe(false);
});

test("slices that the detector names are shown though the search doesn't name them", () => {
  const explained = explain(
    units(3, 1_500, () => 0.75),
    { affected: ["lang=de"] },
  );
  expect(explained.slices.map((slice) => slice.name)).toEqual(["lang=de"]);
});
