/** `plumbline drill` through a real application: its own process, client, policy and HTTP; only the provider is scripted. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import type { DrillFinding } from "@plumbline/schemas";
import { expect, onTestFinished, test } from "vitest";
import { envelope, startDeployProject, type DeployProject } from "./cli-deploy-project.ts";
import { runPlumbline, type Run } from "./tail-run.ts";

const APPLICATION = fileURLToPath(new URL("drill-application.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");
const POLICY = `use_case: ticket-summary
deadline_ms: 4000
attempt_timeout_ms: 700
retry: { max: 1, base_ms: 20, max_ms: 50 }
fallback_models: [{ model: openai/gpt-5-nano }]
on_invalid_output: [retry, fallback_model, template]
template: { text: "We could not summarise this ticket; here it is as it came." }
`;

interface World extends DeployProject {
  readonly drill: (flags: readonly string[], application?: readonly string[]) => Promise<Run>;
  readonly later: (days: number, ...args: readonly string[]) => Promise<Run>;
}

async function createWorld(policy = POLICY): Promise<World> {
  const project = await startDeployProject();
  const state = await mkdtemp(join(tmpdir(), "plumbline-drill-"));
  onTestFinished(() => rm(state, { recursive: true }));
  await project.plumbline("init");
  await writeFile(join(project.dir, "policies/ticket-summary.yaml"), policy);
  await project.admit(1, null);
  await project.plumbline("promote", "ticket-summary", "v1", "--yes");
  const environment = {
    PATH: process.env["PATH"],
    PLUMBLINE_REGISTRY_URL: project.url,
    STATE_DIR: state,
  };
  const application = [process.execPath, "--conditions=source", "--import", TSX, APPLICATION];
  const at = (days: number) => ({ ...systemClock, now: () => systemClock.now() + days * 86_400_000 });
  return {
    ...project,
    drill: (flags, more = []) =>
      runPlumbline(["drill", "ticket-summary", ...flags, "--", ...application, ...more], {
        directory: project.dir,
        environment,
      }),
    later: (days, ...args) => runPlumbline(args, { directory: project.dir, environment, clock: at(days) }),
  };
}

function findingsOf(run: Run): readonly (readonly [string, string, string | null, boolean])[] {
  const { findings } = envelope(run).data as { findings: DrillFinding[] };
  return findings.map(({ branch, scope, path, passed }) => [branch, scope, path, passed]);
}

test("every failure ends at the rung that the policy names, and the evidence is kept and grows old", async () => {
  const world = await createWorld();
  const before = await world.plumbline("status");
  expect(before.stdout).toContain("ticket-summary in production: its policy was never rehearsed");

  const rule = "policies/ticket-summary.yaml  warning  policy-drill  ticket-summary in production:";
  const never = await world.plumbline("lint");
  expect([never.exitCode, never.stdout]).toEqual([
    0,
    expect.stringContaining(`${rule} its policy was never rehearsed. Run plumbline drill ticket-summary`),
  ]);

  const files = ["--markdown", "drill.md", "--junit", "drill.xml", "--out", "drill.json"];
  const run = await world.drill(["--all", "--json", ...files]);
  expect(findingsOf(run)).toEqual([
    ["healthy", "primary", "primary", true],
    ["timeout", "primary", "fallback_model", true],
    ["timeout", "every_model", "template", true],
    ["rate_limited", "primary", "fallback_model", true],
    ["rate_limited", "every_model", "template", true],
    ["server_error", "primary", "fallback_model", true],
    ["server_error", "every_model", "template", true],
    ["invalid_output", "primary", "fallback_model", true],
    ["invalid_output", "every_model", "template", true],
    ["breaker_open", "primary", "fallback_model", true],
    ["breaker_open", "every_model", "template", true],
    ["registry_down", "primary", "primary", true],
    ["collector_down", "primary", null, true],
  ]);
  expect(run.exitCode).toBe(0);

  const read = (file: string): Promise<string> => readFile(join(world.dir, file), "utf8");
  expect(await read("drill.md")).toMatch(/^## ✅ Drill passed: `ticket-summary`\n\nanswers within 4000 ms/);
  expect(await read("drill.xml")).toContain('tests="13" failures="0"');
  expect(JSON.parse(await read("drill.json"))).toMatchObject({ use_case: "ticket-summary" });

  expect((await world.plumbline("status")).stdout).not.toContain("drill ");
  expect((await world.later(31, "status")).stdout).toContain("its newest drill is from 31 d ago");
  expect((await world.plumbline("lint")).stdout).not.toContain("policy-drill");
  expect((await world.later(31, "lint")).stdout).toContain(`${rule} its newest drill is from 31 d ago`);
  await writeFile(join(world.dir, "policies/ticket-summary.yaml"), POLICY.replace("max: 1", "max: 0"));
  world.commit();
  await world.plumbline("push");
  expect((await world.plumbline("status")).stdout).toContain("its policy changed since its drill");
}, 240_000);

test("what does not degrade as the policy says fails the drill with 10, and says what to mend", async () => {
  const world = await createWorld(POLICY.replace("attempt_timeout_ms: 700", "attempt_timeout_ms: 3000"));
  const retries = await world.drill(["--branch", "server_error", "--no-record"], ["--stubborn"]);
  expect(retries.exitCode).toBe(10);
  expect(retries.stdout).toContain("give the SDK maxRetries: 0");
  expect((await world.plumbline("status")).stdout).toContain("its policy was never rehearsed");

  // The first request may take three of the policy's four seconds: the fallback model keeps its share of them.
  const hangs = await world.drill(["--branch", "timeout", "--json"]);
  expect(findingsOf(hangs)).toEqual([["timeout", "primary", "fallback_model", true]]);

  const failed = await world.drill(["--branch", "server_error"], ["--stubborn"]);
  expect(failed.exitCode).toBe(10);
  expect((await world.plumbline("status")).stdout).toContain("its drill failed");
}, 240_000);

test("without a registry lint says nothing of drills, and one that does not answer fails no lint", async () => {
  const world = await createWorld();
  const lint = (environment: Readonly<Record<string, string>>): Promise<Run> =>
    runPlumbline(["lint", "--json"], { directory: world.dir, environment });
  const offline = await lint({});
  expect(envelope(offline)).toMatchObject({ ok: true, data: { findings: [] }, warnings: [] });
  const deaf = await lint({ PLUMBLINE_REGISTRY_URL: "http://127.0.0.1:1" });
  expect(envelope(deaf)).toMatchObject({
    ok: true,
    data: { findings: [] },
    warnings: [expect.stringMatching(/^Whether policies were rehearsed is not known: The registry at/)],
  });
}, 60_000);

test("an application that speaks to none of the addresses is told so, and a command that is none is a mistake", async () => {
  const world = await createWorld();
  const drill = (...rest: readonly string[]): Promise<Run> =>
    world.plumbline("drill", "ticket-summary", "--branch", "healthy", "--no-record", ...rest);
  const deaf = await drill("--", process.execPath, "-e", "0");
  expect([deaf.exitCode, deaf.stdout]).toEqual([10, expect.stringContaining("does the application read")]);
  expect((await drill("--", "no-such-program-here")).exitCode).toBe(2);
  const [none, other] = [await drill(), await world.plumbline("drill", "other", "--", "true")];
  expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining("after two dashes")]);
  expect([other.exitCode, other.stderr]).toEqual([3, expect.stringContaining("no prompt of other")]);
}, 120_000);
