import type { JudgingProgress, SilentUseCase } from "@plumbline/ports";
import { expect, test } from "vitest";
import { judgingGaps, samplingGaps, silenceGap, useCaseGaps, versionGaps } from "./find-gaps.ts";
import type { UsualCalls } from "./usual-calls.ts";

const NOW = Date.parse("2026-03-20T12:00:00Z");
const useCase = { tenant: "t", env: "e", use_case: "u" };

const progress = (fields: Partial<JudgingProgress>): JudgingProgress => ({
  ...useCase,
  sampled: 100,
  scored: 100,
  cannot_judge: 0,
  failed: 0,
  expired: 0,
  over_budget: 0,
  unjudged: 0,
  oldest_unjudged_at: null,
  commonest_cause: "",
  ...fields,
});

test.each<{ name: string; fields: Partial<JudgingProgress>; gaps: readonly string[] }>([
  { name: "everything scored", fields: {}, gaps: [] },
  { name: "some that the judge refused", fields: { scored: 80, cannot_judge: 20 }, gaps: [] },
  { name: "a fifth that it refused", fields: { scored: 79, cannot_judge: 21 }, gaps: ["scored_share"] },
  { name: "hardly a score", fields: { scored: 2, cannot_judge: 98 }, gaps: ["scored_share"] },
  { name: "a few on their way", fields: { scored: 96, unjudged: 4 }, gaps: [] },
  { name: "calls without a verdict", fields: { scored: 80, unjudged: 20 }, gaps: ["judged_share"] },
  { name: "a judge that never answered", fields: { scored: 0, unjudged: 100 }, gaps: ["judged_share"] },
  { name: "a judge that only fails", fields: { scored: 0, failed: 100 }, gaps: ["scored_share"] },
  {
    name: "a judge that refuses everything",
    fields: { scored: 0, cannot_judge: 100 },
    gaps: ["scored_share"],
  },
  { name: "a budget that was spent", fields: { scored: 40, over_budget: 60 }, gaps: ["scored_share"] },
  { name: "too few to say", fields: { sampled: 10, scored: 0, failed: 10 }, gaps: [] },
  { name: "counts that don't add up", fields: { scored: 90 }, gaps: ["verdict_count"] },
])("$name: $gaps", ({ fields, gaps }) => {
  expect(judgingGaps(progress(fields)).map((gap) => gap.evidence.measure)).toEqual(gaps);
});

test("a judge that scores too little says why, as far as it is known", () => {
  const causeOf = (fields: Partial<JudgingProgress>) =>
    judgingGaps(progress({ scored: 50, cannot_judge: 50, ...fields })).map(({ evidence }) => evidence);
  expect(causeOf({ commonest_cause: "no_evidence" })).toMatchObject([{ commonest_cause: "no_evidence" }]);
  expect(causeOf({})[0]).not.toHaveProperty("commonest_cause");
});

test.each<{
  name: string;
  day: Partial<JudgingProgress>;
  recent: Partial<JudgingProgress>;
  gaps: readonly string[];
}>([
  {
    name: "a judge that came back two hours ago",
    day: { scored: 30, failed: 70 },
    recent: { sampled: 20, scored: 20 },
    gaps: [],
  },
  {
    name: "a judge that broke two hours ago",
    day: { scored: 80, failed: 20 },
    recent: { sampled: 20, scored: 0, failed: 20 },
    gaps: ["scored_share"],
  },
  {
    name: "a judge that is asked too rarely to say by the last two hours",
    day: { scored: 30, failed: 70 },
    recent: { sampled: 19, scored: 19 },
    gaps: ["scored_share"],
  },
  {
    name: "calls of the day that still wait, whatever is scored now",
    day: { scored: 80, unjudged: 20 },
    recent: { sampled: 20, scored: 20 },
    gaps: ["judged_share"],
  },
])("$name: $gaps", ({ day, recent, gaps }) => {
  expect(judgingGaps(progress(day), progress(recent)).map((gap) => gap.evidence.measure)).toEqual(gaps);
});

test.each([
  { name: "traffic of which nothing is selected", calls: 500, sampled: 0, gaps: 1 },
  { name: "little traffic", calls: 499, sampled: 0, gaps: 0 },
  { name: "traffic with a sample", calls: 5_000, sampled: 1, gaps: 0 },
])("$name is $gaps gaps", ({ calls, sampled, gaps }) => {
  expect(samplingGaps(calls, sampled)).toHaveLength(gaps);
});

const silent = (fields: Partial<SilentUseCase>): SilentUseCase => ({
  ...useCase,
  first_at: "2026-03-06T00:00:00.000Z",
  last_at: "2026-03-20T11:00:00.000Z",
  calls_of_last_day: 2_400,
  calls_a_week_before: 100,
  calls_around_a_week_before: 300,
  ...fields,
});

const usually = (usual_calls: number): UsualCalls => ({
  usual_calls,
  time_zone: "Europe/Berlin",
  time_zone_source: "config",
});

test.each<{ name: string; fields: Partial<SilentUseCase>; usual?: UsualCalls | null; isGap: boolean }>([
  { name: "an hour in which a hundred calls are usual", fields: {}, isGap: true },
  { name: "an hour that is quiet every week", fields: {}, usual: usually(3), isGap: false },
  { name: "an hour of which nothing is known", fields: {}, usual: null, isGap: false },
  { name: "ten minutes", fields: { last_at: "2026-03-20T11:50:00.000Z" }, isGap: false },
  {
    name: "an hour of a use case of two days",
    fields: { first_at: "2026-03-18T00:00:00.000Z" },
    usual: null,
    isGap: true,
  },
  {
    name: "a use case of an hour, which may have been a try",
    fields: { first_at: "2026-03-20T10:00:00.000Z" },
    isGap: false,
  },
])("a silence of $name: gap $isGap", ({ fields, usual = usually(100), isGap }) => {
  expect(silenceGap(silent(fields), usual, NOW) !== null).toBe(isGap);
});

test("a silence says by whose clock its hours are usual, once a week is known", () => {
  expect(silenceGap(silent({}), usually(100), NOW)?.evidence).toMatchObject(usually(100));
  const young = silenceGap(silent({ first_at: "2026-03-18T00:00:00.000Z" }), null, NOW);
  expect(young?.evidence).not.toHaveProperty("time_zone");
});

test("versions beyond a day's number are a gap that names the applications, and none without them", () => {
  expect(versionGaps(1_000, 0, [])).toEqual([]);
  expect(versionGaps(1_000, 900, ["desk"])).toMatchObject([
    { value: 0.1, evidence: { measure: "known_versions", overflowing: 900, apps: ["desk"] } },
  ]);
});

test("use cases beyond a day's number are a gap that names the applications", () => {
  expect(useCaseGaps(900, ["desk"])).toMatchObject([
    { calls: 900, value: 0, evidence: { measure: "known_use_cases", apps: ["desk"] } },
  ]);
});
