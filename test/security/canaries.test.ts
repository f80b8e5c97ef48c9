/**
 * No secret and no text of a customer is in what a process prints at its most talkative, nor in a file that is not its
 * store: secrets and texts are planted, every other party answers with what it was sent, and everything is searched.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { TOPIC_NAMES } from "@plumbline/schemas";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { detection } from "../../alerts/detection.fixture.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TEXT = "zyxwanda";
const ATTRIBUTE = "qvborislav";
/** With what JSON escapes, in one of them. */
const SECRETS = {
  slack: "xoxb-canary-slack-token",
  judge: 'sk-canary-"judge\\key',
  url: "canaryurlpassword",
  clickhouse: "canaryclickhousepassword",
  sasl: "canarysaslpassword",
  admin: "canary-admin-key-of-some-length",
  registry: "plb_canarykeys_canaryregistrykey",
} as const;

let folder: string;
let echo: Server;
let echoed = 0;
/** Answers with everything that it was asked: headers, address and body, in turn as 401, 400 and 500. */
async function startEcho(): Promise<number> {
  echo = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const asked = {
        url: request.url,
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      const said = JSON.stringify(asked);
      const status = [401, 400, 500][echoed % 3]!;
      echoed += 1;
      response
        .writeHead(status, { "content-type": "application/json", "x-clickhouse-exception-code": "27" })
        .end(JSON.stringify({ ok: false, error: said, message: said, exception: `Code: 27. ${said}` }));
    });
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  return (echo.address() as AddressInfo).port;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-canaries-"));
});

afterAll(async () => {
  echo.closeAllConnections();
  await new Promise((resolve) => echo.close(resolve));
  await rm(folder, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly printed: () => string;
  readonly ended: Promise<unknown>;
}

function start(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Running {
  let printed = "";
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", file, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, UV_THREADPOOL_SIZE: "16", PLUMBLINE_LOG_LEVEL: "debug", ...env },
  });
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
  }
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return { child, printed: () => printed, ended };
}

/** Planted words that stand in `text`, with what is around the first of each. */
function leaksIn(text: string, planted: readonly string[]): readonly string[] {
  return planted.flatMap((word) => {
    const at = text.indexOf(word);
    return at === -1 ? [] : [`${word}: ${text.slice(Math.max(0, at - 300), at + 80)}`];
  });
}

const secretWords = (): string[] =>
  Object.values(SECRETS).flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
  ]);

/** Records that nobody can read, each with a text, in every topic; and an incident, so that Slack is asked. */
async function plantRecords(dataDir: string): Promise<void> {
  await mkdir(dataDir, { mode: 0o700 });
  const log = await openLmdbEventLog({ path: join(dataDir, "log"), clock: systemClock });
  for (const topic of TOPIC_NAMES) {
    const values = [
      `{"input":"${TEXT}`,
      JSON.stringify({ type: TEXT, call_id: TEXT, input: TEXT, reason: TEXT }),
    ];
    await log.append(
      topic,
      values.map((value) => ({ key: "k", value: Buffer.from(value) })),
    );
  }
  const slice = { units: 20, reference: 0.9, current: 0.1, share_of_traffic: 0.2, share_of_drop: 0.9 };
  const incident = {
    type: "detected",
    incident_id: "inc_00000000000000aa",
    at: new Date().toISOString(),
    actor: "monitor",
    detection: detection({
      tenant: "default",
      slices: [{ ...slice, name: `customer=${ATTRIBUTE}` }],
      verdict: "DISTRIBUTIONAL",
    }),
  };
  await log.append("plumbline.incidents", [{ key: "k", value: Buffer.from(JSON.stringify(incident)) }]);
  await log.close();
}

/** Files below `dir` as text, by path, without those of the store: log, tables and inbox hold texts by design. */
async function filesIn(dir: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const isStore = /^data\/(?:log|clickhouse|inbox)\//.test(relative(dir, path));
    if (entry.isFile() && !isStore) files.set(relative(dir, path), readFileSync(path, "latin1"));
  }
  return files;
}

