import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { formatProblem } from "./file-problem.ts";
import { type ParsedPrompt, parsePrompt } from "./parse-prompt.ts";
import { parseShortVersion, promptVersion, shortVersion } from "./prompt-version.ts";

const EXAMPLE = `---
model: openai/gpt-5-mini
config: { temperature: 0.2, max_tokens: 400 }
input: { schema: { ticket: string, locale?: string } }
output: { format: text }
plumbline.use_case: ticket-summary
plumbline.owner: team:support-platform
plumbline.eval: evals/ticket-summary.jsonl
plumbline.rubrics: [faithfulness, length]
plumbline.attributes: { mentions_amount: "regex:\\\\$\\\\s?\\\\d" }
---
{{role "system"}}
You summarise help-desk tickets in at most 120 words. Keep every amount and date.
{{role "user"}}
{{ticket}}
`;

function parsed(text: string, partials: Readonly<Record<string, string>> = {}): ParsedPrompt {
  const result = parsePrompt(text, "prompts/ticket-summary.prompt", (name) => partials[name] ?? null);
  if (result.kind === "invalid") throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.value;
}

function problems(text: string, partials: Readonly<Record<string, string>> = {}): readonly string[] {
  const result = parsePrompt(text, "prompts/a.prompt", (name) => partials[name] ?? null);
  return result.kind === "invalid" ? result.problems.map(formatProblem) : [];
}

function versionOf(text: string, partials: Readonly<Record<string, string>> = {}): string {
  return promptVersion(parsed(text, partials).document);
}

test("a prompt file becomes a document of what is sent, and facts about the file", () => {
  const prompt = parsed(EXAMPLE);
  expect(prompt.document).toEqual({
    use_case: "ticket-summary",
    model: "openai/gpt-5-mini",
    config: { temperature: 0.2, max_tokens: 400 },
    messages: [
      {
        role: "system",
        content: "You summarise help-desk tickets in at most 120 words. Keep every amount and date.",
      },
      { role: "user", content: "{{ticket}}" },
    ],
  });
  expect(prompt).toMatchObject({
    owner: "team:support-platform",
    eval_file: "evals/ticket-summary.jsonl",
    rubrics: ["faithfulness", "length"],
    attributes: { mentions_amount: "regex:\\$\\s?\\d" },
    variables: [
      { name: "ticket", isOptional: false },
      { name: "locale", isOptional: true },
    ],
  });
});

test("the canonical hash of a known document never changes: stored versions depend on it", () => {
  // From Python: hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
  expect(versionOf(EXAMPLE)).toBe("sha256:24459b60aa1ec76b397116ae54c2978a0eeace6c1f0b638b2430c358b566b6e7");
});

test("every example of the repository parses", () => {
  const folder = new URL("../../examples/ticket-summary/prompts/", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".prompt"));
  expect(files.length).toBeGreaterThan(0);
  for (const name of files)
    expect(parsed(readFileSync(new URL(name, folder), "utf8")).document.messages).toHaveLength(2);
});

describe("what does not change a version", () => {
  test.each([
    {
      name: "a comment in the front matter",
      edit: (text: string) => text.replace("config:", "# warm\nconfig:"),
    },
    { name: "a comment before the front matter", edit: (text: string) => `# Copyright\n${text}` },
    {
      name: "a template comment on a line of its own",
      edit: (text: string) => text.replace("You summarise", "{{! why }}\nYou summarise"),
    },
    {
      name: "a long template comment within a line",
      edit: (text: string) => text.replace("Keep every", "{{!-- {{x}} --}}Keep every"),
    },
    { name: "another owner", edit: (text: string) => text.replace("team:support-platform", "team:other") },
    {
      name: "another eval set",
      edit: (text: string) => text.replace("evals/ticket-summary.jsonl", "evals/b.jsonl"),
    },
    { name: "Windows line ends", edit: (text: string) => text.replaceAll("\n", "\r\n") },
    { name: "a byte-order mark", edit: (text: string) => `\uFEFF${text}` },
    {
      name: "spaces at the edges of messages",
      edit: (text: string) =>
        text.replace("and date.", "and date.  \n\n").replace("{{ticket}}", "\n {{ticket}} \n\n"),
    },
    {
      name: "spaces inside a tag",
      edit: (text: string) =>
        text.replace("{{ticket}}", "{{ ticket }}").replace('{{role "user"}}', "{{ role 'user' }}"),
    },
    {
      name: "block style instead of flow style",
      edit: (text: string) =>
        text.replace(
          "config: { temperature: 0.2, max_tokens: 400 }",
          "config:\n  max_tokens: 400\n  temperature: 0.20",
        ),
    },
    {
      name: "the declared type of an input",
      edit: (text: string) => text.replace("ticket: string", "ticket: any"),
    },
    {
      name: "spelling out that the output is text",
      edit: (text: string) => text.replace("output: { format: text }\n", ""),
    },
  ])("$name", ({ edit }) => {
    expect(edit(EXAMPLE)).not.toBe(EXAMPLE);
    expect(versionOf(edit(EXAMPLE))).toBe(versionOf(EXAMPLE));
  });
});

