import type { OutsideCase } from "../case.ts";

export interface ImportCase extends OutsideCase {
  readonly from: "promptfoo" | "langfuse";
  /** Files of the source; the first is the one that is imported. */
  readonly files: Readonly<Record<string, string>>;
  /** Messages of each prompt that is written, by its use case: role and content. */
  readonly prompts: Readonly<Record<string, readonly (readonly [role: string, content?: string])[]>>;
  /** One pattern for each thing that is left out, in their order. Any makes the exit code 3. */
  readonly leftOut?: readonly RegExp[];
}

const config = (prompts: unknown, more: object = {}): Readonly<Record<string, string>> => ({
  "promptfooconfig.yaml": JSON.stringify({ prompts, providers: ["openai:gpt-5-mini"], ...more }),
});
const user = (content: string): readonly (readonly [string, string])[] => [["user", content]];

/** One prompt of promptfoo's, in the configuration itself. */
function template(
  given: string,
  text: string,
  became: string | RegExp,
  becomes = typeof became === "string" ? "said in our words" : "left out by name, never passed on to a model",
): ImportCase {
  return {
    given,
    becomes,
    from: "promptfoo",
    files: config([{ label: "one", raw: text }]),
    ...(typeof became === "string"
      ? { prompts: { one: user(became) } }
      : { prompts: {}, leftOut: [new RegExp(`one: .*${became.source}`)] }),
  };
}

const NUNJUCKS: readonly ImportCase[] = [
  template(
    "a comment in Nunjucks",
    "Sum up.{# v2, ask Ana #} {{ticket}}",
    "Sum up. {{ticket}}",
    "gone, as there",
  ),
  template(
    "a comment with variables and tags inside",
    "{# {{old}} {% if a %} #}Sum up {{ticket}}",
    "Sum up {{ticket}}",
    "gone, as there",
  ),
  template(
    "`{% raw %}` around a lone brace and a tag",
    "{% raw %}Write {% if %} and {x}{% endraw %}: {{ticket}}",
    "Write {% if %} and {x}: {{ticket}}",
  ),
  template("`{% raw %}` around `{{`", "{% raw %}Keep {{name}}{% endraw %}", /raw/),
  template(
    "`{% elif %}`",
    "{% if vip %}A{% elif trial %}B{% elif not paid %}C{% else %}D{% endif %}",
    "{{#if vip}}A{{else}}{{#if trial}}B{{else}}{{#unless paid}}C{{else}}D{{/unless}}{{/if}}{{/if}}",
  ),
  template(
    "marks that take blanks away",
    "Tickets:\n{%- for t in tickets -%}\n {{ t.title }};\n{%- endfor %}\nEnd",
    "Tickets:{{#each tickets}}{{title}};{{/each}}\nEnd",
  ),
  template("`{% set %}`", "{% set tone = 'kind' %}Be {{tone}}: {{ticket}}", /\{% set tone = 'kind' %\}/),
  template("`{% include %}`", "{% include 'rules.txt' %}{{ticket}}", /\{% include 'rules\.txt' %\}/),
  template("a macro", "{% macro m(x) %}{{x}}{% endmacro %}{{ m(ticket) }}", /\{% macro m\(x\) %\}/),
  template("a filter", "{{ ticket | upper }}", /\{\{ ticket \| upper \}\}/),
  template("a default by `or`", "{{ name or 'friend' }}", /\{\{ name or 'friend' \}\}/),
  template("a comparison", "{% if tier == 'gold' %}Hi{% endif %} {{ticket}}", /tier == 'gold'/),
  template("a loop over keys and values", "{% for k, v in facts %}{{k}}{% endfor %}", /for k, v in facts/),
  template(
    "`loop.index`, which counts from one",
    "{% for t in tickets %}{{loop.index}}{% endfor %}",
    /loop\.index/,
  ),
  template(
    "a loop that uses a variable from outside of it",
    "{% for t in tickets %}{{t}} for {{customer}}{% endfor %}",
    /customer from outside of its loop/,
  ),
  template("a variable of the environment", "Key {{ env.API_KEY }}", /env\.API_KEY/),
  template("a variable called history", "{{history}}\n{{question}}", /history/),
  template("a tag that is never closed", "Sum up {{ticket and more", /never closed/),
  template("a block that is never closed", "{% if vip %}Hi {{ticket}}", /\{% if %\} has no end/),
];

