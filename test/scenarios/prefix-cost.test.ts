/** What an edit does to the prefix that a provider caches is said before it ships, in bytes, tokens and dollars. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DeployProject, envelope, PROMPT, startDeployProject } from "./cli-deploy-project.ts";
import { callRow, openStoreWithSql, type StoreWithSql } from "./tail-store.ts";

const RULES = "Keep every amount, date and name that matters to the request.\n".repeat(100);

const prompt = (system: string): string => `---
model: openai/gpt-5-mini
input: { schema: { ticket: string, today?: string }, default: { today: Monday } }
plumbline.owner: team:support
plumbline.eval: evals/ticket-summary.jsonl
---
{{role "system"}}
${system}
{{role "user"}}
{{ticket}}
`;

let sql: StoreWithSql;
beforeAll(async () => {
  sql = await openStoreWithSql();
  const now = systemClock.now();
  const rows = Array.from({ length: 1_000 }, (_, i) =>
    callRow(i, now - 3_600_000 - i * 1_000, {
      // Four of five were read from the provider's cache.
      cached_input_tokens: i % 5 === 0 ? 0 : 1_536,
      input_tokens: 2_000,
    }),
  );
  // Of the application's own cache, of another feature, and of the day before: they pay for no prefix.
  rows.push(callRow(5_000, now - 3_600_000, { path: "cached_exact" }));
  rows.push(callRow(5_001, now - 3_600_000, { use_case: "other", cached_input_tokens: 0 }));
  rows.push(callRow(5_002, now - 2 * 86_400_000, { cached_input_tokens: 0 }));
  await sql.store.insertCalls(rows);
});
afterAll(() => sql.close());

async function startProject(): Promise<DeployProject> {
  const project = await startDeployProject();
  await project.plumbline("init");
  await writeFile(join(project.dir, PROMPT), prompt(`Summarise.\n${RULES}`));
  return project;
}

/** 1,536 tokens of 800 calls, at $0.25 a million less $0.025 a million from the cache. */
const USD_A_DAY = (800 * 1_536 * (0.25 - 0.025)) / 1_000_000;

test("lint names the place, the tokens and the dollars of an edit that breaks the prefix, and is silent about others", async () => {
  const project = await startProject();
  project.commit();
  const lint = async (...args: readonly string[]) => project.plumbline("lint", "--sql", sql.sqlUrl, ...args);
  expect((await lint()).stdout).not.toContain("prefix-break");

  await project.edit(PROMPT, (text) => text.replace("Keep every amount", "Keep each amount"));
  expect((await lint()).stdout).not.toContain("prefix-break");

  await project.edit(PROMPT, (text) => text.replace("Summarise.", "Summarise.\nToday is {{today}}."));
  const { exitCode, stdout } = await lint();
  expect(exitCode).toBe(0);
  expect(stdout).toContain(
    `${PROMPT}:9  warning  prefix-break  since HEAD less of the prompt is cached (first changed byte: 11).`,
  );
  expect(stdout).toContain(
    "The fixed part ends at byte 20 (system, line 2) now, with {{today}}: about 1,536 tokens of every call",
  );
  expect(stdout).toContain(
    `about $${USD_A_DAY.toFixed(2)} a day (1,000 calls of the last day, 80% of them read from the cache)`,
  );
  expect(stdout).toContain("Move {{today}} behind the fixed text.");

  project.commit();
  expect((await lint()).stdout).not.toContain("prefix-break");
  expect((await lint("--against", "HEAD~1")).stdout).toContain("since HEAD~1 less of the prompt is cached");
  const unknown = await lint("--against", "nowhere");
  expect(unknown).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining("git has no commit nowhere") as string,
  });
  expect((await lint("--against", "--help")).exitCode).toBe(4);
}, 120_000);

test("diff says it against what is live, before the version ships; without a store the traffic is unknown", async () => {
  const project = await startProject();
  await project.admit(1, null);
  expect((await project.plumbline("promote", "ticket-summary", "v1", "--yes")).exitCode).toBe(0);

  await project.edit(PROMPT, (text) => text.replace("Summarise.", "Summarise.\nToday is {{today}}."));
  const diff = await project.plumbline("diff", "--sql", sql.sqlUrl);
  expect(diff.stdout).toContain("cached prefix: it differs from byte 11 (system, line 2) on.");
  expect(diff.stdout).toContain(`about $${USD_A_DAY.toFixed(2)} a day`);
  const json = envelope(await project.plumbline("diff", "--sql", sql.sqlUrl, "--json"));
  expect(json.data).toMatchObject({
    diffs: [{ prefix: { lost_tokens: 1_536, calls_per_day: 1_000, cached_share: 0.8, unknown: null } }],
  });
  const apart = await project.plumbline("diff", "--sql", "http://127.0.0.1:1");
  expect(apart.exitCode).toBe(0);
  expect(apart.stdout).toContain(
    "about 1,536 tokens of every call stop being cached, at a cost that is not known: traffic unknown (",
  );

  await project.edit(PROMPT, () => prompt(`Summarise.\n${RULES.replace("every", "each")}`));
  const anew = await project.plumbline("diff", "--sql", "http://127.0.0.1:1");
  expect(anew.stdout).toContain(
    "The first calls read about 1,532 tokens anew; then about 1,536 are cached, as before",
  );
}, 120_000);
