import { expect, test } from "vitest";
import { SamplingPlan, type SamplingCandidate } from "./sampling-plan.ts";

const RATE = 0.05;

function createTraffic(plan: SamplingPlan) {
  let sent = 0;
  /** Sends `count` calls of a version and says how many were chosen. */
  return (prompt_version: string, count: number, extra: Partial<SamplingCandidate> = {}) => {
    let chosen = 0;
    let expected = 0;
    for (let i = 0; i < count; i++) {
      const id = `c${sent++}`;
      const { is_sampled, sample_rate } = plan.decide({
        tenant: "default",
        env: "production",
        use_case: "u",
        prompt_version,
        conversation_id: id,
        input: `input ${id}`,
        status: "ok",
        started_at: "2026-03-01T00:00:00.000Z",
        ...extra,
      });
      chosen += is_sampled ? 1 : 0;
      expected += sample_rate;
    }
    return { chosen, expected };
  };
}

const newPlan = () => new SamplingPlan({ rate: RATE, epoch: "1" });

test("the first version of a use case is judged at the base rate: there is nothing that it could be worse than", () => {
  const send = createTraffic(newPlan());
  expect(send("v1", 10_000).expected).toBeCloseTo(500, 6);
});

test("a new version is judged at four times the rate until 400 conversations were chosen", () => {
  const send = createTraffic(newPlan());
  send("v1", 10_000);
  const boosted = send("v2", 1_000);
  expect(boosted.expected).toBeCloseTo(200, 6);
  expect(boosted.chosen).toBeGreaterThan(150);
  send("v2", 2_000);
  // Far past the boost.
  expect(send("v2", 1_000).expected).toBeLessThanOrEqual(RATE * 1_000);
});

test("a boost is paid back: over four weeks of traffic the budget is what it was", () => {
  const send = createTraffic(newPlan());
  const parts = [send("v1", 28_000), send("v2", 56_000)];
  const expected = parts.reduce((sum, part) => sum + part.expected, 0);
  expect(expected).toBeGreaterThan(0.999 * RATE * 84_000);
  expect(expected).toBeLessThan(1.001 * RATE * 84_000);
});

test("deploys that come faster than they are paid for are judged at the base rate", () => {
  const send = createTraffic(newPlan());
  send("v0", 1_000);
  const rates = Array.from({ length: 10 }, (_, i) => send(`v${i + 1}`, 2_500).expected / 2_500);
  expect(rates[0]).toBeGreaterThan(0.15);
  expect(rates.at(-1)).toBeLessThanOrEqual(RATE);
});

test("a failed validation is always chosen, and says so in its rate", () => {
  expect(createTraffic(newPlan())("v1", 50, { status: "invalid_output" })).toEqual({
    chosen: 50,
    expected: 50,
  });
});

test("copies of one input are chosen once a day, whatever their white space and case", () => {
  const plan = newPlan();
  const send = createTraffic(plan);
  const all = { status: "invalid_output", input: "Charged  TWICE" };
  expect(send("v1", 5, all).chosen).toBe(1);
  expect(send("v1", 5, { ...all, input: "charged twice " }).chosen).toBe(0);
  expect(send("v1", 5, { ...all, started_at: "2026-03-02T00:00:00.000Z" }).chosen).toBe(1);
});

test("a restart goes on where the counts of the store say", () => {
  const plan = newPlan();
  const scope = { tenant: "default", env: "production", use_case: "u" };
  plan.load([
    { ...scope, prompt_version: "v1", calls: 28_000, sampled: 1_400, rate_sum: 1_400 },
    { ...scope, prompt_version: "v2", calls: 1_990, sampled: 398, rate_sum: 398 },
  ]);
  const send = createTraffic(plan);
  const { expected } = send("v2", 1_000);
  expect(expected).toBeGreaterThan(30);
  expect(expected).toBeLessThan(60);
  expect(send("v1", 1_000).expected).toBeLessThanOrEqual(50);
});

test("the rate does not depend on how calls went, apart from the rule that is written down", () => {
  const one = createTraffic(newPlan());
  const other = createTraffic(newPlan());
  one("v1", 100);
  other("v1", 100);
  expect(one("v2", 500, { status: "ok" })).toEqual(other("v2", 500, { status: "timeout" }));
});
