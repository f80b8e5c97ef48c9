/** `plumbline import` and `export`: a prompt that went through another tool's files is the same version again. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseEvalSet, parsePrompt, promptVersion } from "@plumbline/prompts";
import { expect, onTestFinished, test } from "vitest";
import { runPlumbline } from "./tail-run.ts";

const CASES = [
  '{"description":"amount kept","vars":{"ticket":"Charged $40 twice.","locale":"en"},"assert":[{"type":"contains","value":"$40"}],"metadata":{"id":"ts-1","slice":["amount"],"added":"2026-11-01"}}',
  '{"vars":{"ticket":"No amount."},"assert":[{"type":"llm-rubric","value":"rubric:faithfulness"},{"type":"rouge-n","value":"x"}]}',
].join("\n");

const SIMPLE = `---
model: openai/gpt-5-mini
config: { temperature: 0.2, max_tokens: 400, stop: ["\\n\\n", "END: \\"x\\""] }
input: { schema: { ticket: string } }
plumbline.owner: team:support-platform
plumbline.eval: evals/ticket-summary.jsonl
---
{{role "system"}}
You summarise: keep "quotes", back\\slashes, # hashes and — dashes.
  Indented line.

{{>tone}}
{{role "user"}}
{{ ticket }}
`;

const RICH = `---
model: anthropic/claude-haiku
input: { schema: { ticket: string, locale?: string, "items(array)": any }, default: { locale: "en", count: 3 } }
output: { format: json, schema: { type: object, properties: { summary: { type: string } } } }
plumbline.use_case: rich.prompt
plumbline.owner: lee
plumbline.attributes: { mentions_amount: "regex:\\\\$\\\\s?\\\\d" }
---
{{role "system"}}
{{#if locale}}Answer in {{locale}}.{{else}}Answer in the ticket's language.{{/if}}
{{#unless strict}}Be brief.{{/unless}}
{{#each items}}{{@index}}. {{title}} by {{author.name}}{{#each tags}} [{{this}}]{{/each}}
{{/each}}
{{role "user"}}
{{ticket}}
{{role "assistant"}}
Understood.
{{role "user"}}
Go on.
`;

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plumbline-interchange-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const project = () =>
  folder({
    "plumbline.config.yaml": "",
    "prompts/ticket-summary.prompt": SIMPLE,
    "prompts/_partials/tone.prompt": "Friendly, never chatty.",
    "prompts/rich.prompt": RICH,
    "evals/ticket-summary.jsonl": `${CASES}\n`,
  });

async function versionOf(root: string, file: string): Promise<string> {
  const partial = (name: string) => (name === "tone" ? "Friendly, never chatty." : null);
  const parsed = parsePrompt(await readFile(join(root, file), "utf8"), file, partial);
  if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
  return promptVersion(parsed.value.document);
}

interface Answer {
  readonly data: {
    readonly prompts: readonly { readonly use_case: string }[];
    readonly left_out: readonly { readonly file: string; readonly field: string }[];
  };
  readonly warnings: readonly string[];
  readonly error: unknown;
}

async function plumbline(directory: string, ...args: string[]) {
  const run = await runPlumbline([...args, "--json"], { directory });
  return { ...run, ...(JSON.parse(run.stdout) as Answer) };
}

test("through promptfoo: the same versions, the same cases, byte for byte", async () => {
  const root = await project();
  const exported = await plumbline(root, "export", "--to", "promptfoo", "--out", "out");
  expect(exported.exitCode).toBe(0);
  const back = await folder({ "plumbline.config.yaml": "" });
  for (const name of ["ticket-summary", "rich.prompt"]) {
    const imported = await plumbline(back, "import", "--from", "promptfoo", join(root, "out", name));
    expect(imported).toMatchObject({ exitCode: 0, data: { left_out: [] } });
  }
  expect(await versionOf(back, "prompts/ticket-summary.prompt")).toBe(
    await versionOf(root, "prompts/ticket-summary.prompt"),
  );
  expect(await versionOf(back, "prompts/rich.prompt.prompt")).toBe(
    await versionOf(root, "prompts/rich.prompt"),
  );
  const cases = await readFile(join(back, "evals/ticket-summary.jsonl"), "utf8");
  expect(cases).toBe(`${CASES}\n`);
  const file = await readFile(join(back, "prompts/ticket-summary.prompt"), "utf8");
  expect(file).toContain("plumbline.owner: team:support-platform");
  expect(file).toContain("plumbline.eval: evals/ticket-summary.jsonl");
});

test("through Langfuse: the same versions, history included", async () => {
  const root = await project();
  await writeFile(
    join(root, "prompts/chat.prompt"),
    '---\nmodel: openai/gpt-5-mini\n---\n{{role "system"}}\nHelp.\n{{history}}\n{{role "user"}}\n{{question}}\n',
  );
  await plumbline(root, "export", "--to", "langfuse", "--out", ".");
  const back = await folder({ "plumbline.config.yaml": "" });
  const imported = await plumbline(back, "import", "--from", "langfuse", join(root, "langfuse-prompts.json"));
  expect(imported).toMatchObject({ exitCode: 0, data: { left_out: [] } });
  for (const [there, here] of [
    ["chat", "chat"],
    ["rich.prompt", "rich"],
    ["ticket-summary", "ticket-summary"],
  ] as const) {
    expect(await versionOf(back, `prompts/${there}.prompt`)).toBe(
      await versionOf(root, `prompts/${here}.prompt`),
    );
  }
});

test("what the other tool has no place for is listed", async () => {
  const root = await project();
  const { warnings } = await plumbline(root, "export", "--to", "langfuse", "--out", "out", "rich.prompt");
  expect(warnings.join("\n")).toContain("rich.prompt: {{#if}}, {{#unless}} and {{#each}} stay as text");
  const promptfoo = await plumbline(root, "export", "--to", "promptfoo", "--out", "out");
  expect(promptfoo.warnings.join("\n")).toContain("rubric:NAME");
});

test("a Langfuse export of several versions gives the labelled one, and says what it left behind", async () => {
  const root = await folder({
    "plumbline.config.yaml": "",
    "prompts.json": JSON.stringify({
      data: [
        {
          name: "Ticket Summary",
          version: 1,
          type: "text",
          prompt: "Old {{ticket}}",
          config: {},
          labels: [],
        },
        {
          name: "Ticket Summary",
          version: 2,
          type: "chat",
          prompt: [
            { type: "chatmessage", role: "developer", content: "Summarise." },
            { type: "placeholder", name: "thread" },
            { type: "chatmessage", role: "user", content: "{{ticket}}" },
          ],
          config: { model: "gpt-4o-mini", temperature: 0 },
          labels: ["production"],
          tags: ["support"],
        },
        { name: "Ticket Summary", version: 3, type: "text", prompt: "New {{ticket}}", labels: ["latest"] },
        { name: "no model", version: 1, type: "text", prompt: "Hi {{name}}" },
        {
          name: "broken",
          version: 1,
          type: "text",
          prompt: "{{#with x}}",
          config: { model: "openai/gpt-5-mini" },
        },
      ],
    }),
  });
  const { exitCode, data, warnings } = await plumbline(root, "import", "--from", "langfuse", "prompts.json");
  expect(exitCode).toBe(3);
  expect(data.prompts).toMatchObject([{ use_case: "ticket-summary", file: "prompts/ticket-summary.prompt" }]);
  expect(data.left_out.map(({ file }) => file)).toEqual(["prompts/no-model.prompt", "prompts/broken.prompt"]);
  expect(warnings).toEqual(
    expect.arrayContaining([
      expect.stringContaining("version 2 was taken; 1, 3 left out"),
      expect.stringContaining("labels production"),
      expect.stringContaining("tags support"),
      expect.stringContaining("role developer became system"),
      expect.stringContaining("placeholder thread became {{history}}"),
      expect.stringContaining("gpt-4o-mini is taken for openai/gpt-4o-mini"),
    ]),
  );
  const file = await readFile(join(root, "prompts/ticket-summary.prompt"), "utf8");
  expect(file).toContain("model: openai/gpt-4o-mini");
  expect(file).toContain("  schema:\n    ticket: string");
  const parsed = parsePrompt(file, "prompts/ticket-summary.prompt");
  expect(parsed).toMatchObject({
    value: {
      document: {
        config: { temperature: 0 },
        messages: [
          { role: "system", content: "Summarise." },
          { role: "history" },
          { role: "user", content: "{{ticket}}" },
        ],
      },
    },
  });
});

test("somebody's promptfoo configuration becomes prompts and one eval set each, secrets left out", async () => {
  const root = await folder({
    "plumbline.config.yaml": "",
    "foo/promptfooconfig.yaml": `
prompts:
  - file://support.txt
  - label: Formal
    raw: "Formally: {{ ticket }}{% if locale %} in {{locale}}{% endif %}"
  - file://prompt.py
providers:
  - { id: "openai:chat:gpt-4o", config: { temperature: 0.1, apiKey: sk-secret } }
  - anthropic:messages:claude-haiku
defaultTest: { vars: { locale: en }, assert: [{ type: latency, threshold: 5000 }] }
tests:
  - vars: { ticket: file://one.txt }
    assert: [{ type: contains, value: "40" }]
  - file://more.yaml
sharing: true
`,
    "foo/support.txt": "Summarise {{ticket}}",
    "foo/one.txt": "Charged 40.",
    "foo/more.yaml": "- vars: { ticket: Two, locale: de }\n  assert: [{ type: rouge-n, value: Two }]\n",
  });
  const { exitCode, warnings, data } = await plumbline(root, "import", "--from", "promptfoo", "foo");
  expect(exitCode).toBe(3);
  expect(data.left_out).toMatchObject([{ field: "foo", message: expect.stringMatching(/prompt\.py/) }]);
  expect(data.prompts.map(({ use_case }) => use_case)).toEqual(["support", "formal"]);
  expect(warnings.join("\n")).toMatch(/sharing is not carried over/);
  expect(warnings.join("\n")).toMatch(/anthropic:messages:claude-haiku left out/);
  expect(warnings.join("\n")).toMatch(/rouge-n are kept/);
  const formal = await readFile(join(root, "prompts/formal.prompt"), "utf8");
  expect(formal).toContain("{{#if locale}} in {{locale}}{{/if}}");
  expect(formal).toContain("locale?: string");
  expect(formal).not.toContain("sk-secret");
  const cases = parseEvalSet(await readFile(join(root, "evals/formal.jsonl"), "utf8"), "evals/formal.jsonl");
  expect(cases).toMatchObject({
    value: {
      cases: [
        {
          vars: { ticket: "Charged 40.", locale: "en" },
          asserts: [{ type: "latency" }, { type: "contains" }],
        },
        { vars: { ticket: "Two", locale: "de" }, asserts: [{ type: "latency" }, { type: "rouge-n" }] },
      ],
    },
  });
});

test("nothing is overwritten without --force, and then nothing at all is written", async () => {
  const root = await folder({
    "plumbline.config.yaml": "",
    "prompts/b.prompt": "mine",
    "in.json": JSON.stringify(
      ["a", "b"].map((name) => ({ name, prompt: "Hi {{x}}", config: { model: "openai/gpt-5-mini" } })),
    ),
  });
  const refused = await plumbline(root, "import", "--from", "langfuse", "in.json");
  expect(refused).toMatchObject({
    exitCode: 6,
    error: { code: "file-exists", details: ["prompts/b.prompt"] },
  });
  await expect(readFile(join(root, "prompts/a.prompt"))).rejects.toThrow("ENOENT");
  expect(await readFile(join(root, "prompts/b.prompt"), "utf8")).toBe("mine");
  const forced = await plumbline(root, "import", "--from", "langfuse", "in.json", "--force");
  expect(forced).toMatchObject({
    exitCode: 0,
    data: { files: [{ outcome: "written" }, { outcome: "replaced" }] },
  });
  const again = await plumbline(root, "import", "--from", "langfuse", "in.json");
  expect(again).toMatchObject({
    exitCode: 0,
    data: { files: [{ outcome: "unchanged" }, { outcome: "unchanged" }] },
  });
});

test.each([
  [["import", "--from", "langfuse", "nowhere.json"], 4, "cannot be read"],
  [["import", "--from", "langfuse", "plumbline.config.yaml"], 3, "is not JSON"],
  [["import", "--from", "promptfoo", "plumbline.config.yaml"], 3, "no promptfoo configuration"],
  [["export", "--to", "langfuse", "--out", "x", "unknown"], 4, "no prompt of unknown"],
])("%j ends with exit code %d", async (args, exitCode, text) => {
  const root = await folder({ "plumbline.config.yaml": "" });
  const run = await plumbline(root, ...args);
  expect(run.exitCode).toBe(exitCode);
  expect(run.stderr).toContain(text);
});

test("an import reads nothing outside promptfoo's folder, by path or by link, unless told to", async () => {
  const root = await folder({
    "secret.txt": "the text of another file",
    "theirs/absolute.yaml": "prompts: [file://OUTSIDE/secret.txt]\nproviders: [openai:gpt-5-mini]\n",
    "theirs/above.yaml": "prompts: [file://../secret.txt]\nproviders: [openai:gpt-5-mini]\n",
    "theirs/link.yaml": "prompts: [file://link.txt]\nproviders: [openai:gpt-5-mini]\n",
    "theirs/tests.yaml":
      "prompts: ['{{text}}']\nproviders: [openai:gpt-5-mini]\ntests: [{ vars: { text: 'file://../secret.txt' } }]\n",
    "theirs/inside.yaml": "prompts: [file://inside.txt]\nproviders: [openai:gpt-5-mini]\n",
    "theirs/inside.txt": "a text of its own",
  });
  await symlink(join(root, "secret.txt"), join(root, "theirs", "link.txt"));
  const absolute = join(root, "theirs", "absolute.yaml");
  await writeFile(absolute, (await readFile(absolute, "utf8")).replace("OUTSIDE", root));

  for (const name of ["absolute", "above", "link", "tests"]) {
    const file = join("theirs", `${name}.yaml`);
    const run = await runPlumbline(["import", "--from", "promptfoo", file, "--dry-run"], { directory: root });
    expect(run).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("lies outside") });
    expect(`${run.stdout}${run.stderr}`).not.toContain("the text of another file");
    const trusted = await runPlumbline(["import", "--from", "promptfoo", file, "--dry-run", "--outside"], {
      directory: root,
    });
    expect(trusted.exitCode).toBe(0);
  }
  const own = ["import", "--from", "promptfoo", join("theirs", "inside.yaml"), "--dry-run"];
  expect((await runPlumbline(own, { directory: root })).exitCode).toBe(0);
});
