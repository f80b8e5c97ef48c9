import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { invocationOf, withInvocation, withInvocationOfHints } from "./invocation.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-bin-"));
afterAll(() => rmSync(folder, { recursive: true }));
const onPath = join(folder, "plumbline");
writeFileSync(onPath, "", { mode: 0o755 });

test.each([
  {
    how: "the script of a checkout",
    environment: { npm_lifecycle_event: "plumbline", npm_command: "run-script" },
    argv: ["node", "/checkout/packages/cli/main.ts"],
    is: "npm run -s plumbline --",
  },
  {
    how: "npx",
    environment: { npm_command: "exec" },
    argv: ["node", "/root/.npm/_npx/1/node_modules/.bin/plumbline"],
    is: "npx @plumbline/cli",
  },
  {
    how: "something that npx started",
    environment: { npm_command: "exec" },
    argv: ["node", "/project/packages/cli/main.ts"],
    is: "node packages/cli/main.ts",
  },
  { how: "its name", environment: { PATH: `/nowhere:${folder}` }, argv: ["node", onPath], is: "plumbline" },
  {
    how: "a path that PATH does not have",
    environment: { PATH: "/nowhere" },
    argv: ["node", "/project/node_modules/.bin/plumbline"],
    is: "node_modules/.bin/plumbline",
  },
  {
    how: "node, with options",
    environment: {},
    execArgv: ["--env-file=/home/a b/all.env"],
    argv: ["node", "/project/packages/cli/dist/main.js"],
    is: "node '--env-file=/home/a b/all.env' packages/cli/dist/main.js",
  },
  {
    how: "node, from elsewhere",
    environment: {},
    argv: ["node", "/opt/plumbline/packages/cli/dist/main.js"],
    is: "node /opt/plumbline/packages/cli/dist/main.js",
  },
])("started by $how", ({ environment, argv, execArgv = [], is }) => {
  expect(invocationOf({ environment, argv, execArgv, directory: "/project" })).toBe(is);
});

const ADVISED = {
  invocation: "npm run -s plumbline --",
  commands: new Map([
    ["push", " --project 'my shop'"],
    ["eval", ""],
    ["dead-letters", ""],
  ]),
};

test("commands are named as they were started, with the flags that say where, and nothing else is changed", () => {
  const text =
    "Next: plumbline push; then plumbline eval a (@plumbline/cli push, plumbline serves, no-plumbline eval, plumbline dead-letters)";
  expect(withInvocation(text, ADVISED)).toBe(
    "Next: npm run -s plumbline -- push --project 'my shop'; then npm run -s plumbline -- eval a (@plumbline/cli push, plumbline serves, no-plumbline eval, npm run -s plumbline -- dead-letters)",
  );
});

test("in what may be data, only the lines that say what comes next are changed", () => {
  const text = "+ run plumbline eval\n  next: plumbline eval a\nNext: plumbline push";
  expect(withInvocationOfHints(text, ADVISED)).toBe(
    "+ run plumbline eval\n  next: npm run -s plumbline -- eval a\nNext: npm run -s plumbline -- push --project 'my shop'",
  );
});

test("what a checkout's script advises, can be pasted", async () => {
  const shop = join(folder, "my shop");
  const run = promisify(execFile);
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const started = await run("npm", ["run", "-s", "plumbline", "--", "init", shop, "--yes"], { cwd: root });
  const advice = `${started.stdout}${started.stderr}`.match(/npm run -s plumbline -- lint .*/)?.[0];
  const pasted = await run("sh", ["-c", `${advice} 2>&1`], { cwd: root });
  expect(pasted.stdout).toMatch(/no findings/);
});
