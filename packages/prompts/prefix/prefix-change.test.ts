import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PromptDocument } from "@plumbline/client/render";
import { cachedTokens, minimumTokens } from "./cached-prefix.ts";
import { prefixChange } from "./prefix-change.ts";

const RULES = "Keep every amount, date and name that matters to the request.\n".repeat(100);

function prompt(system: string, user = "{{ticket}}", model = "openai/gpt-5-mini"): PromptDocument {
  return {
    use_case: "a",
    model,
    config: {},
    messages: [
      { role: "system", content: system },
      { role: "user", content: user },
    ],
  };
}

describe("an edit", () => {
  test("that puts a variable first takes everything after it out of the cache", () => {
    const change = prefixChange(
      prompt(`Summarise.\n${RULES}`),
      prompt(`Summarise.\nToday is {{today}}.\n${RULES}`),
    );
    expect(change).toMatchObject({
      first_change: { byte: 11, message: 1, role: "system", line: 2 },
      before: {
        tokens: 1_553,
        cached_tokens: 1_536,
        ends_at: { tag: "{{ticket}}", message: 2, role: "user" },
      },
      after: { tokens: 5, cached_tokens: 0, ends_at: { tag: "{{today}}", byte: 20, message: 1, line: 2 } },
      shared_tokens: 3,
      lost_tokens: 1_536,
      minimum_tokens: 1_024,
    });
  });

  test("of fixed text is read anew once, and nothing is lost", () => {
    const change = prefixChange(prompt(RULES), prompt(RULES.replace(/(amount.*\n.*)amount/, "$1sum")));
    expect(change).toMatchObject({ first_change: { byte: 73, line: 2 }, shared_tokens: 18, lost_tokens: 0 });
    expect(change?.after.cached_tokens).toBe(change?.before.cached_tokens);
  });

  test("that leaves less than the provider's minimum loses all of it", () => {
    const change = prefixChange(prompt(RULES), prompt(RULES.slice(0, 3_000)));
    expect(change).toMatchObject({
      first_change: { byte: 3_000 },
      lost_tokens: 1_536,
      after: { cached_tokens: 0 },
    });
  });

  test("behind the fixed part, or one that makes it longer, changes nothing of it", () => {
    expect(prefixChange(prompt(RULES), prompt(RULES, "{{ticket}}\nBe brief."))).toBeNull();
    expect(prefixChange(prompt(RULES), prompt(RULES, "Ticket: {{ticket}}"))).toBeNull();
    expect(prefixChange(prompt(RULES), { ...prompt(RULES), config: { temperature: 0 } })).toBeNull();
  });

  test("of a message that the next one follows, of roles, of the model and of the output schema is one", () => {
    const longer = prefixChange(prompt("A", "B {{x}}"), prompt("A and more", "B {{x}}"));
    expect(longer?.first_change).toEqual({ byte: 1, message: 1, role: "system", line: 1 });
    const gone: PromptDocument = {
      ...prompt(RULES),
      messages: [{ role: "user", content: `${RULES}{{ticket}}` }],
    };
    expect(prefixChange(prompt(RULES), gone)?.first_change).toMatchObject({ byte: 0, message: 1 });
    expect(prefixChange(prompt(RULES), prompt(RULES, "{{ticket}}", "openai/gpt-5"))?.first_change).toBe(
      "model",
    );
    const json: PromptDocument = { ...prompt(RULES), output: { format: "json", schema: {} } };
    expect(prefixChange(prompt(RULES), json)?.first_change).toBe("output");
  });

  test("counts bytes as the provider is sent them, blocks and history included", () => {
    const change = prefixChange(prompt("Größe: 1 €"), prompt("Größe: 1 $"));
    expect(change?.first_change).toMatchObject({ byte: 11, line: 1 });
    const block = prefixChange(prompt(RULES), prompt(`{{#if vip}}Kindly.{{/if}}${RULES}`));
    expect(block?.after.ends_at).toMatchObject({ tag: "{{#if vip}}", byte: 0 });
    const history: PromptDocument = {
      ...prompt(RULES),
      messages: [{ role: "history" }, ...prompt(RULES).messages],
    };
    expect(prefixChange(prompt(RULES), history)).toMatchObject({
      first_change: { byte: 0, message: 1 },
      after: { tokens: 0, ends_at: { tag: "{{history}}" } },
    });
  });
});

test("a version against itself is no change, and what is lost is never more than what was cached", () => {
  const text = fc.constantFrom("a", "b\n", "é", "{{x}}", RULES).map(String);
  const document = fc.array(text, { maxLength: 6 }).map((parts) => prompt(parts.join("")));
  fc.assert(
    fc.property(document, document, (a, b) => {
      expect(prefixChange(a, a)).toBeNull();
      const change = prefixChange(a, b);
      if (change === null) return;
      expect(change.lost_tokens).toBeLessThanOrEqual(change.before.cached_tokens);
      expect(change.shared_tokens).toBeLessThanOrEqual(change.before.tokens);
    }),
    { seed: 20_261_130 },
  );
});

test.each([
  ["openai/gpt-5-mini", 1_024, 1_300, 1_280],
  ["anthropic/claude-sonnet-4-5", 1_024, 1_300, 1_300],
  ["anthropic/claude-haiku-4-5-20251001", 4_096, 4_095, 0],
  ["anthropic/claude-3-5-haiku-latest", 2_048, 2_048, 2_048],
  ["google/gemini-2.5-flash", 2_048, 1_300, 0],
  ["mistral/large", null, 10, 10],
])("%s caches from %s tokens on", (model, minimum, tokens, cached) => {
  expect(minimumTokens(model)).toBe(minimum);
  expect(cachedTokens(model, tokens)).toBe(cached);
});
