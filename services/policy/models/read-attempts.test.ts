import { describe, expect, test } from "vitest";
import { attemptsOf, ModelCall } from "./read-attempts.ts";

function outcomes(call: Record<string, unknown>): readonly (readonly [string, boolean])[] {
  const parsed = ModelCall.parse({
    started_at: "2026-11-24T09:00:00Z",
    provider: "openai",
    model: "gpt-5-mini",
    status: "ok",
    app: "desk",
    ...call,
  });
  return attemptsOf(parsed).map(({ model, isFailure }) => [model, isFailure]);
}

describe("what a call says about its models", () => {
  const own = "openai/gpt-5-mini";
  test.each<[string, Record<string, unknown>, readonly (readonly [string, boolean])[]]>([
    ["an answer", {}, [[own, false]]],
    ["a timeout", { status: "timeout" }, [[own, true]]],
    ["a 429", { status: "rate_limited" }, [[own, true]]],
    ["a 529", { status: "error", error_type: "http_529" }, [[own, true]]],
    ["a broken connection", { status: "error", error_type: "ECONNRESET" }, [[own, true]]],
    ["a wrong request tells nothing", { status: "error", error_type: "http_400" }, []],
    ["a revoked key tells nothing", { status: "error", error_type: "http_401" }, []],
    ["an error nobody named tells nothing", { status: "error" }, []],
    ["an error of the application tells nothing", { status: "error", error_type: "TypeError" }, []],
    ["a cancelled call tells nothing", { status: "cancelled" }, []],
    ["a refusal is an answer", { status: "refused" }, [[own, false]]],
    ["an invalid answer is one", { status: "invalid_output" }, [[own, false]]],
    ["a template was no request", { path: "template", status: "ok" }, []],
    ["a cached answer was none", { path: "cached_exact" }, []],
    [
      "each attempt counts, the call does not",
      {
        model: "claude-haiku",
        provider: "anthropic",
        path: "fallback_model",
        attempts: [
          { model: "openai/gpt-5-mini", status: "timeout" },
          { model: "openai/gpt-5-mini", status: "error", error_type: "http_500" },
          { model: "claude-haiku", status: "ok" },
        ],
      },
      [
        [own, true],
        [own, true],
        ["anthropic/claude-haiku", false],
      ],
    ],
    [
      "a rung that was skipped was no request",
      { attempts: [{ model: "m", status: "error", error_type: "breaker_open" }] },
      [],
    ],
    [
      "what a drill forced was none",
      { attempts: [{ model: "m", status: "timeout", error_type: "injected" }] },
      [],
    ],
    [
      "an attempt names its provider",
      {
        attempts: [{ provider: "azure", model: "gpt-5-mini", status: "error", error_type: "und_err_socket" }],
      },
      [["azure/gpt-5-mini", true]],
    ],
    ["an env that no registry knows is left out", { env: "Prod EU" }, []],
  ])("%s", (_what, call, expected) => {
    expect(outcomes(call)).toEqual(expected);
  });
});
