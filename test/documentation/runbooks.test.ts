/** The commands that runbooks print exist, with the options that they are given. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runbooksDir } from "@plumbline/alerts";
import { expect, test } from "vitest";
import { runPlumbline } from "../scenarios/tail-run.ts";

const COMMAND = /npx @plumbline\/cli ([^`\n]+)/g;
const pages = readdirSync(runbooksDir()).map((name) => ({
  name,
  text: readFileSync(join(runbooksDir(), name), "utf8"),
}));
const commands = [
  ...new Set(pages.flatMap(({ text }) => [...text.matchAll(COMMAND)].map(([, words]) => words!.trim()))),
];

test("runbooks print commands", () => {
  expect(pages.length).toBeGreaterThan(9);
  expect(commands.length).toBeGreaterThan(10);
});

test("a runbook names only commands and options that there are, and what it links to exists", async () => {
  const helps = new Map<string, string>();
  for (const command of commands) {
    const [, path] = /^((?:policy |config )?[a-z-]+)/.exec(command)!;
    if (!helps.has(path!)) {
      const { stdout, exitCode } = await runPlumbline([...path!.split(" "), "--help"]);
      expect(exitCode, command).toBe(0);
      helps.set(path!, stdout);
    }
    for (const [option] of command.matchAll(/--[a-z-]+/g))
      expect(helps.get(path!), command).toContain(option);
  }
  const names = new Set(pages.map(({ name }) => name));
  for (const { text } of pages) {
    for (const [, target] of text.matchAll(/\]\(([^)]+)\)/g)) expect(names, target).toContain(target);
  }
});
