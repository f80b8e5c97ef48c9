import { describe, expect, test } from "vitest";
import { type LintFinding, lintPrompt, stablePrefix } from "./lint-prompt.ts";
import { parsePrompt } from "../parse-prompt.ts";

const GOOD = `---
model: openai/gpt-5-mini
input: { schema: { ticket: string, locale?: string } }
plumbline.owner: team:support
plumbline.eval: evals/a.jsonl
plumbline.rubrics: [faithfulness]
---
{{role "system"}}
Summarise.
{{role "user"}}
{{ticket}}{{#if locale}} in {{locale}}{{/if}}
`;

function lint(text: string): readonly LintFinding[] {
  const parsed = parsePrompt(text, "prompts/a.prompt", (name) =>
    name === "rules" ? "Mind {{what}}." : null,
  );
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return lintPrompt(parsed.value, {
    hasFile: (path) => path === "evals/a.jsonl",
    hasRubric: (name) => name === "faithfulness",
  });
}

test("a good prompt has no findings", () => {
  expect(lint(GOOD)).toEqual([]);
});

const LONG = "Keep every amount, date and name that matters to the request. ".repeat(8);

describe("each rule finds its fault", () => {
  test.each([
    {
      name: "a variable that is not declared",
      edit: (text: string) => text.replace("{{ticket}}", "{{ticket}}{{tickt}}"),
      is: ["error", "undeclared-variable", 11, "Write {{ticket}}, or add tickt to input.schema"],
    },
    {
      name: "one in a partial",
      edit: (text: string) => text.replace("Summarise.", "Summarise.\n{{>rules}}"),
      is: ["error", "undeclared-variable", 1, "Add what: string to input.schema"],
    },
    {
      name: "a variable that is not used",
      edit: (text: string) => text.replace("{ ticket:", "{ other: string, ticket:"),
      is: ["warning", "unused-variable", 3, "Use {{other}}, or remove it from input.schema"],
    },
    {
      name: "an optional variable without a guard",
      edit: (text: string) => text.replace("{{ticket}}", "{{ticket}}{{locale}}"),
      is: [
        "error",
        "unguarded-optional",
        11,
        "Write {{#if locale}}…{{/if}} around it, or give it a value in input.default",
      ],
    },
    {
      name: "no owner",
      edit: (text: string) => text.replace("plumbline.owner: team:support\n", ""),
      is: ["error", "owner", 2, "Add plumbline.owner, such as team:support-platform"],
    },
    {
      name: "no eval set",
      edit: (text: string) => text.replace("plumbline.eval: evals/a.jsonl\n", ""),
      is: ["error", "eval-set", 2, "Add plumbline.eval: evals/a.jsonl, and at least 20 cases"],
    },
    {
      name: "an eval set that is not there",
      edit: (text: string) => text.replace("evals/a.jsonl", "evals/b.jsonl"),
      is: ["error", "eval-set", 5, "Create it, or correct the path; paths are relative to the project"],
    },
    {
      name: "a rubric that is not there",
      edit: (text: string) => text.replace("[faithfulness]", "[tone]"),
      is: ["error", "rubric", 6, "Create rubrics/tone.yaml, or remove it from plumbline.rubrics"],
    },
    {
      name: "variable text before the stable part",
      edit: (text: string) => text.replace("Summarise.", `For {{ticket}}: ${LONG}`),
      is: [
        "warning",
        "prefix-order",
        9,
        "Move fixed text before {{ticket}}, and variables into the last user message",
      ],
    },
    {
      name: "a late system message",
      edit: (text: string) => text.replace('{{role "system"}}', 'Hi\n{{role "system"}}'),
      is: ["error", "role-order", 9, 'Move {{role "system"}} to the top'],
    },
    {
      name: "two messages of one role",
      edit: (text: string) => text.replace("Summarise.", 'Summarise.\n{{role "user"}}\nHi'),
      is: ["warning", "role-order", 12, "Join the two"],
    },
    {
      name: "a large template",
      edit: (text: string) => text.replace("Summarise.", LONG.repeat(50)),
      is: ["warning", "size", 1, "Retrieve what a call needs instead of sending everything, or cut examples"],
    },
  ])("$name", ({ edit, is }) => {
    const findings = lint(edit(GOOD));
    expect(findings.map(({ severity, rule, line, fix }) => [severity, rule, line, fix])).toContainEqual(is);
    expect(findings.length).toBe(1);
  });
});

test("a prefix under the provider's minimum says that nothing is cached", () => {
  const messages = (model: string): readonly string[] =>
    lint(GOOD.replace("Summarise.", `For {{ticket}}: ${LONG}`).replace("openai/gpt-5-mini", model)).map(
      ({ message }) => message,
    );
  expect(messages("openai/gpt-5-mini")).toEqual([
    expect.stringContaining(
      "ahead of it are about 1 tokens, the provider caches from 1024 on, so nothing is cached",
    ),
  ]);
  expect(messages("mistral/large")).toEqual([expect.stringMatching(/ends at the first thing that varies$/)]);
});

test("the stable prefix ends at the first tag that varies, in whatever message it is", () => {
  const parsed = parsePrompt(GOOD, "a.prompt");
  if (parsed.kind === "invalid") throw new Error("invalid");
  expect(stablePrefix(parsed.value.messages)).toEqual({
    stable_chars: "Summarise.".length,
    late_chars: " in ".length,
    first_variable: { tag: "{{ticket}}", file: "a.prompt", line: 11 },
  });
});
