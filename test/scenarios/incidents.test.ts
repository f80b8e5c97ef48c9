/**
 * `plumbline incidents`: a person acts on an alert from a terminal, and takes it from alert to fix, on a real registry, a
 * real store and a real git repository.
 */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { parsePrompt, promptVersion } from "@plumbline/prompts";
import { createLogger } from "@plumbline/runtime/logger";
import { IncidentEvent } from "@plumbline/schemas";
import { createRegistry } from "@plumbline/services/registry/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { detection } from "../../alerts/detection.fixture.ts";
import { type Run, runPlumbline } from "./tail-run.ts";
import { callRow, openStoreWithSql, type StoreWithSql, verdictOf } from "./tail-store.ts";

const ID = "inc_00000000000000aa";
const USE_CASE = "ticket-summary";
const START = Date.now() - 3_600_000;
const PROMPT = "prompts/ticket-summary.prompt";
const SET = "evals/ticket-summary.jsonl";
const CASE = { vars: { ticket: "hello" }, assert: [], metadata: { id: "one", added: "2026-11-01" } };

const CONFIG = `environments: [production]
use_cases:
  ${USE_CASE}:
    eval_set: { owner: lee, cadence: 90d }
`;

interface Case {
  readonly vars: { readonly ticket: string };
  readonly assert: readonly object[];
  readonly metadata: { readonly expected?: string };
}

let directory: string;
let store: StoreWithSql;
let registryUrl: string;
let versions: readonly [string, string];
const stop: (() => Promise<unknown>)[] = [];

function promptText(instruction: string): string {
  return `---
model: openai/gpt-5-mini
input: { schema: { ticket: string } }
plumbline.use_case: ${USE_CASE}
plumbline.owner: lee
plumbline.eval: ${SET}
---
{{role "system"}}
${instruction}
{{role "user"}}
{{ticket}}
`;
}

const git = (...args: readonly string[]): string =>
  execFileSync("git", ["-C", directory, ...args], { stdio: "pipe" }).toString();
