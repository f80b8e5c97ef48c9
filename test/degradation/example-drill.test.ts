/** A drill of a whole application: OpenAI's SDK under a policy, as `examples/client/openai-sdk.ts` has it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runPlumbline } from "../scenarios/tail-run.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
/** All but the time limit, which takes as long as the policy's deadline says. */
const BRANCHES = [
  "healthy",
  "rate_limited",
  "server_error",
  "invalid_output",
  "breaker_open",
  "registry_down",
  "collector_down",
];

let stateDir = "";
beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "plumbline-drill-"));
});
afterAll(() => rm(stateDir, { recursive: true, force: true }));

test("every rung of the example's policy answers through the application's own code", async () => {
  const branches = BRANCHES.flatMap((branch) => ["--branch", branch]);
  const command = [
    process.execPath,
    "--conditions=source",
    "--import",
    "tsx",
    join(EXAMPLES, "client/openai-sdk.ts"),
  ];
  const run = await runPlumbline(
    ["drill", "ticket-summary", "--no-record", "--json", ...branches, "--", ...command],
    {
      directory: join(EXAMPLES, "ticket-summary"),
      environment: { PATH: process.env["PATH"], OPENAI_API_KEY: "none", PROMPT_STATE_DIR: stateDir },
    },
  );
  const { data } = JSON.parse(run.stdout) as {
    data: { findings: { branch: string; path: string | null; passed: boolean; why: string }[] };
  };
  const seen = data.findings.map(({ branch, path, passed, why }) => ({ branch, path, passed, why }));
  const fallback = { path: "fallback_model", passed: true, why: "" };
  expect(seen).toEqual([
    { branch: "healthy", path: "primary", passed: true, why: "" },
    { branch: "rate_limited", ...fallback },
    { branch: "server_error", ...fallback },
    { branch: "invalid_output", ...fallback },
    { branch: "breaker_open", ...fallback },
    { branch: "registry_down", path: "primary", passed: true, why: "" },
    { branch: "collector_down", path: null, passed: true, why: "" },
  ]);
  expect(run.exitCode).toBe(0);
});
