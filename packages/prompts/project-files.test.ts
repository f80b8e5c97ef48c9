import { describe, expect, test } from "vitest";
import { formatProblem } from "./file-problem.ts";
import { parseConfig, parsePolicy, parseRubric, policyHash, rubricHash } from "./project-files.ts";

const POLICY = `
use_case: ticket-summary
deadline_ms: 15000            # whole tree
attempt_timeout_ms: 8000
retry: { max: 2, on: [timeout, rate_limited, server_error, network], base_ms: 200, max_ms: 2000, jitter: full, respect_retry_after: true }
breaker: { failures: 10, window_ms: 30000, open_ms: 15000, scope: model }
fallback_models: [{ model: openai/gpt-5-nano }, { model: anthropic/claude-haiku, prompt: ticket-summary.short }]
on_invalid_output: [retry, fallback_model, template]
cached: { max_stale: 24h, only_from_paths: [primary, retry] }
template: { file: templates/ticket-summary.txt }
cache: { mode: readwrite, exact: { ttl: 1h }, semantic: { enabled: false, threshold: 0.95, max_tokens: 2000 },
         bounds: { entries: 5000, bytes: 64MiB, eviction: lru }, vary: [locale] }
`;

test("a policy comes out with spans in ms and sizes in bytes", () => {
  const policy = parsePolicy(POLICY, "policies/ticket-summary.yaml");
  if (policy.kind === "invalid") throw new Error(policy.problems.map(formatProblem).join("\n"));
  expect(policy.value).toMatchObject({
    deadline_ms: 15_000,
    cached: { max_stale_ms: 86_400_000, only_from_paths: ["primary", "retry"] },
    cache: { exact: { ttl_ms: 3_600_000 }, bounds: { bytes: 67_108_864 }, vary: ["locale"] },
    template: { file: "templates/ticket-summary.txt" },
  });
});

test("a policy of one line has every default, and no cache", () => {
  const policy = parsePolicy("use_case: a", "a.yaml");
  if (policy.kind === "invalid") throw new Error("invalid");
  expect(policy.value).toMatchObject({
    deadline_ms: 15_000,
    retry: { max: 2, base_ms: 200 },
    cached: { max_stale_ms: 86_400_000 },
    cache: { mode: "off", bounds: { bytes: 67_108_864 } },
    fallback_models: [],
    template: null,
  });
  const spelled = parsePolicy("use_case: a\ndeadline_ms: 15000\ncached: { max_stale: 1d }", "a.yaml");
  expect(spelled.kind === "parsed" && policyHash(spelled.value)).toBe(policyHash(policy.value));
});

describe("a policy's problem names line and field", () => {
  test.each([
    { text: "use_case: a\ndeadline: 5", says: "a.yaml:2 deadline: is not a known key. Remove it." },
    {
      text: "use_case: a\ndeadlin_ms: 5",
      says: "a.yaml:2 deadlin_ms: is not a known key. Write deadline_ms, or remove it.",
    },
    {
      text: "use_case: a\ncached:\n  max_stale: 24 hours",
      says: 'a.yaml:3 cached.max_stale: must be a number with ms, s, m, h, d or w, such as "24h"',
    },
    {
      text: "use_case: a\ncache: { bounds: { bytes: 64Mb } }",
      says: "a.yaml:2 cache.bounds.bytes: must be a number with B",
    },
    {
      text: "use_case: a\ndeadline_ms: 100",
      says: "a.yaml:1 attempt_timeout_ms: must not be longer than deadline_ms.",
    },
    {
      text: "use_case: a\non_invalid_output: [retry, retry]",
      says: "a.yaml:2 on_invalid_output: names a rung twice.",
    },
    { text: "deadline_ms: 5", says: "a.yaml:1 use_case: is missing. Add use_case." },
    { text: "use_case: a\ntreat_as: { '500': rate_limited }", says: "a.yaml:2 treat_as.500: " },
  ])("$text", ({ text, says }) => {
    const policy = parsePolicy(text, "a.yaml");
    expect(policy.kind === "invalid" && policy.problems.map(formatProblem).join("\n")).toContain(says);
  });
});

test("a rubric is named for its file, and its hash covers what changes a verdict", () => {
  const hash = (text: string): string => {
    const rubric = parseRubric(text, "rubrics/tone.yaml");
    if (rubric.kind === "invalid") throw new Error(rubric.problems.map(formatProblem).join("\n"));
    return rubricHash(rubric.value);
  };
  const base = hash("criterion: Be kind.");
  expect(
    hash(
      "name: tone\nversion: 4\nguardrail: true\nprotects: safety\nsampling: { rate: 0.5 }\ncriterion: Be kind. # really",
    ),
  ).toBe(base);
  expect(hash("criterion: Be brief.")).not.toBe(base);
  expect(hash("criterion: Be kind.\nmodel: openai/gpt-5")).not.toBe(base);
});

test("an empty configuration is one, and a misspelt limit is refused", () => {
  const empty = parseConfig("", "plumbline.config.yaml");
  expect(empty.kind === "parsed" && empty.value).toMatchObject({
    folders: { evals: "evals" },
    environments: ["production"],
  });
  const wrong = parseConfig("gate: { margn: 0.1 }", "plumbline.config.yaml");
  expect(wrong.kind).toBe("invalid");
  const full = parseConfig(
    "eval_set: { owner: team:a, cadence: 90d }\ngate: { max_record_age: 7d, margin: 0.02 }",
    "c.yaml",
  );
  expect(full.kind === "parsed" && full.value).toMatchObject({
    eval_set: { cadence_ms: 7_776_000_000 },
    gate: { max_record_age_ms: 604_800_000 },
  });
});