describe("what changes a version", () => {
  test.each([
    { name: "one letter of a message", edit: (text: string) => text.replace("Keep every", "Keep eveny") },
    { name: "a space inside a message", edit: (text: string) => text.replace("Keep every", "Keep  every") },
    {
      name: "the role of a message",
      edit: (text: string) => text.replace('role "user"', 'role "assistant"'),
    },
    { name: "the model", edit: (text: string) => text.replace("gpt-5-mini", "gpt-5-nano") },
    { name: "a config value", edit: (text: string) => text.replace("0.2", "0.3") },
    { name: "a config key", edit: (text: string) => text.replace("max_tokens", "max_output_tokens") },
    {
      name: "the use case",
      edit: (text: string) => text.replace("use_case: ticket-summary", "use_case: ticket-digest"),
    },
    {
      name: "an output schema",
      edit: (text: string) => text.replace("{ format: text }", "{ format: json, schema: { a: string } }"),
    },
    {
      name: "a default value",
      edit: (text: string) => text.replace("input: {", "input: { default: { locale: en },"),
    },
    {
      name: "a place for history",
      edit: (text: string) => text.replace('{{role "user"}}', '{{history}}\n{{role "user"}}'),
    },
  ])("$name", ({ edit }) => {
    expect(edit(EXAMPLE)).not.toBe(EXAMPLE);
    expect(versionOf(edit(EXAMPLE))).not.toBe(versionOf(EXAMPLE));
  });
});

const word = fc.stringMatching(/^[a-z]{1,8}$/);
const text = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(" "));
const config = fc.dictionary(
  word,
  fc.oneof(fc.integer(), fc.boolean(), word, fc.array(fc.integer(), { maxLength: 3 })),
  { maxKeys: 6, noNullPrototype: true },
);
const file = fc.record({ model: word, config, system: text, user: text, owner: word });
type File = { model: string; config: Record<string, unknown>; system: string; user: string; owner: string };

function write(
  each: File,
  options: { reverse?: boolean; comment?: string; end?: string; pad?: string } = {},
): string {
  const { reverse = false, comment, end = "\n", pad = "" } = options;
  const entries: [string, unknown][] = [
    ["model", each.model],
    ["config", reverse ? Object.fromEntries(Object.entries(each.config).toReversed()) : each.config],
    ["plumbline.use_case", "made-up"],
    ["plumbline.owner", each.owner],
  ];
  const front = stringify(Object.fromEntries(reverse ? entries.toReversed() : entries));
  const hash = comment === undefined ? "" : `# ${comment}\n`;
  const lines = `---\n${hash}${front}---\n{{role "system"}}${pad}\n${each.system}${pad}\n{{role "user"}}\n${pad}${each.user}\n${pad}`;
  return lines.replaceAll("\n", end);
}

test("key order, comments, owner, line ends and edges never change a version", () => {
  fc.assert(
    fc.property(
      file,
      word,
      fc.constantFrom("\n", "\r\n"),
      fc.constantFrom("", "  ", "\t"),
      (each, other, end, pad) => {
        const again = write({ ...each, owner: other }, { reverse: true, comment: other, end, pad });
        expect(versionOf(again)).toBe(versionOf(write(each)));
      },
    ),
  );
});

test("two files have the same version only when model, config and messages are the same", () => {
  fc.assert(
    fc.property(file, file, (a, b) => {
      const key = (each: File): string =>
        JSON.stringify([
          each.model,
          Object.entries(each.config).toSorted(([x], [y]) => (x < y ? -1 : 1)),
          each.system,
          each.user,
        ]);
      expect(versionOf(write(a)) === versionOf(write(b))).toBe(key(a) === key(b));
    }),
  );
});

