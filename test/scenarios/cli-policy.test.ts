/** `plumbline policy`: a person stops automation and switches models, and what is live says so. */
import { expect, test } from "vitest";
import { envelope, startDeployProject } from "./cli-deploy-project.ts";

const MODEL = "openai/gpt-5-mini";

test("pause, resume, off and on are done once each, named with who and why, and reach applications", async () => {
  const project = await startDeployProject();
  await project.plumbline("init");
  await project.admit(1, null);
  await project.plumbline("promote", "ticket-summary", "v1", "--yes");
  const switchedOff = async (): Promise<unknown> => {
    const answer = await fetch(`${project.url}/v1/live?use_cases=ticket-summary`);
    return ((await answer.json()) as { switched_off: unknown }).switched_off;
  };
  expect(await switchedOff()).toEqual([]);

  const reason = ["--reason", "a game day"];
  const off = await project.plumbline("policy", "off", MODEL, ...reason);
  expect([off.exitCode, off.stdout]).toEqual([0, `${MODEL} is off in production\n`]);
  expect(await switchedOff()).toEqual([MODEL]);
  const again = await project.plumbline("policy", "off", MODEL, ...reason);
  expect(again.stdout).toBe(`${MODEL} is off in production already\n`);
  await project.plumbline("policy", "pause", ...reason);

  const { stdout } = await project.plumbline("policy", "status");
  expect(stdout).toMatch(/^automation {3}is paused in production .* by ann@example\.com: a game day$/m);
  expect(stdout).toMatch(/^model {8}openai\/gpt-5-mini is off .* by ann@example\.com: a game day$/m);

  await project.plumbline("policy", "resume", ...reason);
  await project.plumbline("policy", "on", MODEL, ...reason);
  expect(await switchedOff()).toEqual([]);
  const status = envelope(await project.plumbline("policy", "status", "--json"));
  expect(status.data["fleet"]).toMatchObject({
    paused: null,
    models_off: [],
    changes: [{ state: "on" }, { state: "running" }, { state: "paused" }, { state: "off" }],
  });
});

test("what automation commands while it is paused is refused, and says how to resume", async () => {
  const project = await startDeployProject();
  await project.plumbline("policy", "pause", "--reason", "a game day", "--env", "staging");
  const evidence = {
    window_ms: 60_000,
    attempts: 40,
    failures: 40,
    failure_rate: [0.8, 1],
    emitters: 2,
    emitters_failing: 2,
  };
  const response = await fetch(`${project.url}/v1/fleets/staging/models`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "policy" },
    body: JSON.stringify({ model: MODEL, state: "off", reason: "it fails", evidence }),
  });
  expect([response.status, await response.json()]).toEqual([
    409,
    expect.objectContaining({
      type: "urn:plumbline:automation-paused",
      detail: expect.stringContaining("Resume it: plumbline policy resume --env staging"),
    }),
  ]);
});

test.each([
  [
    ["policy", "off", "gpt 5", "--reason", "r"],
    "is no model. Write it as policies do, such as openai/gpt-5-mini",
  ],
  [["policy", "pause", "--reason", " "], "--reason must say why"],
])("%j is a mistake of the command line", async (args, message) => {
  const project = await startDeployProject();
  const run = await project.plumbline(...args);
  expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining(message)]);
});
