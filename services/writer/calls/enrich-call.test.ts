import {
  LlmCall,
  type LlmCallInput,
  OVERFLOW_USE_CASE,
  OVERFLOW_VERSION,
  TEXTS_KEPT_DAYS,
  USE_CASES_A_DAY_MAX,
  VERSIONS_A_DAY_MAX,
} from "@plumbline/schemas";
import { createPricing } from "@plumbline/gate/price/create-pricing";
import { expect, test } from "vitest";
import { decodeCall } from "./decode-call.ts";
import type { TimedRecord } from "../delivery/destination.ts";
import { enrichCall, type Enrichment } from "./enrich-call.ts";
import { SamplingPlan } from "./sampling-plan.ts";
import { UseCaseLimit, VersionLimit } from "./name-limits.ts";

const APPENDED = Date.parse("2026-03-01T12:00:00Z");
const enrichment: Enrichment = {
  price: createPricing(),
  describe: () => ({ slices: [], features: {} }),
  sampling: new SamplingPlan({ rate: 0.05, epoch: "1" }),
  useCases: new UseCaseLimit(USE_CASES_A_DAY_MAX),
  versions: new VersionLimit(VERSIONS_A_DAY_MAX),
};

function recordOf(value: unknown): TimedRecord {
  const bytes = typeof value === "string" ? value : JSON.stringify(value);
  return {
    partition: 0,
    offset: 5,
    timestamp: APPENDED,
    key: "k",
    value: new TextEncoder().encode(bytes),
    headers: { tenant: "acme" },
    isTimeRepaired: false,
  };
}

const event: LlmCallInput = {
  call_id: "01950000-0000-7000-8000-000000000001",
  started_at: "2026-03-01T11:59:58.000Z",
  app: "desk",
  use_case: "ticket-summary",
  prompt_version: "sha256:1",
  provider: "openai",
  model: "gpt-5-mini",
  status: "ok",
  latency_ms: 900,
};

function enrich(extra: Partial<LlmCallInput> & Record<string, unknown>) {
  return enrichOn(extra, APPENDED, enrichment);
}

function enrichOn(extra: Partial<LlmCallInput> & Record<string, unknown>, timestamp: number, by: Enrichment) {
  const started_at = new Date(timestamp).toISOString();
  const record = { ...recordOf({ ...event, started_at, ...extra }), timestamp };
  const decoded = decodeCall(record);
  if (decoded.kind === "rejected") throw new Error(decoded.detail);
  return enrichCall(decoded, by, 0);
}

test("an answer of the application's cache is sampled like any other call of its conversation", () => {
  let sampled = 0;
  for (let i = 0; i < 2_000; i++) {
    const conversation_id = `c-${i}`;
    const decisions = (["primary", "cached_exact", "cached_semantic"] as const).map((path) => {
      const sampling = new SamplingPlan({ rate: 0.05, epoch: "1" });
      return enrichOn({ path, conversation_id, input: `question ${i}` }, APPENDED, {
        ...enrichment,
        sampling,
      });
    });
    const chosen = decisions.map(({ is_sampled }) => is_sampled);
    expect(new Set(chosen).size).toBe(1);
    if (chosen[0] === true) sampled++;
  }
  expect(sampled).toBeGreaterThan(60);
});

test.each([
  {
    name: "now",
    started_at: "2026-03-01T11:59:58.000Z",
    expected: "2026-03-01T11:59:58.000Z",
    skew: 0,
    flags: [],
  },
  {
    name: "late by a month",
    started_at: "2026-02-01T12:00:00.000Z",
    expected: "2026-02-01T12:00:00.000Z",
    skew: 0,
    flags: [],
  },
  {
    name: "a year ago",
    started_at: "2025-03-01T12:00:00.000Z",
    expected: "2026-03-01T12:00:00.000Z",
    skew: -365 * 86_400_000,
    flags: ["clock_skew"],
  },
  {
    name: "a year ahead",
    started_at: "2027-03-01T12:00:00.000Z",
    expected: "2026-03-01T12:00:00.000Z",
    skew: 365 * 86_400_000,
    flags: ["clock_skew"],
  },
  {
    name: "in another zone",
    started_at: "2026-03-01T13:59:58+02:00",
    expected: "2026-03-01T11:59:58.000Z",
    skew: 0,
    flags: [],
  },
])(
  "a call that says it started $name gets a usable time, and a wrong clock is counted",
  ({ started_at, expected, skew, flags }) => {
    expect(enrich({ started_at })).toMatchObject({ started_at: expected, clock_skew_ms: skew, flags });
  },
);

test("a call without a prompt version is stored as untagged and counted", () => {
  expect(enrich({ prompt_version: null })).toMatchObject({ prompt_version: "", flags: ["untagged"] });
});

test("a field that this version does not know is counted and harms nothing", () => {
  expect(enrich({ mood: "good" }).flags).toEqual(["unknown_fields"]);
});

