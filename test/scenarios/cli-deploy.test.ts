/** A prompt's way to production and back by the command line, over a real registry and a real git repository. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { contentHash } from "@plumbline/prompts";
import { expect, test } from "vitest";
import { runCli } from "../../packages/cli/run-cli.ts";
import { ANN, envelope, PROMPT, startDeployProject } from "./cli-deploy-project.ts";

test("init writes a project that lint has nothing to say about, and never overwrites", async () => {
  const { plumbline, edit } = await startDeployProject();
  const first = await plumbline("init");
  expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`wrote  ${PROMPT}`) as string });

  const lint = await plumbline("lint", "--json");
  expect(lint.exitCode).toBe(0);
  expect(envelope(lint)).toMatchObject({ ok: true, data: { findings: [], files: 5 }, error: null });

  await edit(PROMPT, (text) => text.replace("0.2", "0.7"));
  const second = await plumbline("init", "--use-case", "ticket-summary", "--json");
  expect(envelope(second).data).toMatchObject({
    written: [],
    kept: expect.arrayContaining([PROMPT]) as string[],
  });
  expect((await plumbline("lint", PROMPT)).stderr).toContain("1 file, no findings");
});

test("beside prompts that exist, such as imported ones, init writes no example", async () => {
  const { plumbline, dir } = await startDeployProject();
  await mkdir(join(dir, "prompts"));
  await writeFile(join(dir, "prompts/greeting.prompt"), "---\nmodel: openai/gpt-5-mini\n---\nSay hello.\n");
  const { data } = envelope(await plumbline("init", "--json"));
  expect(data).toMatchObject({
    use_case: "greeting",
    written: ["plumbline.config.yaml", ".github/workflows/plumbline.yml", ".gitignore"],
    kept: [],
  });
  const lint = await plumbline("lint");
  expect(lint.exitCode).toBe(3);
  expect(lint.stdout).toContain("nobody owns this prompt");
});

test("lint names file, line, rule and what to do, and refuses with 3", async () => {
  const { plumbline, edit, dir } = await startDeployProject();
  await plumbline("init");
  await edit(PROMPT, (text) => text.replace("{{ticket}}", "{{tickt}}"));
  await edit("plumbline.config.yaml", (text) => text.replace(/ {2}cadence.*\n/, ""));
  await edit("evals/ticket-summary.jsonl", (text) => text.replace('"vars":{"ticket"', '"vars":{"text"'));
  await writeFile(join(dir, "policies/other.yaml"), "use_case: other\n");

  const text = await plumbline("lint");
  expect(text.exitCode).toBe(3);
  expect(text.stdout).toContain(
    `${PROMPT}:13  error  undeclared-variable  {{tickt}} is not in input.schema.`,
  );
  expect(text.stderr).toContain("3 errors, 2 warnings");

  const json = await plumbline("lint", "--json");
  expect(json.exitCode).toBe(3);
  expect(envelope(json).ok).toBe(false);
  expect(
    (envelope(json).data["findings"] as { rule: string; file: string; line: number }[]).map(place),
  ).toEqual([
    "eval-vars evals/ticket-summary.jsonl:1",
    "eval-cadence plumbline.config.yaml:0",
    "unused-file policies/other.yaml:0",
    "unused-variable prompts/ticket-summary.prompt:4",
    "undeclared-variable prompts/ticket-summary.prompt:13",
  ]);
  expect((await plumbline("lint", "prompts/ticket-sumary.prompt")).exitCode).toBe(4);
});

function place({ rule, file, line }: { rule: string; file: string; line: number }): string {
  return `${rule} ${file}:${line}`;
}

test("push refuses what is not committed or wrong, tells who wrote it, and does nothing twice", async () => {
  const { plumbline, asBob, edit, commit, url } = await startDeployProject();
  await plumbline("init");
  const dirty = await plumbline("push", "--json");
  expect(dirty.exitCode).toBe(4);
  expect(envelope(dirty)).toMatchObject({ ok: false, error: { code: "not-committed" } });
  expect(dirty.stderr).toContain(`  ${PROMPT}`);
  commit();

  const dry = await plumbline("push", "--dry-run", "--json");
  expect(envelope(dry).data).toMatchObject({ is_dry_run: true, pushed: [{ is_new: true, number: null }] });
  expect((await plumbline("status", "--json")).stdout).toContain('"use_cases":[]');

  // Whoever pushes, git says who wrote it.
  const pushed = await asBob("push");
  expect(pushed).toMatchObject({ exitCode: 0, stderr: "" });
  expect(pushed.stdout).toMatch(
    /^ticket-summary {2}v1 {2}(ticket-summary@[0-9a-f]{12}) {2}new version; policy of production changed\n {2}next: plumbline eval \1\n$/,
  );
  const version = (await (await fetch(`${url}/v1/use-cases/ticket-summary/versions/v1`)).json()) as object;
  expect(version).toMatchObject({
    author: ANN,
    registered: { actor: "bob@example.com" },
    commit: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
  });
  expect((await plumbline("push")).stdout).toContain("unchanged");

  await edit("plumbline.config.yaml", (text) => text.replace("margin: 0.02", "margin: 0.03"));
  const settings = await plumbline("push", "--allow-dirty", "--json");
  expect(envelope(settings).data["pushed"]).toMatchObject([
    { is_new: false, number: 1, changed_settings: ["gate"], changed_policies: [] },
  ]);

  await edit(PROMPT, (text) => text.replace("plumbline.owner", "plumbline.ownr"));
  const wrong = await plumbline("push", "--allow-dirty", "--json");
  expect(wrong.exitCode).toBe(3);
  expect(envelope(wrong).error).toMatchObject({ code: "lint" });
});

test("a version is approved by somebody else, passes the gate, goes live, and is rolled back", async () => {
  const { plumbline, asBob, commit, evaluate, admit } = await startDeployProject();
  await plumbline("init");
  commit();
  await plumbline("push");

  const own = await plumbline("approve", "ticket-summary", "v1");
  expect(own.exitCode).toBe(6);
  expect(own.stderr).toContain(`${ANN} wrote or pushed v1 and can't approve it.`);
  expect(own.stderr).toContain("Next: a colleague runs: plumbline approve ticket-summary v1");

  const refused = await plumbline("promote", "ticket-summary", "v1", "--yes", "--json");
  expect(refused.exitCode).toBe(10);
  expect(envelope(refused).error).toMatchObject({
    code: "gate-refused",
    details: [
      { code: "eval_missing", message: expect.stringContaining("plumbline eval") as string },
      { code: "approval_missing", message: expect.stringContaining("approve ticket-summary v1") as string },
    ],
  });

  await evaluate("v1", null);
  expect((await asBob("approve", "ticket-summary", "v1")).exitCode).toBe(0);
  const unconfirmed = await plumbline("promote", "ticket-summary", "v1");
  expect(unconfirmed).toMatchObject({ exitCode: 6, stderr: expect.stringContaining("--yes") as string });
  expect(await plumbline("promote", "ticket-summary", "v1", "--yes")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("live in production for everybody") as string,
  });

  await admit(2, "v1");
  const promoted = await plumbline("promote", "ticket-summary", "v2", "--yes", "--json");
  expect(envelope(promoted).data).toMatchObject({
    changed: true,
    revision: 3,
    reverse: 'plumbline rollback ticket-summary --env production --to v1 --reason "…"',
  });
  const rolledBack = await plumbline(
    "rollback",
    "ticket-summary",
    "--reason",
    "loses amounts",
    "--yes",
    "--no-wait",
  );
  expect(rolledBack.exitCode).toBe(0);
  expect(rolledBack.stdout).toMatch(/v1 {2}ticket-summary@[0-9a-f]{12} {2}live in production instead of v2/);
  expect(rolledBack.stderr).toContain("Reverse: plumbline promote ticket-summary v2");

  const status = await plumbline("status");
  expect(status.stdout).toMatch(/ticket-summary {2}production {2}v1 {4}100%/);
  expect(status.stdout).toMatch(/quarantined {2}ticket-summary v2 .*: loses amounts/);
  const history = await plumbline("history", "ticket-summary", "--json");
  const entries = envelope(history).data["entries"] as { type: string; outcome: { kind: string } }[];
  expect(entries.map(({ type, outcome }) => `${outcome.kind} ${type}`).slice(0, 2)).toEqual([
    "accepted rolled_back",
    "accepted promoted",
  ]);
  expect((await plumbline("history", "ticket-summary", "--limit", "1")).stdout).toContain(
    "rolled back v2, v1 is live",
  );

  const again = await plumbline("promote", "ticket-summary", "v2", "--yes", "--bypass-reason", "hot fix");
  expect(again.exitCode).toBe(0);
  expect(again.stderr).toContain("warning: overridden: quarantined");
  expect((await plumbline("status")).stdout).toContain("hot fix (quarantined)");
});

test("what somebody else changed while we were asked is not overwritten", async () => {
  const { plumbline, commit, evaluate, asBob, post, dir, url } = await startDeployProject();
  await plumbline("init");
  commit();
  await plumbline("push");
  await evaluate("v1", null);
  await asBob("approve", "ticket-summary", "v1");

  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  let stderr = "";
  const promoting = runCli(
    ["promote", "ticket-summary", "v1"],
    {
      stdout: { write: () => undefined },
      stderr: { write: (text) => (stderr += text) },
      stdin,
      environment: { PLUMBLINE_REGISTRY_URL: url },
      directory: dir,
      signal: new AbortController().signal,
    },
    systemClock,
  );
  await expect.poll(() => stderr).toContain("[y/N]");
  const policy = { use_case: "ticket-summary", deadline_ms: 9000 };
  const changed = await post("policies", { policy, policy_hash: contentHash(policy), expected_revision: 1 });
  expect(changed.status).toBe(200);
  stdin.write("y\n");
  expect(await promoting).toBe(4);
  expect(stderr).toContain("production is at revision 2, you saw 1");
  expect(stderr).toContain("Next: plumbline status ticket-summary");
});

test("diff shows prompt, configuration, policy and what it is judged by", async () => {
  const { plumbline, commit, edit, evaluate, asBob } = await startDeployProject();
  await plumbline("init");
  commit();
  await plumbline("push");
  expect((await plumbline("diff")).stdout).toContain("nothing is live in production");
  await evaluate("v1", null);
  await asBob("approve", "ticket-summary", "v1");
  await plumbline("promote", "ticket-summary", "v1", "--yes");
  expect((await plumbline("diff")).stdout).toBe(
    "ticket-summary: v1, live in production → working tree: no change\n",
  );

  await edit(PROMPT, (text) => text.replace("Keep every", "Be careful. Keep every").replace("0.2", "0.3"));
  await edit("policies/ticket-summary.yaml", (text) => text.replace("15000", "20000"));
  await edit("rubrics/faithfulness.yaml", (text) =>
    text.replace("Nothing is invented", "Nothing is made up"),
  );
  const { stdout } = await plumbline("diff", "--word");
  expect(stdout).toContain("config.temperature: 0.2 → 0.3");
  expect(stdout).toContain("{+Be careful. +}Keep every");
  expect(stdout).toContain("policy.deadline_ms: 15000 → 20000");
  expect(stdout).toMatch(/settings\.rubrics\.faithfulness: "sha256:[0-9a-f]{12}" → "sha256:[0-9a-f]{12}"/);

  const file = await plumbline("diff", "v1", PROMPT, "--json");
  expect(envelope(file).data["diffs"]).toMatchObject([{ from: { name: "v1" }, to: { name: PROMPT } }]);
  expect((await plumbline("diff", "v7")).exitCode).toBe(4);
});

test("a ramp begins with its first share, and following it ends when it serves everybody or is taken back", async () => {
  const { plumbline, commit, evaluate, asBob, admit, post } = await startDeployProject();
  await plumbline("init");
  commit();
  await plumbline("push");
  await evaluate("v1", null);
  await asBob("approve", "ticket-summary", "v1");
  await plumbline("promote", "ticket-summary", "v1", "--yes");
  await admit(2, "v1");

  const begun = await plumbline(
    "promote",
    "ticket-summary",
    "v2",
    "--ramp",
    "5,100",
    "--yes",
    "--no-wait",
    "--json",
  );
  expect(begun.exitCode).toBe(0);
  expect(envelope(begun).data["live"]).toMatchObject([{ number: 2, weight: 0.05 }, { number: 1 }]);
  expect((await plumbline("status")).stdout).toContain(
    "rollout      ticket-summary v2 in production: step 1 of 2, 5%: nothing judged yet",
  );
  const advanced = await post("advance", {
    prompt_version: "v2",
    step: 1,
    expected_revision: envelope(begun).data["revision"],
    reason: "looks good",
  });
  expect(advanced.status).toBe(200);

  await admit(3, "v2");
  const followed = plumbline("promote", "ticket-summary", "v3", "--ramp", "5,100", "--yes", "--json");
  await expect
    .poll(async () => (await plumbline("status")).stdout)
    .toContain("ticket-summary v3 in production: step 1");
  await plumbline("rollback", "ticket-summary", "--reason", "too terse", "--yes", "--no-wait");
  const { exitCode, ...rest } = await followed;
  expect(exitCode).toBe(10);
  expect(envelope({ exitCode, ...rest }).data["rollout"]).toMatchObject({
    end: "taken_back",
    reason: `${ANN}: too terse`,
  });
});