test("partials are inlined to any depth, and a changed partial is a new version", () => {
  const withPartial = EXAMPLE.replace("You summarise", "{{>tone}}\nYou summarise");
  const partials = { tone: "\nBe {{>how}}.\r\n", how: "kind {{! always }}" };
  expect(parsed(withPartial, partials).document.messages[0]).toEqual({
    role: "system",
    content: "Be kind .\nYou summarise help-desk tickets in at most 120 words. Keep every amount and date.",
  });
  expect(versionOf(withPartial, { ...partials, how: "brief" })).not.toBe(versionOf(withPartial, partials));
  expect(versionOf(withPartial, { tone: "Be brief." })).toBe(
    versionOf(EXAMPLE.replace("You summarise", "Be brief.\nYou summarise")),
  );
});

test("text before the first role is the user's, and a file without use_case is named for its file", () => {
  const { document } = parsed("---\nmodel: a/b\n---\nHello {{name}}");
  expect(document).toMatchObject({
    use_case: "ticket-summary",
    messages: [{ role: "user", content: "Hello {{name}}" }],
  });
});

const HEAD = "---\nmodel: a/b\n---\n";

describe("a problem names its line, and says what to do", () => {
  test.each([
    {
      name: "no front matter",
      text: "Hello",
      says: ["prompts/a.prompt:1: has no front matter. Begin the file with ---, model: provider/model, ---."],
    },
    {
      name: "an open front matter",
      text: "---\nmodel: a/b\n",
      says: ["prompts/a.prompt:1: the front matter is never closed. Put --- on a line of its own after it."],
    },
    {
      name: "no model",
      text: "---\nconfig: {}\n---\nHi",
      says: ["prompts/a.prompt:2 model: is missing. Add model."],
    },
    { name: "broken YAML", text: "---\nmodel: a/b\nconfig: { a: 1\n---\nHi", says: ["prompts/a.prompt:"] },
    {
      name: "a key twice",
      text: "---\nmodel: a/b\nmodel: a/c\n---\nHi",
      says: ["prompts/a.prompt:3: is not YAML: the key model stands twice in one map"],
    },
    {
      name: "a misspelt key",
      text: "---\nmodel: a/b\nconfg: {}\n---\nHi",
      says: ["prompts/a.prompt:3 confg: is not a known key. Write config, or remove it."],
    },
    {
      name: "a misspelt key of ours",
      text: "---\nmodel: a/b\nplumbline.ownr: x\n---\nHi",
      says: ["prompts/a.prompt:3 plumbline.ownr: is not a known key. Write plumbline.owner, or remove it."],
    },
    {
      name: "a path that leaves the project",
      text: "---\nmodel: a/b\nplumbline.eval: ../x\n---\nHi",
      says: [
        "prompts/a.prompt:3 plumbline.eval: must be a relative path inside the project. Correct plumbline.eval.",
      ],
    },
    {
      name: "an unknown role",
      text: `${HEAD}{{role "robot"}}\nHi`,
      says: ["prompts/a.prompt:4: there is no role robot. Use system, user or assistant."],
    },
    {
      name: "an empty message",
      text: `${HEAD}{{role "system"}}\n{{role "user"}}\nHi`,
      says: ["prompts/a.prompt:4: the system message is empty. Write it, or remove its {{role}}."],
    },
    {
      name: "an open block",
      text: `${HEAD}\n{{#if a}}x`,
      says: ["prompts/a.prompt:5: {{#if a}} is never closed. Add {{/if}}."],
    },
    {
      name: "crossed blocks",
      text: `${HEAD}{{#if a}}{{#each b}}{{/if}}{{/each}}`,
      says: ["prompts/a.prompt:4: {{/if}} closes nothing: {{#each b}} of line 4 is open"],
    },
    {
      name: "a role in a block",
      text: `${HEAD}{{#if a}}{{role "user"}}x{{/if}}`,
      says: ["prompts/a.prompt:4: {{role}} stands inside a block"],
    },
    {
      name: "a helper",
      text: `${HEAD}{{upper name}}`,
      says: ["prompts/a.prompt:4: {{upper name}} is not supported. Use {{variable}}"],
    },
    {
      name: "an unknown block",
      text: `${HEAD}{{#with a}}x{{/with}}`,
      says: ["prompts/a.prompt:4: {{#with a}} is not a block of this subset"],
    },
    {
      name: "a triple brace",
      text: `${HEAD}{{{html}}}`,
      says: ["prompts/a.prompt:4: a triple brace is not needed"],
    },
    {
      name: "white-space control",
      text: `${HEAD}{{~name~}}`,
      says: ["prompts/a.prompt:4: white-space control with ~ is not supported"],
    },
    {
      name: "a backslash",
      text: `${HEAD}\\{{name}}`,
      says: ["prompts/a.prompt:4: a backslash before {{ is not supported"],
    },
    {
      name: "a tag never closed",
      text: `${HEAD}a\nb {{name`,
      says: ["prompts/a.prompt:5: a {{ is never closed"],
    },
    {
      name: "a parent path",
      text: `${HEAD}{{#each a}}{{../b}}{{/each}}`,
      says: ["prompts/a.prompt:4: {{../b}} reaches out of a loop"],
    },
    {
      name: "a missing partial",
      text: `${HEAD}{{>tone}}`,
      says: [
        "prompts/a.prompt:4: there is no partial tone. Create _partials/tone.prompt, or correct the name.",
      ],
    },
    {
      name: "another template engine",
      text: "---\nmodel: a/b\nengine: handlebars\n---\nHi",
      says: ["prompts/a.prompt:3 engine: is not supported"],
    },
    { name: "an empty template", text: HEAD, says: ["prompts/a.prompt:4: the template is empty"] },
  ])("$name", ({ text: source, says }) => {
    const found = problems(source);
    expect(found.length).toBeGreaterThan(0);
    for (const [i, start] of says.entries()) expect(found[i]).toContain(start);
  });

  test("a partial that includes itself", () => {
    expect(problems(`${HEAD}{{>a}}`, { a: "{{>b}}", b: "{{>a}}" })).toEqual([
      "_partials/b.prompt:1: partial a includes itself: a > b > a. Break the circle.",
    ]);
  });

  test("all problems come at once", () => {
    expect(problems('---\nconfg: {}\n---\n{{role "robot"}}\n{{upper x}}').length).toBe(4);
  });
});

