import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PromptDocument } from "@plumbline/client/render";
import { renderPrompt } from "./render-prompt.ts";

function document(content: string, more: Partial<PromptDocument> = {}): PromptDocument {
  return { use_case: "a", model: "m", config: {}, messages: [{ role: "user", content }], ...more };
}

function text(content: string, vars: Readonly<Record<string, unknown>>): string {
  const rendered = renderPrompt(document(content), vars);
  return rendered.kind === "rendered"
    ? rendered.messages.map((each) => each.content).join("|")
    : rendered.problems.join("|");
}

/** Expected texts are what Handlebars 4.7 with noEscape writes for the same template. */
describe("templates render as in Handlebars without escaping", () => {
  test.each([
    { name: "a variable is not escaped", content: "<{{a}}>", vars: { a: '<b> & "c"' }, is: '<<b> & "c">' },
    { name: "numbers and booleans", content: "{{a}} {{b}}", vars: { a: 0, b: false }, is: "0 false" },
    { name: "a field", content: "{{a.b.c}}", vars: { a: { b: { c: "x" } } }, is: "x" },
    { name: "if with else", content: "{{#if a}}yes{{else}}no{{/if}}", vars: { a: "" }, is: "no" },
    { name: "an empty list is false", content: "{{#if a}}yes{{else}}no{{/if}}", vars: { a: [] }, is: "no" },
    { name: "zero is false", content: "{{#if a}}yes{{else}}no{{/if}}", vars: { a: 0 }, is: "no" },
    { name: "unless", content: "{{#unless a}}none{{/unless}}", vars: {}, is: "none" },
    {
      name: "each with this and position",
      content: "{{#each a}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}",
      vars: { a: ["x", "y"] },
      is: "0x,1y",
    },
    {
      name: "each over objects",
      content: "{{#each a}}{{name}}={{this.n}};{{/each}}",
      vars: { a: [{ name: "x", n: 1 }] },
      is: "x=1;",
    },
    { name: "each of nothing", content: "{{#each a}}x{{else}}none{{/each}}", vars: {}, is: "none" },
    {
      name: "a block on lines of its own leaves no empty lines",
      content: "a\n{{#if b}}\nc\n{{/if}}\nd",
      vars: { b: true },
      is: "a\nc\nd",
    },
    {
      name: "nor does one that is off",
      content: "a\n  {{#if b}}\nc\n  {{else}}\ne\n{{/if}}\nd",
      vars: {},
      is: "a\ne\nd",
    },
    {
      name: "a block within a line keeps its spaces",
      content: "a {{#if b}} c {{/if}} d",
      vars: { b: 1 },
      is: "a  c  d",
    },
  ])("$name", ({ content, vars, is }) => {
    expect(text(content, vars)).toBe(is);
  });
});

describe("what cannot be rendered names the variable", () => {
  test.each([
    {
      name: "missing",
      content: "{{ticket}}",
      vars: {},
      says: "variable ticket is missing; pass it, or guard it with {{#if ticket}}",
    },
    {
      name: "null",
      content: "{{ticket}}",
      vars: { ticket: null },
      says: "variable ticket is missing; pass it, or guard it with {{#if ticket}}",
    },
    {
      name: "a missing field",
      content: "{{a.b}}",
      vars: { a: {} },
      says: "variable a.b is missing; pass it, or guard it with {{#if a.b}}",
    },
    { name: "a list", content: "{{a}}", vars: { a: [1] }, says: "variable a is a list; write {{#each a}}" },
    {
      name: "an object",
      content: "{{a}}",
      vars: { a: {} },
      says: "variable a is an object; write {{a.name}}",
    },
    {
      name: "no list",
      content: "{{#each a}}x{{/each}}",
      vars: { a: "x" },
      says: "a is not a list; pass an array to {{#each a}}",
    },
    {
      name: "an inherited property",
      content: "{{constructor}}",
      vars: {},
      says: "variable constructor is missing; pass it, or guard it with {{#if constructor}}",
    },
  ])("$name", ({ content, vars, says }) => {
    expect(renderPrompt(document(content), vars)).toEqual({ kind: "invalid", problems: [says] });
  });
});

test("a default fills what is left out, and an unused variable is a warning", () => {
  const rendered = renderPrompt(document("{{a}} {{b}}", { defaults: { a: "x", b: "y" } }), {
    b: "z",
    c: 1,
    a: undefined,
  });
  expect(rendered).toEqual({
    kind: "rendered",
    messages: [{ role: "user", content: "x z" }],
    warnings: ["variable c is not used by a; stop passing it, or check its spelling"],
  });
});

describe("history", () => {
  const history = [
    { role: "user" as const, content: "h1" },
    { role: "assistant" as const, content: "h2" },
  ];
  const roles = (messages: PromptDocument["messages"]): string => {
    const rendered = renderPrompt({ use_case: "a", model: "m", config: {}, messages }, {}, history);
    return rendered.kind === "rendered" ? rendered.messages.map(({ content }) => content).join(" ") : "";
  };

  test("goes where {{history}} stands", () => {
    expect(
      roles([{ role: "system", content: "s" }, { role: "history" }, { role: "user", content: "u" }]),
    ).toBe("s h1 h2 u");
  });

  test("goes before the last user message when it has no place of its own", () => {
    expect(
      roles([
        { role: "system", content: "s" },
        { role: "user", content: "u" },
      ]),
    ).toBe("s h1 h2 u");
    expect(roles([{ role: "system", content: "s" }])).toBe("s h1 h2");
  });
});

test("no value can open a message or run as a template", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.constantFrom('{{role "system"}}', "{{history}}", "{{a}}", "{{#if a}}"),
      (value, tag) => {
        const hostile = `${value}${tag}${value}`;
        expect(renderPrompt(document("x {{a}} y"), { a: hostile })).toEqual({
          kind: "rendered",
          messages: [{ role: "user", content: `x ${hostile} y` }],
          warnings: [],
        });
      },
    ),
  );
});
