/** A registry that is newer than the command: what it says is shown, also where it is none of ours, and ends no command. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../run-cli.ts";

const HASH = `sha256:${"a".repeat(64)}`;
const AT = "2027-01-01T00:00:00.000Z";
const MARK = { at: AT, actor: "ann", reason: "because", offset: 1, signed_by: "somebody" };
const KEY = {
  key_id: "abcdefghij",
  tenant: "team-a",
  name: "ann",
  scopes: ["read", "replay"],
  state: "suspended",
  created_at: AT,
  created_by: "root",
  expires_at: null,
  stops_at: null,
  replaces: null,
  last_used_on: null,
  region: "eu",
};
const DECISION = {
  state: "PAUSED",
  why: "a holiday",
  waits_for: "calendar",
  step_offset: 1,
  started_at: AT,
  step_at: AT,
  read_at: AT,
  incumbent: null,
  share: null,
  units: 3,
  units_needed: 4,
  margin: 0.01,
  delta: 0.01,
  incident_id: null,
  series: [],
};
const ANSWERS: Readonly<Record<string, unknown>> = {
  "GET /v1/use-cases/ticket-summary/history": {
    entries: [
      {
        ...MARK,
        type: "model_pinned",
        env: "production",
        prompt_version: HASH,
        number: 3,
        weight: null,
        live: null,
        outcome: { kind: "deferred", until: AT },
      },
      {
        ...MARK,
        type: "promoted",
        env: "production",
        prompt_version: HASH,
        number: 2,
        weight: 1,
        live: null,
        outcome: { kind: "accepted", changed: true, overridden: [] },
      },
    ],
    next_before: null,
  },
  "GET /v1/use-cases/ticket-summary": {
    use_case: "ticket-summary",
    settings: { owner: "team:a", eval_set: null, rubrics: {}, gate: {}, region: "eu" },
    envs: {
      production: {
        revision: 1,
        live: [{ prompt_version: HASH, number: 2, weight: 1, pinned: true }],
        moved: MARK,
        rollout: { prompt_version: HASH, number: 3, steps: [0.05, 1], step: 0, started: MARK, stepped: MARK },
        canary: { ...MARK, prompt_version: HASH, decision: DECISION },
        previous_good: null,
        policy_hash: null,
        bypasses: [],
      },
    },
    versions: [],
  },
  "GET /v1/keys": { keys: [KEY] },
  "POST /v1/keys": { key: KEY, secret: "plb_abcdefghij_the-secret" },
  "POST /v1/erasures": {
    erasure_id: "0198f3a0-0000-4000-8000-00000000000e",
    state: "partly_done",
    is_dry_run: false,
    places: [{ place: "vectors", removed: 2, remains: null, region: "eu" }],
  },
  "POST /v1/dead-letters/redrive": {
    redriven: 0,
    skipped: [{ id: "plumbline.calls/0/7", why: "quarantined" }],
    is_settled: true,
    came_back: 0,
  },
};

let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    const answer = ANSWERS[`${request.method} ${(request.url ?? "").replace(/[?].*$/, "")}`];
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test.each([
  [
    ["history", "ticket-summary"],
    ["model pinned v3 (deferred: newer than this command)", "promoted v2"],
  ],
  [
    ["status", "ticket-summary"],
    ["step 1 of 2, 5%: paused", "100%"],
  ],
  [
    ["keys", "list"],
    ["suspended", "read,replay"],
  ],
  [["keys", "create", "ann", "--scope", "read"], ["plb_abcdefghij_the-secret"]],
  [
    ["erase", "--call", "c"],
    ["vectors", "partly_done"],
  ],
  [["dead-letters", "redrive", "plumbline.calls/0/7", "--yes"], ["plumbline.calls/0/7: quarantined"]],
])("%s shows what is unknown as it came, and the rest as ever", async (args, expected) => {
  let said = "";
  const sink = { write: (text: string) => (said += text) };
  await runCli(
    [...args, "--registry", url],
    {
      stdout: sink,
      stderr: sink,
      stdin: new PassThrough(),
      environment: {},
      directory: "/",
      signal: new AbortController().signal,
    },
    systemClock,
  );
  expect(said).not.toContain("answered something else");
  for (const text of expected) expect(said).toContain(text);
});
