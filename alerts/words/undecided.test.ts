import type { QualityEvidence } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { detection } from "../detection.fixture.ts";
import { whomSentences } from "./slice-words.ts";

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
  whomSentences(
    detection({
      verdict: "INCONCLUSIVE",
      candidate: { ...detection().candidate, units },
      evidence: { reference: baselineOf(1_000), explanation, ...evidence },
    }),
  ).join(" ");

test("a number of answers that will tell is said", () => {
  expect(line({ explanation: { ...explanation, units_needed: 1_305 } })).toBe(
    "For whom is not known yet; about 1,305 more judged answers will tell.",
  );
});

test("a baseline too small to tell is named with what to do, and nobody is asked to wait", () => {
  expect(line({})).toBe(
    "For whom will stay unknown: only 1,000 answers were judged before this version. Judge more of them before the next deploy.",
  );
});

test.each<{ name: string; evidence: Partial<QualityEvidence>; units?: number; expected: string }>([
  {
    name: "below what any verdict needs, both sides may be too small",
    evidence: { reference: baselineOf(250) },
    units: 60,
    expected: "For whom is not known: 60 judged answers are too few to tell.",
  },
  {
    name: "from a hundred units on it is the baseline",
    evidence: { reference: baselineOf(250) },
    units: 100,
    expected:
      "For whom will stay unknown: only 250 answers were judged before this version. Judge more of them before the next deploy.",
  },
  {
    name: "without a slice there is nothing to compare",
    evidence: { explanation: { ...explanation, p_heterogeneity: null } },
    expected: "For whom is not known: these requests differ in nothing that is measured.",
  },
  {
    name: "a target is no baseline",
    evidence: { reference: baselineOf(0) },
    expected: "For whom is not known: too few answers were judged before this version.",
  },
  {
    name: "where nothing fell the baseline is not blamed",
    evidence: { explanation: { ...explanation, expected_mean: 0.78 } },
    expected: "For whom is not known: 1,127 judged answers are too few to tell.",
  },
  {
    name: "an old incident says how many were judged",
    evidence: { explanation: null },
    expected: "For whom is not known: 1,127 judged answers are too few to tell.",
  },
])("$name", ({ evidence, units, expected }) => {
  expect(line(evidence, units)).toBe(expected);
});