test("tokens are priced by the public list, cached ones cheaper, and an unknown model has no price", () => {
  const full = enrich({ input_tokens: 1_000_000, output_tokens: 0 }).cost_usd;
  const cached = enrich({
    input_tokens: 1_000_000,
    cached_input_tokens: 1_000_000,
    output_tokens: 0,
  }).cost_usd;
  expect(full).toBeGreaterThan(0);
  expect(cached).toBeGreaterThan(0);
  expect(cached).toBeLessThan(full!);
  expect(enrich({ model: "no-such-model", input_tokens: 10, output_tokens: 1 }).cost_usd).toBeNull();
  expect(enrich({}).cost_usd).toBeNull();
  expect(enrich({ cost_usd: 0.5, input_tokens: 10 }).cost_usd).toBe(0.5);
});

test("what was written to a provider's cache costs what the provider asks for it", () => {
  const call = {
    provider: "anthropic",
    model: "claude-haiku-4-5",
    input_tokens: 1_000_000,
    output_tokens: 0,
  };
  const written = enrich({ ...call, cache_write_input_tokens: 1_000_000 }).cost_usd!;
  expect(written).toBeGreaterThan(enrich(call).cost_usd!);
});

test("an answer that was thrown away was paid for: its tokens are priced by its own model", () => {
  const tokens = { input_tokens: 1_000, output_tokens: 100 };
  const attempt = { provider: "openai", model: "gpt-5-mini", latency_ms: 1, ...tokens };
  const alone = enrich({ provider: "openai", model: "gpt-5-mini", ...tokens }).cost_usd!;
  const twice = enrich({
    provider: "openai",
    model: "gpt-5-mini",
    path: "retry",
    ...tokens,
    attempts: [
      { ...attempt, path: "primary", status: "invalid_output" },
      { ...attempt, path: "retry", status: "ok" },
    ],
  }).cost_usd!;
  expect(twice).toBeCloseTo(2 * alone, 12);
  const failed = enrich({
    provider: "openai",
    model: "gpt-5-mini",
    path: "error",
    status: "invalid_output",
    ...tokens,
    attempts: [{ ...attempt, path: "primary", status: "invalid_output" }],
  }).cost_usd!;
  expect(failed).toBeCloseTo(alone, 12);
});

test("more cached tokens than tokens is a miscount, not a fault", () => {
  expect(enrich({ input_tokens: 10, cached_input_tokens: 100, output_tokens: 1 }).cost_usd).toBeGreaterThan(
    0,
  );
});

test("the cached price agrees with asking the list for every call", () => {
  const price = createPricing();
  const usage = {
    input_tokens: 12_345,
    cached_input_tokens: 345,
    cache_write_input_tokens: 2_000,
    output_tokens: 678,
  };
  for (const [provider, model] of [
    ["openai", "gpt-5-mini"],
    ["anthropic", "claude-haiku-4-5"],
    ["google", "gemini-2.5-pro"],
  ] as const) {
    const names = { provider, model };
    const once = createPricing()(names, new Date(APPENDED), usage);
    price(names, new Date(APPENDED), { ...usage, input_tokens: 1 });
    expect(price(names, new Date(APPENDED), usage)).toBeCloseTo(once!, 12);
  }
});

test("a conversation is sampled as a whole, by nothing but its id, and a raised rate keeps the choice", () => {
  const chosen = (rate: number): ReadonlySet<string> => {
    const plan = new SamplingPlan({ rate, epoch: "1" });
    const ids = Array.from({ length: 20_000 }, (_, i) => `c${i}`);
    return new Set(
      ids.filter(
        (conversation_id) =>
          plan.decide({
            tenant: "t",
            env: "e",
            use_case: "u",
            prompt_version: "v1",
            conversation_id,
            input: null,
            slices: [],
            source: null,
            path: "primary",
            status: "ok",
            started_at: event.started_at,
          }).is_sampled,
      ),
    );
  };
  const few = chosen(0.05);
  expect(few.size).toBeGreaterThan(850);
  expect(few.size).toBeLessThan(1_150);
  const more = chosen(0.1);
  expect([...few].every((id) => more.has(id))).toBe(true);
});

test.each([
  { name: "not JSON", value: "{", reason: "not_json" },
  { name: "not an object", value: "7", reason: "schema:event" },
  { name: "empty", value: "", reason: "not_json" },
  { name: "a wrong type", value: { ...event, latency_ms: "fast" }, reason: "schema:latency_ms" },
  { name: "a missing field", value: { ...event, use_case: undefined }, reason: "schema:use_case" },
  {
    name: "a time without a zone",
    value: { ...event, started_at: "2026-03-01 12:00" },
    reason: "schema:started_at",
  },
])("a record that is $name is rejected with a countable reason", ({ value, reason }) => {
  expect(decodeCall(recordOf(value))).toMatchObject({ kind: "rejected", reason });
});

