import { PolicyFile } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { resolvePolicy } from "./policy.ts";

/** What the client leaves out of a policy: it is another part's. */
const { use_case: _useCase, cache, ...FILE } = PolicyFile.parse({ use_case: "a" });
const { bounds: _bounds, ...CACHE } = cache;

test("the defaults are those of the policy file", () => {
  expect(resolvePolicy(null)).toEqual({ ...FILE, cache: CACHE });
  expect(resolvePolicy({})).toEqual(resolvePolicy(null));
});

test("a policy comes through as it was delivered", () => {
  const file = PolicyFile.parse({
    use_case: "a",
    deadline_ms: 9_000,
    attempt_timeout_ms: 3_000,
    retry: { max: 4, on: ["timeout"], base_ms: 10, max_ms: 20, jitter: "none", respect_retry_after: false },
    breaker: { failures: 3, window_ms: 1_000, open_ms: 2_000, scope: "provider" },
    fallback_models: [{ model: "openai/nano" }, { model: "anthropic/haiku", prompt: "a.short" }],
    on_invalid_output: ["template"],
    treat_as: { "409": "server_error" },
    cached: { max_stale: "2h", only_from_paths: ["primary"] },
    template: { text: "Sorry." },
    cache: {
      mode: "readwrite",
      exact: { ttl: "5m" },
      semantic: { enabled: true, threshold: 0.9 },
      vary: ["locale"],
    },
  });
  const { use_case: _its, cache: itsCache, ...rest } = file;
  const { bounds: _itsBounds, ...caches } = itsCache;
  const delivered: unknown = JSON.parse(JSON.stringify(file));
  expect(resolvePolicy(delivered)).toEqual({ ...rest, cache: caches });
});

test("what is of the wrong kind, or too much, has the default or the bound: a newer registry breaks no application", () => {
  const policy = resolvePolicy({
    deadline_ms: "soon",
    attempt_timeout_ms: -1,
    retry: { max: 1_000, on: "everything" },
    fallback_models: [{ model: "a" }, "b", {}, ...Array.from({ length: 9 }, () => ({ model: "c" }))],
    template: { file: "templates/a.txt" },
    cache: 7,
    a_key_of_next_year: true,
  });
  expect(policy).toMatchObject({
    deadline_ms: 15_000,
    attempt_timeout_ms: 8_000,
    retry: { max: 10, on: ["timeout", "rate_limited", "server_error", "network"] },
    template: null,
    cache: { mode: "off" },
  });
  expect(policy.fallback_models.map(({ model }) => model)).toEqual(["a", "c", "c", "c", "c"]);
});
