import { type PromptDocument, parsePrompt, promptVersion, renderPrompt } from "@plumbline/prompts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, contentHash } from "./canonical-json.ts";
import { createRender, type RenderedMessage } from "./render-messages.ts";

/** What the client makes of a document, in the words of the registry's renderer. */
function rendered(
  document: PromptDocument,
  vars: Readonly<Record<string, unknown>>,
  history: readonly RenderedMessage[],
): unknown {
  let render;
  try {
    render = createRender(document);
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return { kind: "invalid", isTemplate: true };
  }
  try {
    return { kind: "rendered", messages: render(vars, history) };
  } catch (error) {
    return { kind: "invalid", problems: (error as Error).message };
  }
}

function reference(
  document: PromptDocument,
  vars: Readonly<Record<string, unknown>>,
  history: readonly RenderedMessage[],
): unknown {
  const answer = renderPrompt(document, vars, history);
  if (answer.kind === "rendered") return { kind: "rendered", messages: answer.messages };
  if (answer.problems.some((problem) => / message, line \d+: /.test(problem)))
    return { kind: "invalid", isTemplate: true };
  return { kind: "invalid", problems: `${document.use_case}: ${answer.problems.join("; ")}` };
}

const name = fc.constantFrom("a", "b", "a.b", "this", "this.a", "@index", "@first", "@last", "c");
const words = fc.constantFrom(
  "x",
  " ",
  "\n",
  "  \n",
  "\n\n",
  "word {",
  "} y",
  "\t",
  "ü",
  "{{ a }}",
  "{{!-- n --}}",
);
const content = fc.letrec<{ many: string; one: string }>((tie) => ({
  many: fc.array(tie("one"), { maxLength: 5 }).map((parts) => parts.join("")),
  one: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    words,
    name.map((path) => `{{${path}}}`),
    fc
      .tuple(fc.constantFrom("if", "unless", "each"), name, tie("many"), fc.option(tie("many")))
      .map(([block, path, body, other]) => {
        const otherwise = other === null ? "" : `{{else}}${other}`;
        return `{{#${block} ${path}}}${body}${otherwise}{{/${block}}}`;
      }),
  ),
})).many;
/** Also what no push lets through. */
const soup = fc
  .array(
    fc.constantFrom(
      ..."{{a}}|{{#if a}}|{{/if}}|{{#each b}}|{{/each}}|{{else}}|{{^}}|{{history}}|{{role 'user'}}|{{{a}}}|{{~a}}|{{>p}}|{{a b}}".split(
        "|",
      ),
      ...'{{#if}}|{{#with a}}|{{../a}}|{{|}}|\\|\n|x|{{!c}}|{{!--}}--}}|{{& a}}|{{if}}|{{# if a }}|{{/ if}}|{{role "x"}}|{{ history() }}'.split(
        "|",
      ),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));
const leaf = fc.oneof(
  fc.constantFrom("", "text", "{{a}}", 0, 1, -1.5, true, false, null, undefined, 10n),
  fc.constant([] as unknown[]),
);
const value = fc.oneof(
  leaf,
  fc.array(fc.oneof(leaf, fc.record({ a: leaf, b: leaf }))),
  fc.record({ a: leaf, b: leaf }),
);
const vars = fc.record({ a: value, b: value, c: value }, { requiredKeys: [] });
const message = fc.oneof(
  { weight: 4, arbitrary: fc.record({ role: fc.constantFrom("system", "user", "assistant"), content }) },
  { weight: 1, arbitrary: fc.record({ role: fc.constantFrom("system", "user"), content: soup }) },
  { weight: 1, arbitrary: fc.constant({ role: "history" as const }) },
);
const document = fc.record(
  {
    use_case: fc.constant("ticket-summary"),
    model: fc.constant("openai/gpt-5-mini"),
    config: fc.constant({}),
    messages: fc.array(message, { minLength: 1, maxLength: 4 }),
    defaults: fc.record({ a: fc.constantFrom("d", 0, false, "") }),
  },
  { requiredKeys: ["use_case", "model", "config", "messages"] },
) as fc.Arbitrary<PromptDocument>;
const history = fc.constantFrom<readonly RenderedMessage[]>(
  [],
  [
    { role: "user", content: "h1 {{a}}" },
    { role: "assistant", content: "h2" },
  ],
);

test("a prompt renders as in the registry, and fails with the same words", () => {
  let renderings = 0;
  fc.assert(
    fc.property(document, vars, history, (doc, values, earlier) => {
      const mine = rendered(doc, values, earlier);
      if ((mine as { kind: string }).kind === "rendered") renderings++;
      expect(mine).toEqual(reference(doc, values, earlier));
    }),
    { numRuns: 5_000 },
  );
  expect(renderings).toBeGreaterThan(500);
});

describe("the hash of a document", () => {
  test("is the registry's, for everything that JSON can hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (json) => {
        const doc = { use_case: "a", config: json } as unknown as PromptDocument;
        expect(await contentHash(doc)).toBe(promptVersion(doc));
      }),
    );
  });

  test("of a pushed file is its version", async () => {
    const parsed = parsePrompt(
      '---\nmodel: openai/gpt-5-mini\ninput: { schema: { ticket: string } }\n---\n{{role "system"}}\nSummarise.\n{{role "user"}}\n{{ticket}}\n',
      "prompts/ticket-summary.prompt",
    );
    if (parsed.kind !== "parsed") throw new Error(JSON.stringify(parsed));
    const delivered: unknown = JSON.parse(JSON.stringify(parsed.value.document));
    expect(await contentHash(delivered)).toBe(promptVersion(parsed.value.document));
  });

  test("does not exist for what JSON cannot hold", () => {
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(RangeError);
    expect(() => canonicalJson([undefined])).toThrow(RangeError);
  });
});