const run = (...args: readonly string[]): Promise<Run> =>
  runPlumbline(["incidents", ...args], {
    directory,
    environment: {
      PLUMBLINE_REGISTRY_URL: registryUrl,
      PLUMBLINE_SQL_URL: store.sqlUrl,
      PLUMBLINE_ACTOR: "lee",
    },
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "plumbline-incidents-"));
  git("init", "--quiet");
  git("config", "user.name", "Ann");
  git("config", "user.email", "ann@example.com");
  await mkdir(join(directory, "prompts"));
  await mkdir(join(directory, "evals"));
  await mkdir(join(directory, "rubrics"));
  const rubric = new URL("../../examples/ticket-summary/rubrics/faithfulness.yaml", import.meta.url);
  await writeFile(join(directory, "rubrics/faithfulness.yaml"), await readFile(rubric, "utf8"));
  await writeFile(join(directory, "plumbline.config.yaml"), CONFIG);
  await writeFile(join(directory, SET), `${JSON.stringify(CASE)}\n`);
  const commits: string[] = [];
  const documents = [];
  for (const text of ["Keep every amount.", "Keep every amount. Be careful with financial information."]) {
    await writeFile(join(directory, PROMPT), promptText(text));
    git("add", ".");
    git("commit", "--quiet", "--message", text);
    commits.push(git("rev-parse", "HEAD").trim());
    const parsed = parsePrompt(promptText(text), PROMPT);
    if (parsed.kind === "invalid") throw new Error("the prompt can't be read");
    documents.push(parsed.value.document);
  }
  versions = [promptVersion(documents[0]!), promptVersion(documents[1]!)];
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const registry = createRegistry({
    log,
    clock: systemClock,
    logger: createLogger("test", "silent"),
    port: 0,
    followMs: 10,
  });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  registryUrl = await registry.url;
  store = await openStoreWithSql();
  stop.push(
    () => rm(directory, { recursive: true }),
    () => store.close(),
    () => running,
    async () => abort.abort(),
  );
  for (const [i, prompt_version] of versions.entries()) {
    for (const [path, body] of [
      ["versions", { prompt_version, document: documents[i], author: "ann", commit: commits[i] }],
      ["promote", { prompt_version, expected_revision: i, bypass: { reason: "test" } }],
    ] as const) {
      const answer = await fetch(`${registryUrl}/v1/use-cases/${USE_CASE}/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(answer.ok, await answer.clone().text()).toBe(true);
    }
  }
  await storeCalls();
  const { candidate, incumbent, slices } = detection();
  const about = detection({
    use_case: USE_CASE,
    tenant: "default",
    candidate: { ...candidate, prompt_version: versions[1], number: 2 },
    incumbent: { ...incumbent!, prompt_version: versions[0], number: 1 },
    verdict: "DISTRIBUTIONAL",
    slices: [{ ...slices[0]!, name: "mentions_money" }],
  });
  const at = new Date().toISOString();
  const event = { type: "detected", incident_id: ID, at, actor: "monitor", detection: about };
  await log.append(INCIDENTS, [encodeIncidentEvent(IncidentEvent.parse(event))]);
});
afterAll(async () => {
  for (const step of stop.toReversed()) await step();
});

/** Both versions got the same tickets; the second one lost the amounts of those that mention money. */
async function storeCalls(): Promise<void> {
  const ticket = (i: number): string => `Charged $${10 + i} twice.`;
  const good = [0, 1].map((i) =>
    callRow(i, START + i, { prompt_version: versions[0], input: ticket(i), output: `$${10 + i} twice` }),
  );
  // The third ticket was never given to the version before, the fourth is of another slice, the fifth passed.
  const bad = [0, 1, 2, 3, 4].map((i) =>
    callRow(10 + i, START + 60_000 + i, { prompt_version: versions[1], input: ticket(i), output: "billing" }),
  );
  await store.store.insertCalls([...good, ...bad]);
  await store.store.insertVerdicts(
    bad.map((row, i) => ({
      log_partition: 0,
      log_offset: i,
      ingested_at: row.ingested_at,
      tenant: "default",
      verdict: verdictOf(row, i === 4 ? 1 : 0.1, { slices: i === 3 ? ["lang=de"] : ["mentions_money"] }),
    })),
  );
}

test("lists, shows, acknowledges and notes an alert, and names who did it", async () => {
  expect((await run("list")).stdout).toMatch(new RegExp(`${ID} +SEV2 +firing +${USE_CASE}`));
  const acked = await run("ack", ID);
  expect(acked).toMatchObject({ exitCode: 0, stdout: `${ID}  acknowledged  Acknowledged by lee.\n` });
  const again = await run("ack", ID);
  expect(again.exitCode).toBe(4);
  expect(again.stderr).toContain("there is nothing to acknowledge");
  await run("note", ID, "asked the vendor");
  const shown = await run("show", ID);
  expect(shown.stdout).toMatch(/v2 +sha256/);
  expect(shown.stdout).toContain("Note by lee: asked the vendor");
  expect((await run("show", "inc_ffffffffffffffff")).exitCode).toBe(4);
});

test("makes a branch with the prompt of before, and the failing calls as cases that say what was right", async () => {
  const fixed = await run("fix", ID, "--json");
  expect(fixed.exitCode, fixed.stderr).toBe(0);
  expect(JSON.parse(fixed.stdout)).toMatchObject({
    data: { branch: `plumbline/fix-${ID}`, files: [PROMPT, SET], cases: 3 },
  });
  expect(git("branch", "--show-current").trim()).toBe(`plumbline/fix-${ID}`);
  expect(git("status", "--porcelain")).toBe("");
  expect(await readFile(join(directory, PROMPT), "utf8")).toBe(promptText("Keep every amount."));
  const lines = (await readFile(join(directory, SET), "utf8")).trimEnd().split("\n");
  const cases = lines.map((line) => JSON.parse(line) as Case);
  expect(cases[1]!.assert).toEqual([{ type: "llm-rubric", value: "rubric:faithfulness" }]);
  expect(cases.slice(1).map(({ vars, metadata }) => [vars.ticket, metadata.expected])).toEqual(
    expect.arrayContaining([
      ["Charged $10 twice.", "$10 twice"],
      ["Charged $11 twice.", "$11 twice"],
      ["Charged $12 twice.", undefined],
    ]),
  );
  const linted = await runPlumbline(["lint"], { directory });
  expect(linted.exitCode, linted.stdout + linted.stderr).toBe(0);

  const twice = await run("fix", ID);
  expect(twice.exitCode).toBe(4);
  expect(twice.stderr).toContain("Nothing is left to do");
});

test("does not take what is not committed into the fix", async () => {
  git("switch", "--quiet", "-");
  git("branch", "--quiet", "-D", `plumbline/fix-${ID}`);
  await writeFile(join(directory, PROMPT), promptText("Half an idea."));
  const refused = await run("fix", ID);
  expect(refused.exitCode).toBe(4);
  expect(refused.stderr).toContain(PROMPT);
  git("checkout", "--quiet", "--", PROMPT);
});

test("rolls back what the alert blames, after a question that nobody is here to answer", async () => {
  const asked = await run("rollback", ID, "--no-wait");
  expect(asked.exitCode).toBe(6);
  expect(asked.stderr).toMatch(/Roll ticket-summary in production back from v2 .* to v1/);
  const done = await run("rollback", ID, "--no-wait", "--yes");
  expect(done.exitCode, done.stderr).toBe(0);
  await expect
    .poll(async () => (await run("show", ID)).stdout, { timeout: 60_000 })
    .toContain("Rolled back to v1 by lee");
  expect((await run("rollback", ID, "--yes")).exitCode).toBe(4);
});