test("invalid UTF-8 is rejected, not mended", () => {
  const record = { ...recordOf(event), value: Uint8Array.from([0x7b, 0xff, 0x7d]) };
  expect(decodeCall(record)).toMatchObject({ kind: "rejected", reason: "not_json" });
});

test("the schema's defaults are filled in", () => {
  expect(LlmCall.parse(event)).toMatchObject({
    env: "production",
    path: "primary",
    attributes: {},
    cache_kind: "none",
  });
});

test("versions beyond the day's number are one version that is none, flagged, and the next day takes in others", () => {
  const versions = new VersionLimit(3);
  const at = (day: number, version: string) =>
    enrichOn({ prompt_version: version }, Date.UTC(2026, 2, day, 12), { ...enrichment, versions });
  for (let i = 0; i < 20; i++) at(1, "serving");
  const first = ["a", "b", "c", "d", "serving", "a"].map((version) => at(1, version));
  expect(first.map((row) => row.prompt_version)).toEqual([
    "a",
    "b",
    OVERFLOW_VERSION,
    OVERFLOW_VERSION,
    "serving",
    "a",
  ]);
  expect(first.map((row) => row.flags.includes("version_overflow"))).toEqual([
    false,
    false,
    true,
    true,
    false,
    false,
  ]);
  const next = ["x", "y", "z", "serving"].map((version) => at(2, version).prompt_version);
  expect(next).toEqual(["x", "y", OVERFLOW_VERSION, "serving"]);
});

test("use cases beyond the day's number are one that is none, flagged, and those that serve come first the next day", () => {
  const useCases = new UseCaseLimit(2);
  const at = (day: number, use_case: string) =>
    enrichOn({ use_case }, Date.UTC(2026, 2, day, 12), { ...enrichment, useCases });
  for (let i = 0; i < 20; i++) at(1, "serving");
  const rows = ["a", "order 1", "order 2", "serving"].map((name) => at(1, name));
  expect(rows.map((row) => row.call.use_case)).toEqual([
    "a",
    OVERFLOW_USE_CASE,
    OVERFLOW_USE_CASE,
    "serving",
  ]);
  expect(rows.map((row) => row.flags.includes("use_case_overflow"))).toEqual([false, true, true, false]);
  expect(rows.map((row) => row.prompt_version)).toEqual([
    "sha256:1",
    OVERFLOW_VERSION,
    OVERFLOW_VERSION,
    "sha256:1",
  ]);
  const untagged = enrichOn({ use_case: "order 2", prompt_version: null }, Date.UTC(2026, 2, 1, 13), {
    ...enrichment,
    useCases,
  });
  expect(untagged).toMatchObject({
    prompt_version: OVERFLOW_VERSION,
    flags: ["use_case_overflow", "untagged"],
  });
  expect(["order 3", "order 4", "serving"].map((name) => at(2, name).call.use_case)).toEqual([
    "order 3",
    OVERFLOW_USE_CASE,
    "serving",
  ]);
});

test("a restart loads the day's use cases of each tenant, and the overflow takes no place", () => {
  const useCases = new UseCaseLimit(2);
  const known = { tenant: "acme", prompt_version: "v1", calls: 5 };
  useCases.load(
    [
      { ...known, use_case: OVERFLOW_USE_CASE },
      { ...known, use_case: "a" },
      { ...known, use_case: "a", prompt_version: "v2" },
      { ...known, use_case: "b" },
    ],
    "2026-03-01T13:00:00.000Z",
  );
  const taken = ["a", "b", "c"].map((name) => useCases.takesIn("acme", name, "2026-03-01T14:00:00.000Z"));
  expect(taken).toEqual([true, true, false]);
  expect(useCases.takesIn("other", "c", "2026-03-01T14:00:00.000Z")).toBe(true);
});

test("a restart loads the day's versions, and untagged calls take no place", () => {
  const versions = new VersionLimit(2);
  const known = { tenant: "acme", use_case: event.use_case, calls: 5 };
  versions.load(
    [
      { ...known, prompt_version: "" },
      { ...known, prompt_version: OVERFLOW_VERSION },
      { ...known, prompt_version: "a" },
      { ...known, prompt_version: "b" },
      { ...known, prompt_version: "c" },
    ],
    "2026-03-01T13:00:00.000Z",
  );
  const taken = ["a", "b", "c", "d"].map((version) =>
    versions.takesIn("acme", event.use_case, version, "2026-03-01T14:00:00.000Z"),
  );
  expect(taken).toEqual([true, true, false, false]);
  expect(versions.takesIn("other", event.use_case, "d", "2026-03-01T14:00:00.000Z")).toBe(true);
});

test("a call is taken for late only while its texts would still be kept for a day", () => {
  const startedDaysAgo = (days: number) =>
    enrich({ started_at: new Date(APPENDED - days * 86_400_000).toISOString() }).flags;
  expect(startedDaysAgo(TEXTS_KEPT_DAYS - 1)).toEqual([]);
  expect(startedDaysAgo(TEXTS_KEPT_DAYS)).toEqual(["clock_skew"]);
});
