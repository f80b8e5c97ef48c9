/**
 * The tests pass on a machine that is busy with something else: none asserts how fast something is, none gives what must
 * happen a second, none needs a port of its own.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** What is waited for has at least this long, ms. */
const PATIENCE_MS = 60_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["alerts", "bench", "infra", "packages", "services", "test"];
const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
).filter(
  (path) =>
    path.endsWith(".test.ts") &&
    !/(?:^|\/)(?:node_modules|dist)\//.test(path) &&
    path !== "test/timing.test.ts",
);

/** What a rule finds in the text of a test. */
const RULES: Readonly<Record<string, (text: string) => readonly string[]>> = {
  "asserts an upper bound of elapsed time": (text) =>
    matches(
      text,
      /expect\([^;]*?(?:performance\.now|Date\.now|elapsed|seconds\b)[^;]*?\)\s*\.toBeLess[^;]*;/g,
    ),
  "waits for something for less than a minute": (text) =>
    waits(text).filter((call) => {
      const limit = /timeout: ([\d_]+)/.exec(call) ?? /,\s*([\d_]+),?\s*\)$/.exec(call);
      if (limit !== null) return Number(limit[1]!.replaceAll("_", "")) < PATIENCE_MS;
      // The default of `expect.poll` is this repository's, a minute; that of `vi.waitFor` is a second.
      return call.startsWith("vi.wait") && !/,\s*[A-Z_]+,?\s*\)$/.test(call);
    }),
  "names a set of options that wait for less than a minute": (text) =>
    [...text.matchAll(/^const [A-Z_]+ = \{ timeout: ([\d_]+)/gm)]
      .filter((match) => Number(match[1]!.replaceAll("_", "")) < PATIENCE_MS)
      .map(([line]) => line),
  "listens at a port that something else may hold": (text) => matches(text, /\.listen\(\s*[1-9]\d*[,)]/g),
};

test("there are tests to look at", () => {
  expect(files.length).toBeGreaterThan(150);
});

test.each(Object.keys(RULES))("no test %s", (rule) => {
  const found = files.flatMap((path) =>
    RULES[rule]!(readFileSync(join(root, path), "utf8")).map((where) => `${path}: ${where}`),
  );
  expect(found).toEqual([]);
});

test.each([
  ["asserts an upper bound of elapsed time", "expect(performance.now() - started).toBeLessThan(3000);"],
  ["waits for something for less than a minute", "vi.waitFor(() => expect(a).toBe(1))"],
  ["waits for something for less than a minute", "expect.poll(() => a, { timeout: 900 })"],
  ["names a set of options that wait for less than a minute", "const WAIT = { timeout: 10_000 };"],
  ["listens at a port that something else may hold", "server.listen(4319, resolve)"],
])("a test that %s is found", (rule, text) => {
  expect(RULES[rule]!(text)).toHaveLength(1);
});

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([found]) => found);
}

/** Every call that waits, to its closing bracket. */
function waits(text: string): string[] {
  return [...text.matchAll(/\bvi\.wait(?:For|Until)\(|\.poll\(/g)].map(({ index }) => {
    let depth = 0;
    for (let at = text.indexOf("(", index); at < text.length; at++) {
      if (text[at] === "(") depth += 1;
      if (text[at] === ")") depth -= 1;
      if (depth === 0) return text.slice(index, at + 1);
    }
    throw new Error(`no end of a call at character ${index}`);
  });
}
