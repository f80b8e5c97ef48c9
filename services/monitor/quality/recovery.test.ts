import type { JudgedUnitRow } from "@plumbline/ports";
import type { Damage } from "@plumbline/schemas";
import { createRandom, freezeSnapshot, prepareSnapshot } from "@plumbline/stats";
import { expect, test } from "vitest";
import { readRecovery } from "./recovery.ts";
import { iso, unitOf } from "../units/series.ts";

const START = Date.parse("2026-03-02T00:00:00Z");
const quality = { healthy: () => 0.92, broken: (money: boolean) => (money ? 0.45 : 0.92) };
const damage: Damage = { drop: 0.085, slice: { name: "money", drop: 0.47 } };

function units(
  seed: number,
  count: number,
  passes: (money: boolean) => number,
  share = 0.18,
): JudgedUnitRow[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const money = random.uniform() < share;
    return {
      tenant: "t",
      env: "e",
      use_case: "u",
      criterion: "c",
      is_guardrail: true,
      rubric_hash: "r",
      judge: "j",
      prompt_version: "v1",
      judged_at: iso(START + i * 60_000),
      call_id: String(i),
      score: random.uniform() < passes(money) ? 1 : 0,
      slices: money ? ["money"] : [],
      sample_rate: 0.05,
    };
  });
}

const frozen = freezeSnapshot(units(1, 2_000, quality.healthy).map((row) => unitOf(row)));
if (frozen.kind !== "frozen") throw new Error("unreachable");
const prepared = prepareSnapshot(frozen.snapshot);

/** Units until the recovery is proven, looking after every one. */
function provenAfter(rows: readonly JudgedUnitRow[], what: Damage = damage): number {
  for (let n = 100; n <= rows.length; n += 20)
    if (readRecovery(prepared, what, rows.slice(0, n)).isProven) return n;
  return Infinity;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

const SEEDS = Array.from({ length: 40 }, (_, i) => 100 + i);

test("a rollback is seen within a day of a small sample, where the overall mean alone needs days", () => {
  const needed = median(SEEDS.map((seed) => provenAfter(units(seed, 1_200, quality.healthy))));
  const overall = median(
    SEEDS.map((seed) => provenAfter(units(seed, 2_000, quality.healthy), { ...damage, slice: null })),
  );
  expect(needed).toBeLessThanOrEqual(220);
  expect(overall).toBeGreaterThan(2 * needed);
});

test("damage that is still there is called recovered in at most one of twenty incidents, however often one looks", () => {
  const wrong = SEEDS.filter((seed) => provenAfter(units(seed, 700, quality.broken)) < Infinity).length;
  expect(wrong / SEEDS.length).toBeLessThanOrEqual(0.05);
});

test("a version that nobody changed recovers only when the slice is back too", () => {
  const still = units(8, 3_000, (money) => (money ? 0.8 : 0.93));
  expect(readRecovery(prepared, damage, still, "other_version").isProven).toBe(true);
  expect(readRecovery(prepared, damage, still, "same_version").isProven).toBe(false);
  expect(readRecovery(prepared, damage, units(9, 3_000, quality.healthy), "same_version").isProven).toBe(
    true,
  );
});

test("traffic without the damaged inputs proves nothing about them, and few units prove nothing at all", () => {
  const wrong = SEEDS.filter((seed) => provenAfter(units(seed, 300, quality.broken, 0.02)) < Infinity).length;
  expect(wrong).toBeLessThanOrEqual(6);
  expect(
    readRecovery(
      prepared,
      damage,
      units(5, 99, () => 1),
    ).isProven,
  ).toBe(false);
  expect(readRecovery(prepared, damage, [])).toEqual({ logE: 0, units: 0, isProven: false });
});
