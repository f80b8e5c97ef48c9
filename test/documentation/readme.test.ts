/** What documents say about the repository is so: the commands of the command line, and the files they point to. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runPlumbline } from "../scenarios/tail-run.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("the README's table has every command of the command line, in its order and words", async () => {
  const { stdout } = await runPlumbline(["--help"]);
  const ofProgram = [...stdout.matchAll(/^ {2}([a-z][a-z-]*)(?: [[<].*?[\]>])* {2,}(\S.*)$/gm)]
    .map(([, name, summary]) => `| \`${name}\` | ${summary} |`)
    .filter((row) => !row.startsWith("| `help`"));
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const table = readme.slice(readme.indexOf("| Command | What it does |")).split("\n\n")[0]!;
  expect(ofProgram.length).toBeGreaterThan(10);
  expect(table.split("\n").slice(2)).toEqual(ofProgram);
});

test("every file that a document links to or cites by its path exists", () => {
  const documents = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "README.md", "docs/**/*.md"],
    { cwd: ROOT, encoding: "utf8" },
  )
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(ROOT, path)));
  const pointers = documents.flatMap((document) => {
    const text = readFileSync(join(ROOT, document), "utf8");
    const links = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map((match) => ({
      document,
      path: join(dirname(document), match[1]!),
    }));
    const folders = /`((?:alerts|docs|examples|packages|schemas|services|test)\/[\w./-]+)`/g;
    const cited = [...text.matchAll(folders)].map((match) => ({ document, path: match[1]! }));
    return [...links, ...cited];
  });
  expect(documents).toContain("README.md");
  expect(pointers.length).toBeGreaterThan(20);
  expect(pointers.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
});
