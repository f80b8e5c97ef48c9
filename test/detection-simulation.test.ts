/**
 * The short form of `npm run bench:detection`: 40 runs a scenario and a few dozen null years, so the limits are wider than
 * the figures in docs/understand/detection.md. Seeds are fixed; a change that moves a figure past its limit is a change of
 * the detector, not of luck.
 */
import { describe, expect, test } from "vitest";
import {
  type Detection,
  type NullOptions,
  type Volume,
  SCENARIOS,
  detect,
  nullYear,
} from "../bench/detection/scenarios.ts";
import { summariseDetections, summariseNullYears, summariseVerdicts } from "../bench/detection/summary.ts";
import { VERDICTS, type VerdictCase } from "../bench/detection/task.ts";
import { explain } from "../bench/detection/verdict.ts";

const SEED = 555_000;
const RUNS = 40;
const YEARS = { "5k": 20, "50k": 12 } as const;

function detections(name: string, volume: Volume): Detection[] {
  // The first run compares the snapshot with the one the product freezes from single units.
  return Array.from({ length: RUNS }, (_, run) => detect(SEED + run, volume, SCENARIOS[name]!, run === 0));
}

describe("a worse version is seen", () => {
  test.each([
    { name: "incident", volume: "5k", median: 12, p95: 28 },
    { name: "incident_boosted", volume: "5k", median: 3.5, p95: 12 },
    { name: "incident", volume: "50k", median: 1.75, p95: 6 },
  ] as const)(
    "$name at $volume calls a day within $median h, in 95% of cases within $p95 h",
    ({ name, volume, ...limits }) => {
      const figures = summariseDetections(detections(name, volume), SCENARIOS[name]!);
      expect(figures.never).toBe(0);
      expect(figures.median_hours).toBeLessThanOrEqual(limits.median);
      expect(figures.p95_hours).toBeLessThanOrEqual(limits.p95);
    },
  );

  test("and money is the strongest slice; a lucky run may alarm on all traffic first", () => {
    const all = [...detections("incident", "5k"), ...detections("incident", "50k")];
    const figures = summariseDetections(all, SCENARIOS["incident"]!);
    expect(figures.slice_on_top).toBeGreaterThanOrEqual(0.93);
    expect(figures.stream_on_top).toBeGreaterThanOrEqual(0.85);
  });

  test("a uniform fall of five points at 50,000 calls a day is seen within 11 hours", () => {
    const figures = summariseDetections(detections("uniform_minus_5", "50k"), SCENARIOS["uniform_minus_5"]!);
    expect(figures.median_hours).toBeLessThanOrEqual(11);
  });

  test("every unit that was drawn was folded once", () => {
    for (const { generated, folded } of detections("incident", "5k")) expect(folded).toBe(generated);
  });
});

describe("a version that is no worse is not accused", () => {
  const years = (volume: Volume, options: NullOptions, count: number) =>
    summariseNullYears(
      Array.from({ length: count }, (_, year) => nullYear(SEED + 5000 + year, volume, options)),
    );

  test.each([
    { volume: "5k", climate: "quiet" },
    { volume: "5k", climate: "disturbed" },
    { volume: "50k", climate: "quiet" },
    { volume: "50k", climate: "disturbed" },
  ] as const)(
    "more than 0.3 times a year, $climate, $volume calls a day, 52 deploys",
    ({ volume, climate }) => {
      const { false_alarms_per_year, rivals } = years(volume, { climate }, YEARS[volume]);
      expect(false_alarms_per_year).toBeLessThanOrEqual(0.3);
      // A daily test at 5% alarms eighteen times a year when nothing happens: the world is not too easy.
      expect(rivals.daily_z_test).toBeGreaterThanOrEqual(14);
    },
  );

  test("even when each verdict comes three times, thanks to tempering", () => {
    expect(years("5k", { climate: "quiet", copies: 3 }, 3).alarms).toBeLessThanOrEqual(6);
    expect(years("5k", { climate: "quiet", copies: 3, tempered: false }, 1).alarms).toBeGreaterThanOrEqual(
      50,
    );
  });
});

describe("the verdict on where it fails", () => {
  const verdicts = (name: VerdictCase, runs: number) => {
    const { volume, units, change, slice } = VERDICTS[name];
    return summariseVerdicts(
      Array.from({ length: runs }, (_, run) => explain(SEED + 9000 + run, volume, units, change)),
      slice,
    );
  };

  test("after 250 units of the incident is distributional, with exactly the money slice", () => {
    const figures = verdicts("incident_250_5k", 2 * RUNS);
    expect(figures.distributional).toBeGreaterThanOrEqual(0.9);
    expect(figures.exact_slice).toBeGreaterThanOrEqual(0.95);
  });

  test("after a uniform fall is distributional in at most 1% of runs", () => {
    const runs = [verdicts("uniform_250_5k", 150), verdicts("uniform_1000_5k", 150)];
    expect((runs[0]!.distributional + runs[1]!.distributional) / 2).toBeLessThanOrEqual(0.01);
    expect(runs[0]!.uniform + runs[0]!.inconclusive).toBeGreaterThanOrEqual(0.95);
  });
});
