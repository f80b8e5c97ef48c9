import type { JudgedUnitRow } from "@plumbline/ports";
import { createRandom } from "@plumbline/stats";
import { expect, test } from "vitest";
import { hourOf, InputPairs, iso, logPairedThreshold } from "./series.ts";

const START = Date.parse("2026-03-02T00:00:00Z");
const FROM = { fromHour: hourOf(START) };

let calls = 0;
function unit(input: string, score: number, minute = 0, sample_rate = 0.05): JudgedUnitRow {
  calls += 1;
  return {
    tenant: "default",
    env: "production",
    use_case: "visit-note",
    criterion: "completeness",
    is_guardrail: true,
    rubric_hash: "sha256:r",
    judge: "judge-a",
    prompt_version: "v",
    judged_at: iso(START + minute * 60_000),
    call_id: `call-${String(calls).padStart(6, "0")}`,
    score,
    slices: [],
    sample_rate,
    input_fingerprint: input,
  };
}

test("an input makes one pair: the mean of its old scores against its first new one", () => {
  const inputs = new InputPairs([unit("a", 1), unit("a", 0.5), unit("b", 0.3), unit("", 1)]);
  inputs.take([unit("a", 0, 9), unit("a", 0.25, 3), unit("c", 0, 1), unit("", 0, 1)]);
  expect(inputs.pairs(FROM)).toMatchObject([{ old: 0.75, difference: 0.5, current: { score: 0.25 } }]);
});

test("of a large reference the newest inputs are kept, with all of their scores", () => {
  const texts = Array.from({ length: 6_000 }, (_, i) => `input-${i}`);
  const reference = [unit("input-5999", 0), ...texts.map((text, i) => unit(text, 1, i))];
  const inputs = new InputPairs(reference);
  inputs.take(texts.map((text, i) => unit(text, 0, i)));
  const pairs = inputs.pairs(FROM);
  expect(pairs).toHaveLength(5_000);
  expect(pairs[0]!.current.input_fingerprint).toBe("input-1000");
  expect(pairs.at(-1)).toMatchObject({ old: 0.5 });
});

test("pairs stand in the order in which the new verdicts arrived, whichever way they are given", () => {
  const reference = ["a", "b", "c"].map((input, i) => unit(input, i / 2));
  const current = [unit("c", 0, 5), unit("a", 0, 7), unit("b", 0, 6)];
  const read = (rows: readonly JudgedUnitRow[]) => {
    const inputs = new InputPairs(reference);
    for (const row of rows) inputs.take([row]);
    inputs.take(rows);
    return inputs.pairs(FROM).map((pair) => pair.current.input_fingerprint);
  };
  expect(read(current)).toEqual(["c", "b", "a"]);
  expect(read(current.toReversed())).toEqual(["c", "b", "a"]);
});

test("pairs from before the start were spent on an earlier incident, and their inputs with them", () => {
  const inputs = new InputPairs([unit("a", 1), unit("b", 1)]);
  inputs.take([unit("a", 0, 10), unit("a", 0, 70), unit("b", 0, 70)]);
  const later = inputs.pairs({ fromHour: FROM.fromHour + 1 });
  expect(later.map((pair) => pair.current.input_fingerprint)).toEqual(["b"]);
});

test("what an hour drew more often weighs less in it", () => {
  const inputs = new InputPairs([unit("a", 1), unit("b", 1), unit("c", 1)]);
  inputs.take([unit("a", 0, 1, 0.05), unit("b", 0, 2, 0.2), unit("c", 0, 61, 0.2)]);
  expect(inputs.pairs(FROM).map(({ weight }) => weight)).toEqual([1, 0.25, 1]);
});

test("after a deploy 52 decides; a start without a deploy needs 168 times as much", () => {
  expect(Math.exp(logPairedThreshold(17_496, 168))).toBeCloseTo(52.07, 2);
  expect(Math.exp(logPairedThreshold(17_496, 1))).toBeCloseTo(8748, 6);
});

test("versions that answer alike cross the threshold in at most one of 52 deploys, also on few inputs that come again and again", () => {
  const logThreshold = logPairedThreshold(17_496, 168);
  const runs = 400;
  let wrong = 0;
  for (let seed = 0; seed < runs; seed++) {
    const random = createRandom(seed);
    const score = (input: number): number => (random.uniform() < 0.3 + (input % 7) / 10 ? 1 : 0);
    const many = (count: number, minute: number) =>
      Array.from({ length: count }, (_, i) => unit(`input-${i % 80}`, score(i % 80), minute));
    const inputs = new InputPairs(many(240, 0));
    for (let hour = 0; hour < 10; hour++) inputs.take(many(80, hour * 60));
    if (inputs.read({ ...FROM, eta: 1 }).logEMax >= logThreshold) wrong += 1;
  }
  expect(wrong).toBeLessThanOrEqual(runs / 52);
});