const PROMPTFOO: readonly ImportCase[] = [
  {
    given: "a text file with lines of three dashes",
    becomes: "as many prompts as parts",
    from: "promptfoo",
    files: {
      ...config(["file://tone.txt"]),
      "tone.txt": "Kindly: {{ticket}}\r\n---\r\nBriefly -- {{ticket}}\n---\n\n---\nFormally --- {{ticket}}\n",
    },
    prompts: {
      tone: user("Kindly: {{ticket}}"),
      "tone-2": user("Briefly -- {{ticket}}"),
      "tone-3": user("Formally --- {{ticket}}"),
    },
  },
  {
    given: "content that is a list of one text",
    becomes: "that text",
    from: "promptfoo",
    files: {
      ...config(["file://chat.json"]),
      "chat.json": JSON.stringify([
        { role: "developer", content: "Sum up." },
        { role: "user", content: [{ type: "text", text: "{{ticket}}" }] },
      ]),
    },
    prompts: {
      chat: [
        ["system", "Sum up."],
        ["user", "{{ticket}}"],
      ],
    },
  },
  {
    given: "content with an image",
    becomes: "left out by name, and the other prompts are written",
    from: "promptfoo",
    files: {
      ...config(["file://look.json", "file://plain.txt"]),
      "look.json": JSON.stringify([
        {
          role: "user",
          content: [
            { type: "text", text: "See" },
            { type: "image_url", image_url: "{{u}}" },
          ],
        },
      ]),
      "plain.txt": "Sum up {{ticket}}",
    },
    prompts: { plain: user("Sum up {{ticket}}") },
    leftOut: [/look: .*image_url/],
  },
  {
    given: "a message of a tool among the others",
    becomes: "the whole prompt is left out, not that message",
    from: "promptfoo",
    files: {
      ...config(["file://chat.yaml"]),
      "chat.yaml": "- { role: user, content: 'Hi {{x}}' }\n- { role: tool, content: '42' }\n",
    },
    prompts: {},
    leftOut: [/chat: .*role tool/],
  },
  {
    given: "chat messages in JSON that a filter makes whole",
    becomes: "left out by name, not one message of raw JSON",
    from: "promptfoo",
    files: {
      ...config(["file://chat.json"]),
      "chat.json": '[{"role":"user","content":{{ ticket | dump }}}]',
    },
    prompts: {},
    leftOut: [/chat: .*list of chat messages/],
  },
  {
    given: "three prompts with one label, and one with the number that the second would get",
    becomes: "four names, and nobody's own name is taken",
    from: "promptfoo",
    files: config([
      { label: "Tone", raw: "1 {{t}}" },
      { label: "tone", raw: "2 {{t}}" },
      { label: "tone!", raw: "3 {{t}}" },
      { label: "tone-2", raw: "4 {{t}}" },
    ]),
    prompts: {
      tone: user("1 {{t}}"),
      "tone-3": user("2 {{t}}"),
      "tone-4": user("3 {{t}}"),
      "tone-2": user("4 {{t}}"),
    },
  },
  {
    given: "labels without a Latin letter",
    becomes: "names of their own, from a hash",
    from: "promptfoo",
    files: config([
      { label: "要約", raw: "1 {{t}}" },
      { label: "翻訳", raw: "2 {{t}}" },
    ]),
    prompts: { "prompt-e41f811e": user("1 {{t}}"), "prompt-a22140a7": user("2 {{t}}") },
  },
  {
    given: "a label with accents",
    becomes: "its letters without them",
    from: "promptfoo",
    files: config([{ label: "Résumé für Ämter", raw: "{{t}}" }]),
    prompts: { "resume-fur-amter": user("{{t}}") },
  },
  {
    given: "a prompt that is a program, beside one that is a text",
    becomes: "left out by name; the exit code is 3",
    from: "promptfoo",
    files: config(["file://make.py:build", { label: "plain", raw: "{{t}}" }]),
    prompts: { plain: user("{{t}}") },
    leftOut: [/make\.py:build/],
  },
  {
    given: "a file that is not there",
    becomes: "left out by name, and the others are written",
    from: "promptfoo",
    files: config(["file://gone.txt", { label: "plain", raw: "{{t}}" }]),
    prompts: { plain: user("{{t}}") },
    leftOut: [/gone: .*cannot be read/],
  },
  {
    given: "prompts as a map from texts to labels",
    becomes: "read by their labels",
    from: "promptfoo",
    files: config({ "Sum up {{t}}": "short", "Retell {{t}}": "long" }),
    prompts: { short: user("Sum up {{t}}"), long: user("Retell {{t}}") },
  },
  {
    given: "cases in a table",
    becomes: "the eval set is left out by name, and the prompt is written whole",
    from: "promptfoo",
    files: {
      ...config([{ label: "one", raw: "{{t}}" }], { tests: "file://cases.csv" }),
      "cases.csv": "t\nx\n",
    },
    prompts: { one: user("{{t}}") },
    leftOut: [/cases\.csv/],
  },
  {
    given: "a case whose answer is changed before it is checked",
    becomes: "the eval set is left out by name: here the answer would be checked as it is",
    from: "promptfoo",
    files: config([{ label: "one", raw: "{{t}}" }], {
      tests: [
        { vars: { t: "a" }, assert: [{ type: "contains", value: "a" }] },
        { vars: { t: "b" }, assert: [{ type: "contains", value: "b" }], options: { transform: "output.b" } },
      ],
    }),
    prompts: { one: user("{{t}}") },
    leftOut: [/case 2: has options\.transform/],
  },
  {
    given: "text that every case has around its prompt",
    becomes: "part of the prompt",
    from: "promptfoo",
    files: config([{ label: "one", raw: "{{t}}" }], { defaultTest: { options: { suffix: " Be brief." } } }),
    prompts: { one: user("{{t}} Be brief.") },
  },
  {
    given: "a provider that is a program",
    becomes: "no model of that name; `--model` is asked for",
    from: "promptfoo",
    files: config([{ label: "one", raw: "{{t}}" }], { providers: ["file://mine.js"] }),
    prompts: {},
    leftOut: [/model: the source names no model/],
  },
  {
    given: "a provider with merged settings",
    becomes: "the settings themselves, and no `<<`",
    from: "promptfoo",
    files: {
      "promptfooconfig.yaml":
        "base: &base { temperature: 0.1, max_tokens: 40 }\nprompts: [{ label: one, raw: '{{t}}' }]\n" +
        "providers: [{ id: 'openai:responses:gpt-5-mini', config: { <<: *base, max_tokens: 9 } }]\n",
    },
    prompts: { one: user("{{t}}") },
  },
];

