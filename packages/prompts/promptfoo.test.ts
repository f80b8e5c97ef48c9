import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { promptfooPrompt } from "./promptfoo.ts";

async function promptFile(template: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-promptfoo-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "_partials"));
  await writeFile(join(folder, "_partials", "tone.prompt"), "Be kind.");
  const file = join(folder, "ticket-summary.prompt");
  await writeFile(file, `---\nmodel: openai/gpt-5-mini\nconfig: { temperature: 0 }\n---\n${template}\n`);
  return file;
}

test("a case's variables fill the file's messages, partials in place, with the file's settings", async () => {
  const file = await promptFile('{{role "system"}}\n{{>tone}}\n{{role "user"}}\n{{ticket}}');
  const expected = {
    prompt: [
      { role: "system", content: "Be kind." },
      { role: "user", content: "{{braces}} stay" },
    ],
    config: { temperature: 0 },
  };
  expect(promptfooPrompt(file)({ vars: { ticket: "{{braces}} stay" } })).toEqual(expected);
  expect(promptfooPrompt(pathToFileURL(file))({ vars: { ticket: "{{braces}} stay" } })).toEqual(expected);
});

test("a broken file fails when it is loaded, a missing variable when its case runs", async () => {
  const broken = await promptFile("{{>absent}}");
  expect(() => promptfooPrompt(broken)).toThrow("there is no partial absent");
  const prompt = promptfooPrompt(await promptFile("{{ticket}}"));
  expect(() => prompt({ vars: {} })).toThrow("ticket");
});