test(
  "local mode prints no secret and no text, whatever answers it, and whatever it is sent",
  { timeout: 240_000 },
  async () => {
    const port = await startEcho();
    const data = join(folder, "data");
    await plantRecords(data);
    const ready = join(folder, "ready.json");
    const local = start(
      "services/local/main.ts",
      ["--port", "0", "--data-dir", data, "--ready-file", ready],
      {
        PLUMBLINE_JUDGE_SAMPLE_RATIO: "1",
        PLUMBLINE_JUDGE_PROVIDER: "openai",
        PLUMBLINE_JUDGE_MODEL: "gpt-5-mini",
        PLUMBLINE_JUDGE_API_KEY: SECRETS.judge,
        PLUMBLINE_JUDGE_BASE_URL: `http://judge:${SECRETS.url}@127.0.0.1:${port}/v1`,
        PLUMBLINE_SLACK_TOKEN: SECRETS.slack,
        PLUMBLINE_SLACK_CHANNEL: "C012AB3CD",
        PLUMBLINE_SLACK_API_URL: `http://127.0.0.1:${port}/api/`,
      },
    );
    await vi.waitFor(
      () => expect({ isReady: existsSync(ready), said: local.printed() }).toMatchObject({ isReady: true }),
      {
        timeout: 90_000,
        interval: 100,
      },
    );
    const urls = JSON.parse(readFileSync(ready, "utf8")) as Record<
      "collector" | "registry" | "sql" | "inbox",
      string
    >;
    const post = async (url: string, body: string): Promise<number> =>
      (await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body })).status;
    const call = {
      app: "support",
      use_case: "ticket-summary",
      model: "gpt-5-mini",
      status: "ok",
      latency_ms: 1,
      call_id: "0198f3a0-0000-7000-8000-000000000001",
      started_at: new Date().toISOString(),
      input: `Mr ${TEXT} pays.`,
      output: `${TEXT} paid.`,
      vars: { name: TEXT },
      attributes: { customer: ATTRIBUTE },
    };
    const bodies = [
      JSON.stringify(call),
      `{"input":"${TEXT}`,
      JSON.stringify({ ...call, status: TEXT, latency_ms: TEXT, [TEXT]: 1 }),
      JSON.stringify([{ ...call, call_id: TEXT }, TEXT]),
    ];
    for (const body of bodies) await post(`${urls.collector}/v1/calls`, body);
    const feedback = {
      feedback_id: "f",
      call_id: call.call_id,
      use_case: "u",
      kind: "thumb",
      value: 0,
      given_at: call.started_at,
    };
    for (const comment of [TEXT, [TEXT]]) {
      await post(`${urls.collector}/v1/feedback`, JSON.stringify({ ...feedback, comment }));
    }
    const path = `${urls.registry}/v1/use-cases/ticket-summary`;
    for (const route of ["versions", "evals", "promote", "rollback", "approvals"]) {
      await post(`${path}/${route}`, `{"record":"${TEXT}`);
      await post(
        `${path}/${route}`,
        JSON.stringify({ reason: [TEXT], document: TEXT, record: { cases: [{ output: TEXT }] } }),
      );
    }
    await post(urls.sql, `SELECT '${TEXT}' FROM nothing_${TEXT}`);
    await fetch(`${urls.sql}/?query=${encodeURIComponent(`SELECT throwIf(1, '${TEXT}')`)}`);
    await fetch(`${urls.inbox}/open?token=${SECRETS.admin}`);
    const countOf = async (table: string): Promise<number> =>
      Number(await (await fetch(`${urls.sql}/?query=SELECT+count()+FROM+plumbline_raw.${table}`)).text());
    await vi.waitFor(
      async () => {
        expect(await countOf("call_payloads")).toBe(1);
        expect(await countOf("dead_letters")).toBeGreaterThan(2);
        expect(local.printed()).toMatch(/"msg":"notifier\.(?:refused|send_failed)/);
        expect(local.printed()).toContain("judge.unreachable");
        expect(echoed).toBeGreaterThan(1);
      },
      { timeout: 90_000, interval: 200 },
    );
    local.child.kill("SIGTERM");
    await local.ended;
    const planted = [...secretWords(), TEXT, ATTRIBUTE];
    expect(local.printed().length).toBeGreaterThan(2_000);
    expect(leaksIn(local.printed(), planted)).toEqual([]);
    const files = await filesIn(folder);
    expect(files.size).toBeGreaterThan(1);
    for (const [name, content] of files) expect(leaksIn(content, planted), name).toEqual([]);
  },
);

test.each(["collector", "writer", "judge", "monitor", "notifier", "registry", "policy", "migrate"])(
  "%s as a process of its own prints no secret when what it reaches refuses it with what it sent",
  { timeout: 120_000 },
  async (service) => {
    const port = (echo.address() as AddressInfo).port;
    const running = start(`services/${service}/main.ts`, [], {
      PLUMBLINE_KAFKA_BROKERS: `127.0.0.1:${port}`,
      PLUMBLINE_KAFKA_SASL_MECHANISM: "plain",
      PLUMBLINE_KAFKA_SASL_USERNAME: "plumbline",
      PLUMBLINE_KAFKA_SASL_PASSWORD: SECRETS.sasl,
      PLUMBLINE_CLICKHOUSE_URL: `http://default:${SECRETS.clickhouse}@127.0.0.1:${port}`,
      PLUMBLINE_REGISTRY_URL: `http://127.0.0.1:${port}`,
      PLUMBLINE_REGISTRY_KEY: SECRETS.registry,
      PLUMBLINE_ADMIN_KEY: SECRETS.admin,
      PLUMBLINE_JUDGE_API_KEY: SECRETS.judge,
      PLUMBLINE_SLACK_TOKEN: SECRETS.slack,
      PLUMBLINE_SLACK_CHANNEL: "C012AB3CD",
      PLUMBLINE_METRICS_PORT: "0",
      ...Object.fromEntries(
        ["COLLECTOR", "NOTIFIER", "REGISTRY", "POLICY"].map((each) => [`PLUMBLINE_${each}_PORT`, "0"]),
      ),
    });
    await vi.waitFor(
      () => {
        const hasEnded = running.child.exitCode !== null;
        expect(hasEnded || /"level":[45]0/.test(running.printed()), running.printed()).toBe(true);
      },
      { timeout: 60_000, interval: 100 },
    );
    running.child.kill("SIGKILL");
    await running.ended;
    expect(running.printed()).not.toBe("");
    expect(leaksIn(running.printed(), secretWords())).toEqual([]);
  },
);
