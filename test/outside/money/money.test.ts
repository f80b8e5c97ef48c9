/** Kind: money. Usage as tokens, names as prices, and calls as the writer prices them. */
import { tokenUsage } from "@plumbline/emitter/token-usage";
import { createPricing, setPricing } from "@plumbline/gate/price/create-pricing";
import { Budget } from "@plumbline/services/judge/budget";
import { decodeCall } from "@plumbline/services/writer/calls/decode-call";
import { createEnrichment, enrichCall } from "@plumbline/services/writer/calls/enrich-call";
import { expect, test } from "vitest";
import { CALL_CASES, PRICE_CASES, TOKEN_CASES } from "./cases.ts";

const AT = Date.parse("2026-11-01T12:00:00.000Z");
const USAGE = {
  input_tokens: 12_345,
  cached_input_tokens: 2_000,
  cache_write_input_tokens: 500,
  output_tokens: 678,
};

test.each(TOKEN_CASES)("$given: $becomes", ({ usage, counts }) => {
  const read = tokenUsage(usage);
  expect([
    read.input_tokens,
    read.cached_input_tokens,
    read.cache_write_input_tokens,
    read.output_tokens,
    read.reasoning_output_tokens,
  ]).toEqual(counts);
});

test.each(PRICE_CASES)("$given: $becomes", ({ names, as }) => {
  const cost = createPricing()({ provider: null, ...names }, new Date(AT), USAGE);
  if (as === null) return expect(cost).toBeNull();
  const [provider, model] = as;
  const plain = createPricing()({ provider, model }, new Date(AT), USAGE);
  expect(plain).toBeGreaterThan(0);
  expect(cost).toBe(plain);
});

test.each(CALL_CASES)("$given: $becomes", ({ fields, cost_usd }) => {
  const decoded = decodeCall({
    partition: 0,
    offset: 0,
    timestamp: AT,
    isTimeRepaired: false,
    key: "",
    value: Buffer.from(
      JSON.stringify({
        call_id: "0198f3a0-0000-7000-8000-000000000001",
        started_at: new Date(AT).toISOString(),
        app: "support",
        use_case: "ticket-summary",
        prompt_version: "v1",
        status: "ok",
        latency_ms: 812,
        ...fields,
      }),
    ),
    headers: {},
  });
  if (decoded.kind === "rejected") throw new Error(decoded.reason);
  const row = enrichCall(decoded, ENRICHMENT, 1);
  if (cost_usd === null) expect(row.cost_usd).toBeNull();
  else expect(row.cost_usd).toBeCloseTo(cost_usd, 12);
  expect(row.flags.includes("no_price")).toBe(cost_usd === null);
});

const ENRICHMENT = createEnrichment({
  PLUMBLINE_JUDGE_SAMPLE_RATIO: 0.05,
  PLUMBLINE_SAMPLING_EPOCH: "1",
  PLUMBLINE_PINNED_SLICES: [],
});

test("a price that was set holds for every model, cached tokens for less only where that is set", () => {
  const names = { provider: "azure", model: "support-prod" };
  expect(setPricing({ input: 1, output: 10 })(names, new Date(AT), USAGE)).toBeCloseTo(0.019_125, 12);
  expect(setPricing({ input: 1, cached_input: 0.1, output: 10 })(names, new Date(AT), USAGE)).toBeCloseTo(
    0.017_325,
    12,
  );
});

test("a free judge is not held back by what a paid one spent, and a paid one not let go by a free one", () => {
  const limits = { usdPerDay: 1, callsPerHour: 10 };
  const [free, paid] = [new Budget({ ...limits, isFree: true }), new Budget(limits)];
  for (const budget of [free, paid]) {
    budget.count(5, AT, AT);
    // The judge before this one, too.
    budget.count(0, AT, AT);
  }
  expect(free.reserve(AT)).toBeNull();
  expect(paid.reserve(AT)).toMatch(/1 US dollar a day/);
});
