import { expect, test } from "vitest";
import { RATE_BY_OUTCOME, SamplingPlan, type SamplingCandidate } from "./sampling-plan.ts";

const RATE = 0.05;
const SCOPE = { tenant: "default", env: "production", use_case: "u" };
const CALL: SamplingCandidate = {
  ...SCOPE,
  prompt_version: "v1",
  conversation_id: "c",
  input: "input",
  slices: [],
  source: null,
  status: "ok",
  path: "primary",
  started_at: "2026-03-01T00:00:00.000Z",
};

function createTraffic(plan: SamplingPlan) {
  let sent = 0;
  /** Sends `count` calls of a version and says how many were chosen. */
  return (prompt_version: string, count: number, extra: Partial<SamplingCandidate> = {}) => {
    let chosen = 0;
    let expected = 0;
    for (let i = 0; i < count; i++) {
      const id = `c${sent++}`;
      const { is_sampled, sample_rate } = plan.decide({
        ...CALL,
        prompt_version,
        conversation_id: id,
        input: `input ${id}`,
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

test("a failed validation is always chosen, and only those that the hash chose too count in estimates", () => {
  const plan = newPlan();
  let drawn = 0;
  for (let i = 0; i < 2_000; i++) {
    const failed = plan.decide({
      ...CALL,
      conversation_id: `c${i}`,
      input: `i${i}`,
      status: "invalid_output",
    });
    expect(failed.is_sampled).toBe(true);
    if (failed.sample_rate === RATE_BY_OUTCOME) continue;
    drawn += 1;
    expect(failed.sample_rate).toBeGreaterThanOrEqual(0.8 * RATE);
  }
  // Four standard errors around 4 to 5%: what the hash would have chosen anyway.
  expect(drawn).toBeGreaterThan(45);
  expect(drawn).toBeLessThan(140);
});

test("where outputs moved, calls are chosen four times as often until 200 were, and elsewhere as before", () => {
  const plan = newPlan();
  const send = createTraffic(plan);
  send("v1", 10_000);
  send("v2", 4_000);
  plan.load(
    [
      { ...SCOPE, prompt_version: "v1", calls: 28_000, sampled: 1_400, rate_sum: 1_400 },
      { ...SCOPE, prompt_version: "v2", calls: 9_000, sampled: 450, rate_sum: 450 },
    ],
    [{ ...SCOPE, prompt_version: "v2", slice: "mentions_money", sampled: 0 }],
  );
  const money = { slices: ["mentions_money", "lang=en"] };
  expect(send("v2", 100, money).expected).toBeGreaterThan(100 * 3.9 * 0.8 * RATE);
  expect(send("v2", 100, { slices: ["lang=en"] }).expected).toBeLessThanOrEqual(100 * RATE);
  // The version beside it too, or the two would be compared on different mixes; it doesn't use up the 200.
  expect(send("v1", 1_000, money).expected).toBeGreaterThan(1_000 * 3.9 * 0.8 * RATE);
  expect(send("v2", 100, money).expected).toBeGreaterThan(100 * 3.9 * 0.8 * RATE);
  // After 200 the slice is judged like the rest.
  send("v2", 2_000, money);
  expect(send("v2", 100, money).expected).toBeLessThanOrEqual(100 * RATE);
});

test("a raised rate keeps what was chosen at the lower one", () => {
  const counts = [{ ...SCOPE, prompt_version: "v1", calls: 28_000, sampled: 1_400, rate_sum: 1_400 }];
  const [plain, raised] = [newPlan(), newPlan()];
  plain.load(counts);
  raised.load(counts, [{ ...SCOPE, prompt_version: "v1", slice: "", sampled: 0 }]);
  const chosen = (plan: SamplingPlan, i: number): boolean =>
    plan.decide({ ...CALL, conversation_id: `c${i}`, input: `i${i}` }).is_sampled;
  let more = 0;
  for (let i = 0; i < 500; i++) {
    const isRaised = chosen(raised, i);
    if (chosen(plain, i)) expect(isRaised).toBe(true);
    else if (isRaised) more += 1;
  }
  expect(more).toBeGreaterThan(40);
});

test("moved outputs stay within the budget: what they cost is paid back", () => {
  const plan = newPlan();
  plan.load(
    [{ ...SCOPE, prompt_version: "v1", calls: 28_000, sampled: 1_400, rate_sum: 1_400 }],
    [{ ...SCOPE, prompt_version: "v1", slice: "", sampled: 0 }],
  );
  const { expected } = createTraffic(plan)("v1", 56_000);
  expect(expected).toBeGreaterThan(0.999 * RATE * 56_000);
  expect(expected).toBeLessThan(1.001 * RATE * 56_000);
});

test("ten conversations a day of a pinned slice are chosen, then the rate applies, and the next day again", () => {
  const plan = new SamplingPlan({ rate: RATE, epoch: "1", pinnedSlices: ["mentions_legal"] });
  const send = createTraffic(plan);
  const legal = { slices: ["mentions_legal"] };
  expect(send("v1", 10, legal)).toEqual({ chosen: 10, expected: 10 });
  expect(send("v1", 100, legal).expected).toBeLessThanOrEqual(100 * RATE);
  expect(send("v1", 10, { ...legal, started_at: "2026-03-02T00:00:00.000Z" }).chosen).toBe(10);
});

test("a source that floods the hour fills a fifth of its rate, those chosen are among the ones chosen without it", () => {
  const [capped, free] = [newPlan(), newPlan()];
  const calls = Array.from({ length: 20_000 }, (_, i) => ({
    ...CALL,
    conversation_id: `c${i}`,
    input: `i${i}`,
    source: i % 2 === 0 ? "flood" : `user ${i % 400}`,
  }));
  const chosen = (plan: SamplingPlan, hasSources: boolean): typeof calls =>
    calls.filter((call) => plan.decide({ ...call, source: hasSources ? call.source : null }).is_sampled);
  const [with_, without] = [chosen(capped, true), chosen(free, false)];
  const flood = with_.filter((call) => call.source === "flood").length;
  expect(flood / without.length).toBeLessThan(0.25);
  expect(flood / without.length).toBeGreaterThan(0.15);
  expect(without.map((call) => call.conversation_id)).toEqual(
    expect.arrayContaining(with_.map((call) => call.conversation_id)),
  );
});

test("a few customers are the traffic, not a flood", () => {
  const plan = newPlan();
  const { chosen } = createTraffic(plan)("v1", 2_000, { source: "the only one" });
  expect(chosen).toBe(createTraffic(newPlan())("v1", 2_000).chosen);
});

test("copies of one input are chosen once a day, whatever their white space and case", () => {
  const plan = newPlan();
  const send = createTraffic(plan);
  // Its validation failed, hence each copy would be chosen.
  const all = { status: "invalid_output", input: "Charged  TWICE" };
  expect(send("v1", 5, all).chosen).toBe(1);
  expect(send("v1", 5, { ...all, input: "charged twice " }).chosen).toBe(0);
  expect(send("v1", 5, { ...all, started_at: "2026-03-02T00:00:00.000Z" }).chosen).toBe(1);
});

test("a restart goes on where the counts of the store say", () => {
  const plan = newPlan();
  plan.load([
    { ...SCOPE, prompt_version: "v1", calls: 28_000, sampled: 1_400, rate_sum: 1_400 },
    { ...SCOPE, prompt_version: "v2", calls: 1_990, sampled: 398, rate_sum: 398 },
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

test("what another model or a template answered is no evidence about the version, and is not judged", () => {
  const plan = new SamplingPlan({ rate: 1, epoch: "1" });
  const chosen = ["primary", "retry", "cached_exact", "fallback_model", "stale", "template", "error"].filter(
    (path, i) => plan.decide({ ...CALL, path, conversation_id: `p${i}`, input: `input ${path}` }).is_sampled,
  );
  expect(chosen).toEqual(["primary", "retry", "cached_exact"]);
});
