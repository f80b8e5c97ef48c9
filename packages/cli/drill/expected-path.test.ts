import { PolicyFile, type DrillBranch } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { expectedOf, type Scope } from "./expected-path.ts";

const MODEL = "openai/gpt-5-mini";
const QUICK = { deadline_ms: 5_000, attempt_timeout_ms: 1_000 };
const FALLBACK = { fallback_models: [{ model: "anthropic/claude-haiku" }] };
const TEMPLATE = { template: { file: "templates/a.txt" } };

function pathsOf(policy: object, branch: DrillBranch, scope: Scope = "primary"): readonly string[] {
  return expectedOf(PolicyFile.parse({ use_case: "a", ...policy }), MODEL, branch, scope).paths;
}

describe("the rung that has to answer", () => {
  test.each<[string, object, DrillBranch, Scope, readonly string[]]>([
    ["nothing is forced", {}, "healthy", "primary", ["primary"]],
    ["the registry is down", {}, "registry_down", "primary", ["primary"]],
    ["a model fails and there is another", FALLBACK, "server_error", "primary", ["fallback_model"]],
    ["a model fails and there is none", TEMPLATE, "server_error", "primary", ["template"]],
    ["a model fails and there is nothing", {}, "server_error", "primary", ["error", "template"]],
    ["every model fails", { ...FALLBACK, ...TEMPLATE }, "rate_limited", "every_model", ["template"]],
    ["it times out, with time left", { ...QUICK, ...FALLBACK }, "timeout", "primary", ["fallback_model"]],
    ["the answer is invalid", FALLBACK, "invalid_output", "primary", ["fallback_model"]],
    [
      "the answer is invalid, and only a template may follow",
      { ...FALLBACK, ...TEMPLATE, on_invalid_output: ["template"] },
      "invalid_output",
      "primary",
      ["template"],
    ],
    [
      "the answer is invalid, and nothing may follow",
      { ...FALLBACK, ...TEMPLATE, on_invalid_output: [] },
      "invalid_output",
      "primary",
      ["error"],
    ],
    [
      "a cache may answer",
      { ...TEMPLATE, cache: { mode: "readwrite" } },
      "server_error",
      "primary",
      ["template", "stale"],
    ],
  ])("%s", (_what, policy, branch, scope, expected) => {
    expect(pathsOf(policy, branch, scope)).toEqual(expected);
  });

  test.each([
    {},
    { retry: { max: 10 } },
    { attempt_timeout_ms: 15_000 },
    { fallback_models: [{ model: "a/b" }, { model: "a/c" }, { model: "a/d" }] },
  ])("a model that hangs leaves its fallback model the time to answer, under %o too", (policy) => {
    expect(pathsOf({ ...FALLBACK, ...TEMPLATE, ...policy }, "timeout")).toEqual(["fallback_model"]);
  });
});

describe("the requests that a provider sees at most", () => {
  test.each<[string, object, DrillBranch, number]>([
    ["one and two retries, then the fallback", FALLBACK, "server_error", 4],
    ["no retry of what is not retried", { ...FALLBACK, retry: { on: ["timeout"] } }, "rate_limited", 2],
    ["one before the breaker is open", { ...FALLBACK, breaker: { failures: 1 } }, "breaker_open", 2],
    [
      "one before the breaker of the whole provider is open",
      { fallback_models: [{ model: "openai/gpt-5-nano" }], breaker: { failures: 1, scope: "provider" } },
      "breaker_open",
      1,
    ],
  ])("%s", (_what, policy, branch, expected) => {
    expect(
      expectedOf(PolicyFile.parse({ use_case: "a", ...policy }), MODEL, branch, "primary").requestsMax,
    ).toBe(expected);
  });
});
