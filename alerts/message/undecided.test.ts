import type { QualityEvidence } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { detection } from "../detection.fixture.ts";
import { undecidedLine } from "./slice-lines.ts";

/** As the monitor writes it; the fixture's version scored 0.789 in 1,127 units. */
const explanation = {
  p_heterogeneity: 0.4,
  expected_mean: 0.84,
  explained_share: 0,
  units_needed: null,
  seed: 1,
  mix: null,
};
const baselineOf = (units: number) => ({
  units,
  score_sum: 0.941 * units,
  versions: ["v1"],
  start: "2026-11-10T00:00:00.000Z",
  end: "2026-11-24T00:00:00.000Z",
  source: "predecessors",
});

const line = (evidence: Partial<QualityEvidence>, units = 1_127): string =>
  undecidedLine(
    detection({
      verdict: "INCONCLUSIVE",
      candidate: { ...detection().candidate, units },
      evidence: { reference: baselineOf(1_000), explanation, ...evidence },
    }),
  );

test("a number of units that will tell is said", () => {
  expect(line({ explanation: { ...explanation, units_needed: 1_305 } })).toBe(
    "Uniform or concentrated: unclear so far (1,127 judged); about 1,305 more judged units to say where.",
  );
});

test("a baseline too small to tell is named with what to do, and nobody is asked to wait for more units", () => {
  const text = line({});
  expect(text).toBe(
    "Uniform or concentrated: unclear, and more judging will not tell: the baseline of 1,000 units is too small to say where. Let the next version have a longer reference, or judge at a higher rate before its deploy.",
  );
  expect(text).not.toMatch(/n too small|more judged units/);
});

test.each<{ name: string; evidence: Partial<QualityEvidence>; units?: number; expected: string }>([
  {
    name: "below what any verdict needs, both sides may be too small",
    evidence: { reference: baselineOf(250) },
    units: 60,
    expected: "Uniform or concentrated: unclear (n too small: 60 judged against a baseline of 250 units).",
  },
  {
    name: "from a hundred units on it is the baseline",
    evidence: { reference: baselineOf(250) },
    units: 100,
    expected:
      "Uniform or concentrated: unclear, and more judging will not tell: the baseline of 250 units is too small to say where. Let the next version have a longer reference, or judge at a higher rate before its deploy.",
  },
  {
    name: "without a slice there is nothing to compare",
    evidence: { explanation: { ...explanation, p_heterogeneity: null } },
    expected: "Uniform or concentrated: unclear (no slice to compare in 1,127 judged units).",
  },
  {
    name: "a target is no baseline",
    evidence: { reference: baselineOf(0) },
    expected: "Uniform or concentrated: unclear (1,127 judged, and no baseline yet that could tell where).",
  },
  {
    name: "where nothing fell the baseline is not blamed",
    evidence: { explanation: { ...explanation, expected_mean: 0.78 } },
    expected: "Uniform or concentrated: unclear (n too small: 1,127 judged).",
  },
  {
    name: "an old incident says how many were judged",
    evidence: { explanation: null },
    expected: "Uniform or concentrated: unclear (n too small: 1,127 judged).",
  },
])("$name", ({ evidence, units, expected }) => {
  expect(line(evidence, units)).toBe(expected);
});
