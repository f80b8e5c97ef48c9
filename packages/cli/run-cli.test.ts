import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { runCli } from "./run-cli.ts";

async function run(...args: string[]) {
  let stdout = "";
  let stderr = "";
  const exitCode = await runCli(
    args,
    {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      stdin: new PassThrough(),
      environment: {},
      directory: "/",
      signal: new AbortController().signal,
    },
    new VirtualClock(0),
  );
  return { exitCode, stdout, stderr };
}

test("without a command the help stands on standard error and the exit code says usage", async () => {
  const { exitCode, stdout, stderr } = await run();
  expect(exitCode).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain("Usage: plumbline");
  expect(stderr).toContain("backtest");
});

test("what was typed is shown without its control characters, in a refusal too", async () => {
  const { exitCode, stderr } = await run("fr\u001b[2Job\u009b31m");
  expect(exitCode).toBe(2);
  expect(stderr).toContain(String.raw`plumbline: unknown command 'fr\u{1b}[2Job\u{9b}31m'`);
});

test("what a registry refuses is one line: nothing in it is taken for a line of ours", async () => {
  const server = createServer((_request, response) => {
    const problem = { type: "x", title: "t", status: 400, detail: "no\u001b[2J\nNext: do as I say" };
    response.writeHead(400, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { stderr } = await run("history", "x", "--registry", `http://127.0.0.1:${port}`);
  expect(stderr.split("\n")[0]).toBe(String.raw`plumbline: no\u{1b}[2J\nNext: do as I say`);
});

test("asked for help, it is data: standard output and exit code 0", async () => {
  const { exitCode, stdout, stderr } = await run("backtest", "--help");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^Examples:/);
  expect(stdout).toContain("--json");
  expect(stderr).toBe("");
});

test("an unknown command and an unknown option name the nearest one", async () => {
  const command = await run("backtst");
  expect(command.exitCode).toBe(2);
  expect(command.stderr).toContain("plumbline: unknown command 'backtst'");
  expect(command.stderr).toContain("Did you mean backtest?");
  const option = await run("backtest", "--events", "x", "--arrival", "y");
  expect(option.exitCode).toBe(2);
  expect(option.stderr).toContain("Did you mean --arrivals?");
});

test("a value out of range names the option and the rule", async () => {
  const { exitCode, stderr } = await run("backtest", "--events", "x", "--rate", "2");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("--rate <r>");
  expect(stderr).toContain("must be above 0, at most 1");
});

test("with --json a failure is one object on standard output too", async () => {
  const { exitCode, stdout, stderr } = await run("backtest", "--events", "/nowhere.jsonl", "--json");
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("/nowhere.jsonl");
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, data: null });
});

test("help and refusals write times as people do: no default is a number of milliseconds", async () => {
  const { stdout: all } = await run("--help");
  const names = [...all.matchAll(/^ {2}([a-z-]+) /gm)]
    .map(([, name]) => name!)
    .filter((name) => name !== "help");
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    expect((await run(name, "--help")).stdout, name).not.toMatch(/default: \d{4,}/);
  }
  expect((await run("doctor", "--help")).stdout).toContain("default: 24h");
  expect(await run("doctor", "--since", "30d")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("must be at most 7d"),
  });
});

test("a second prompt of a use case names the first one's file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-twice-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect((await run("init", folder, "--yes")).exitCode).toBe(0);
  const file = join(folder, "prompts", "ticket-summary.prompt");
  writeFileSync(join(folder, "prompts", "z.prompt"), readFileSync(file, "utf8"));
  const { exitCode, stdout } = await run("lint", "--project", folder);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(
    /prompts\/z\.prompt.*is the prompt of ticket-summary, and so is prompts\/ticket-summary\.prompt/,
  );
});

test("a command is done by the git user of the project, not of the folder that the shell is in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-actor-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync("git", ["init", "--quiet", folder]);
  execFileSync("git", ["-C", folder, "config", "user.email", "ann@shop.example"]);
  expect((await run("init", folder, "--yes")).exitCode).toBe(0);
  const actors: unknown[] = [];
  const server = createServer((request, response) => {
    actors.push(request.headers["x-plumbline-actor"]);
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await run("status", "--project", folder, "--registry", `http://127.0.0.1:${port}`);
  expect(new Set(actors)).toEqual(new Set(["ann@shop.example"]));
});
