/** Kind: files of other tools. Through `plumbline import`, and read back as the project reads them. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parsePrompt, type PromptDocument, readYaml } from "@plumbline/prompts";
import { expect, onTestFinished, test } from "vitest";
import { runPlumbline } from "../../scenarios/tail-run.ts";
import { IMPORT_CASES } from "./cases.ts";

interface Answer {
  readonly data: {
    readonly left_out: readonly { readonly file: string; readonly field: string; readonly message: string }[];
  };
}

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "plumbline-imports-"));
  onTestFinished(() => rm(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

async function promptsOf(root: string): Promise<Readonly<Record<string, PromptDocument>>> {
  const files = await readdir(join(root, "prompts")).catch(() => []);
  const entries = await Promise.all(
    files.map(async (file) => {
      const parsed = parsePrompt(await readFile(join(root, "prompts", file), "utf8"), file);
      if (parsed.kind === "invalid") throw new Error(JSON.stringify(parsed.problems));
      return [parsed.value.document.use_case, parsed.value.document] as const;
    }),
  );
  return Object.fromEntries(entries);
}

test.each(IMPORT_CASES)("$given: $becomes", async ({ from, files, prompts, leftOut = [] }) => {
  const source = await folder(files);
  const root = await folder({ "plumbline.config.yaml": "" });
  const run = await runPlumbline(["import", "--from", from, join(source, Object.keys(files)[0]!), "--json"], {
    directory: root,
  });
  const { data } = JSON.parse(run.stdout) as Answer;
  expect(data.left_out.map(({ file, field, message }) => `${file} ${field}: ${message}`)).toEqual(
    leftOut.map((pattern) => expect.stringMatching(pattern) as unknown),
  );
  expect(run.exitCode).toBe(leftOut.length === 0 ? 0 : 3);
  const written = await promptsOf(root);
  expect(
    Object.fromEntries(
      Object.entries(written).map(([name, { messages }]) => [
        name,
        messages.map((message) =>
          message.role === "history" ? ["history"] : [message.role, message.content],
        ),
      ]),
    ),
  ).toEqual(prompts);
  for (const { config } of Object.values(written)) expect(config).not.toHaveProperty("<<");
});

test("merge keys are merged wherever YAML is read, and merges of merges stay small", () => {
  const read = readYaml("a: &a { x: 1, y: 2 }\nb: { <<: *a, y: 3 }\nc: { <<: [*a, { z: 4 }] }\n", "f.yaml");
  expect(read).toMatchObject({ value: { value: { b: { x: 1, y: 3 }, c: { x: 1, y: 2, z: 4 } } } });
  expect(readYaml("a: &a 1\nb: { <<: *a }\n", "f.yaml")).toMatchObject({
    problems: [{ field: "<<", message: "merges something that is no map" }],
  });
  const bomb = Array.from({ length: 30 }, (_, i) =>
    i === 0 ? "a0: &a0 { x: 1 }" : `a${i}: &a${i} { <<: [*a${i - 1}, *a${i - 1}] }`,
  );
  expect(readYaml(bomb.join("\n"), "f.yaml")).toMatchObject({ problems: [{ field: "<<" }] });
});
