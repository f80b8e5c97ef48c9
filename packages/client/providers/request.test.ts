import { contentHash } from "@plumbline/prompts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anthropicRequest, openAIRequest } from "./request.ts";
import type { PromptDocument, PromptMessage } from "../render/prompt-document.ts";
import { createRender, type RenderedMessage } from "../render/render-messages.ts";

const document = (...messages: readonly PromptMessage[]): PromptDocument => ({
  use_case: "a",
  model: "anthropic/claude-sonnet-4-5",
  config: {},
  messages,
});
const HISTORY: readonly RenderedMessage[] = [
  { role: "user", content: "Hi" },
  { role: "assistant", content: "Hello" },
];
const MARK = { cache_control: { type: "ephemeral" } };
const text = (content: string, more = {}) => ({ type: "text", text: content, ...more });

function request(of: PromptDocument, vars = {}, history: readonly RenderedMessage[] = []) {
  return anthropicRequest({ template: of.messages, messages: createRender(of) }, vars, history);
}

test("the mark stands at the end of what never varies", () => {
  const plain = document({ role: "system", content: "Be brief." }, { role: "user", content: "{{ticket}}" });
  expect(request(plain, { ticket: "Lost" })).toEqual({
    system: [text("Be brief.", MARK)],
    messages: [{ role: "user", content: [text("Lost")] }],
  });
  const inUser = document(
    { role: "system", content: "Be brief." },
    { role: "user", content: "Examples follow.\n\n{{ticket}}" },
  );
  expect(request(inUser, { ticket: "Lost" })).toEqual({
    system: [text("Be brief.")],
    messages: [{ role: "user", content: [text("Examples follow.\n\n", MARK), text("Lost")] }],
  });
  const inSystem = document({ role: "system", content: "Be brief.  {{#if x}}Very.{{/if}} Please." });
  expect(request(inSystem, { x: true })).toEqual({
    system: [text("Be brief.", MARK), text("  Very. Please.")],
    messages: [],
  });
});

test("a conversation ends what is fixed, with a place of its own or without", () => {
  const user: PromptMessage = { role: "user", content: "Now answer. {{ticket}}" };
  for (const messages of [
    [{ role: "system", content: "Be brief." }, user] as const,
    [{ role: "system", content: "Be brief." }, { role: "history" }, user] as const,
  ]) {
    const { system, messages: sent } = request(document(...messages), { ticket: "Lost" }, HISTORY);
    expect(system).toEqual([text("Be brief.", MARK)]);
    expect(sent.map(({ content }) => content)).toEqual([
      [text("Hi")],
      [text("Hello")],
      [text("Now answer. Lost")],
    ]);
  }
});

test("where nothing is fixed nothing is marked, and white space is no block of its own", () => {
  const varying = document({ role: "user", content: "\n {{a}}" });
  expect(request(varying, { a: "x" })).toEqual({
    system: [],
    messages: [{ role: "user", content: [text("\n x")] }],
  });
  const blankEnd = document({ role: "user", content: "Fixed. {{a}}" });
  expect(request(blankEnd, { a: "" }).messages[0]?.content).toEqual([text("Fixed. ")]);
});

test("joined again, blocks are what messages renders; one mark at most, and all before it is the same for other values", () => {
  const part = fc.constantFrom(
    "Rules. ",
    "\n",
    "{{a}}",
    "{{#if a}}\nwith\n{{/if}}\n",
    "  {{#unless a}}x{{/unless}}",
    "é",
  );
  const message = fc.record({
    role: fc.constantFrom("system" as const, "user" as const, "assistant" as const),
    content: fc.array(part, { maxLength: 5 }).map((parts) => parts.join("")),
  });
  const history = fc.constantFrom([], HISTORY);
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), history, (messages, earlier) => {
      const of = document(...messages);
      const flat = (vars: Record<string, unknown>) => {
        const { system, messages: sent } = request(of, vars, earlier);
        return [...system, ...sent.flatMap(({ content }) => content)];
      };
      const rendered = createRender(of)({ a: "one" }, earlier);
      const inOrder = [
        ...rendered.filter(({ role }) => role === "system"),
        ...rendered.filter(({ role }) => role !== "system"),
      ];
      const one = flat({ a: "one" });
      expect(one.map((block) => block.text).join("")).toBe(inOrder.map(({ content }) => content).join(""));
      expect(one.filter((block) => block.cache_control !== undefined).length).toBeLessThanOrEqual(1);
      if (messages.slice(1).some(({ role }) => role === "system")) return;
      const marked = one.findIndex((block) => block.cache_control !== undefined);
      const other = flat({ a: "another" });
      expect(other.slice(0, marked + 1)).toEqual(one.slice(0, marked + 1));
    }),
    { numRuns: 500, seed: 20_261_130 },
  );
});

test("the key of a version fits OpenAI's 64 characters and differs from other versions'", () => {
  const keys = ["a", "b"].map((content) => {
    const version = contentHash(document({ role: "user", content }));
    return openAIRequest({ version, messages: () => [] }).prompt_cache_key;
  });
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(keys[0]).not.toBe(keys[1]);
});