const langfuse = (value: unknown): Readonly<Record<string, string>> => ({
  "prompts.json": JSON.stringify(value),
});
const MODEL = { config: { model: "openai/gpt-5-mini" } };

const LANGFUSE: readonly ImportCase[] = [
  {
    given: "two names that fold to one",
    becomes: "both are written, the second with a number",
    from: "langfuse",
    files: langfuse([
      { name: "support/summary", prompt: "1 {{t}}", ...MODEL },
      { name: "support-summary", prompt: "2 {{t}}", ...MODEL },
    ]),
    prompts: { "support-summary": user("1 {{t}}"), "support-summary-2": user("2 {{t}}") },
  },
  {
    given: "one item of an export without a text",
    becomes: "left out by name, and the others are written",
    from: "langfuse",
    files: langfuse({
      data: [
        { name: "listed", versions: [1, 2], labels: ["production"] },
        { name: "whole", prompt: "{{t}}", ...MODEL, labels: null, tags: null },
      ],
    }),
    prompts: { whole: user("{{t}}") },
    leftOut: [/listed: is an entry of a list/],
  },
  {
    given: "a page of several",
    becomes: "what is in it is written, and that there are others is said with exit code 3",
    from: "langfuse",
    files: langfuse({
      data: [{ name: "a", prompt: "{{t}}", ...MODEL }],
      meta: { page: 1, limit: 1, totalPages: 3 },
    }),
    prompts: { a: user("{{t}}") },
    leftOut: [/page 1 of 3/],
  },
  {
    given: "a prompt that takes another one in",
    becomes: "left out by name, not sent with the reference in it",
    from: "langfuse",
    files: langfuse([{ name: "a", prompt: "@@@langfusePrompt:name=rules|version=1@@@ {{t}}", ...MODEL }]),
    prompts: {},
    leftOut: [/a: takes another prompt in/],
  },
  {
    given: "a second placeholder",
    becomes: "the prompt is left out by name",
    from: "langfuse",
    files: langfuse([
      {
        name: "a",
        prompt: [
          { type: "placeholder", name: "history" },
          { role: "user", content: "{{t}}" },
          { type: "placeholder", name: "examples" },
        ],
        ...MODEL,
      },
    ]),
    prompts: {},
    leftOut: [/a: has a second placeholder, examples/],
  },
  {
    given: "a message with calls of tools",
    becomes: "the whole prompt is left out",
    from: "langfuse",
    files: langfuse([
      { name: "a", prompt: [{ role: "assistant", content: "", tool_calls: [{ id: "1" }] }], ...MODEL },
    ]),
    prompts: {},
    leftOut: [/a: .*tool_calls/],
  },
  {
    given: "a variable called history in a text",
    becomes: "left out by name: it would become the conversation",
    from: "langfuse",
    files: langfuse([{ name: "a", prompt: "{{history}}\n{{t}}", ...MODEL }]),
    prompts: {},
    leftOut: [/a: \{\{history\}\} means something else here/],
  },
  {
    given: "a name without a Latin letter",
    becomes: "a name of its own, from a hash",
    from: "langfuse",
    files: langfuse([{ name: "Сводка", prompt: "{{t}}", ...MODEL }]),
    prompts: { "prompt-2acdbda4": user("{{t}}") },
  },
  {
    given: "content that is a list of texts",
    becomes: "one text, a line each",
    from: "langfuse",
    files: langfuse([
      {
        name: "a",
        type: "chat",
        prompt: [
          {
            type: "chatmessage",
            role: "user",
            content: [
              { type: "text", text: "Sum up:" },
              { type: "text", text: "{{t}}" },
            ],
          },
        ],
        ...MODEL,
      },
    ]),
    prompts: { a: user("Sum up:\n{{t}}") },
  },
];

export const IMPORT_CASES: readonly ImportCase[] = [...NUNJUCKS, ...PROMPTFOO, ...LANGFUSE];