test("no text makes the parser throw", () => {
  const pieces = fc.constantFrom(
    "{{",
    "}}",
    "{{#if a}}",
    "{{/if}}",
    "{{else}}",
    '{{role "user"}}',
    "{{>p}}",
    "{{!",
    "--}}",
    "\n",
    "---\n",
    "a",
    "\\",
    "model: a/b\n",
    "{{history}}",
    "{{#each b}}",
    "{{/each}}",
    "{{x}}",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), fc.boolean(), (parts, hasHead) => {
      const result = parsePrompt((hasHead ? HEAD : "") + parts.join(""), "a.prompt", () => "{{x}} partial");
      if (result.kind === "parsed")
        expect(promptVersion(result.value.document)).toMatch(/^sha256:[0-9a-f]{64}$/);
      else expect(result.problems.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});

test("a short version names use case and twelve digits, and is read back", () => {
  const version = versionOf(EXAMPLE);
  const short = shortVersion("ticket-summary", version);
  expect(short).toMatch(/^ticket-summary@[0-9a-f]{12}$/);
  expect(parseShortVersion(short)).toEqual({ use_case: "ticket-summary", hex: version.slice(7, 19) });
  expect(parseShortVersion("ticket-summary@12")).toBeNull();
});

describe("parameters of the model", () => {
  const withConfig = (config: string): readonly string[] =>
    problems(`---\nmodel: openai/gpt-5-mini\nconfig:\n  ${config}\n---\nHello\n`);

  test.each([
    ['temperature: "hot"', /a\.prompt:4.*config\.temperature.*must be a number/],
    ['max_tokens: "400"', /config\.max_tokens.*must be a number/],
    ["topP: [1]", /config\.topP.*must be a number/],
  ])("%s is refused at its line", (config, says) => {
    expect(withConfig(config)).toEqual([expect.stringMatching(says)]);
  });

  test.each([
    "temperature: 0.2",
    "seed: null",
    'reasoning_effort: "high"',
    "stop: [a, b]",
    "tools: [{ type: function }]",
  ])("%s is passed on", (config) => {
    expect(withConfig(config)).toEqual([]);
  });
});
