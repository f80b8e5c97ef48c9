/**
 * Erasure and logs, on local mode as people start it: what one conversation and one person wrote is gone from every
 * place, does not come back by a repeated delivery, and was in no log line at any level.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { ErasureAnswer, TOPIC_NAMES } from "@plumbline/schemas";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { detection } from "../../alerts/detection.fixture.ts";
import { runCli } from "../../packages/cli/run-cli.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Words and an amount of the erased conversation, of the erased person, and of somebody who is kept. */
const SECRET = "zyxwanda 98765";
const PERSON = "qvborislav 54321";
const KEPT = "kept-words 11111";

interface Urls {
  readonly collector: string;
  readonly registry: string;
  readonly inbox: string;
  readonly sql: string;
}
let folder: string;
let urls: Urls;
let stderr = "";
let local: ReturnType<typeof spawn>;
let ended: Promise<unknown>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-erase-"));
  await plantIncident(join(folder, "data"));
  const ready = join(folder, "ready.json");
  local = spawn(
    process.execPath,
    [
      "--conditions=source",
      "--import",
      "tsx",
      "services/local/main.ts",
      "--port",
      "0",
      "--data-dir",
      join(folder, "data"),
      "--ready-file",
      ready,
    ],
    {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...process.env,
        UV_THREADPOOL_SIZE: "16",
        PLUMBLINE_LOG_LEVEL: "debug",
        PLUMBLINE_JUDGE_SAMPLE_RATIO: "1",
      },
    },
  );
  local.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  ended = new Promise((resolve) => local.once("exit", resolve));
  await vi.waitFor(() => expect({ isReady: existsSync(ready), stderr }).toMatchObject({ isReady: true }), {
    timeout: 60_000,
    interval: 100,
  });
  urls = JSON.parse(readFileSync(ready, "utf8")) as Urls;
});

afterAll(async () => {
  local.kill("SIGTERM");
  await ended;
  await rm(folder, { recursive: true, force: true });
});

/** An incident that the monitor would have found when the calls of two customers got worse, one of them the erased one. */
async function plantIncident(dataDir: string): Promise<void> {
  await mkdir(dataDir, { mode: 0o700 });
  const log = await openLmdbEventLog({ path: join(dataDir, "log"), clock: systemClock });
  const share = { units: 20, reference: 0.9, current: 0.1, share_of_traffic: 0.2, share_of_drop: 0.9 };
  const names = [`customer=${SECRET.split(" ")[0]}`, `customer=${KEPT.split(" ")[0]}`];
  const event = {
    type: "detected",
    incident_id: "inc_00000000000000aa",
    at: new Date().toISOString(),
    actor: "monitor",
    detection: detection({
      tenant: "default",
      slices: names.map((name) => ({ ...share, name })),
      verdict: "DISTRIBUTIONAL",
      evidence: { slice_intervals: Object.fromEntries(names.map((name) => [name, [0, 0.2]])) },
    }),
  };
  await log.append("plumbline.incidents", [
    { key: event.incident_id, value: Buffer.from(JSON.stringify(event)) },
  ]);
  await log.close();
}

/** What the inbox shows, and what lies in its folder. */
async function inboxTexts(): Promise<string> {
  const shown = await (await fetch(`${urls.inbox}/messages`)).text();
  const folderOf = join(folder, "data", "inbox");
  const files = (await readdir(folderOf)).map((name) => readFileSync(join(folderOf, name), "utf8"));
  return [shown, ...files].join("\n");
}

function call(n: number, text: string, more: Record<string, unknown>): Record<string, unknown> {
  return {
    call_id: `0198f3a0-0000-7000-8000-00000000000${n}`,
    started_at: new Date().toISOString(),
    app: "support",
    use_case: "ticket-summary",
    model: "gpt-5-mini",
    status: "ok",
    latency_ms: 812,
    input: `The customer ${text} was charged $${text.split(" ")[1]} twice.`,
    output: "Nothing of note.",
    attributes: { customer: text.split(" ")[0] },
    ...more,
  };
}

async function send(path: string, body: unknown): Promise<number> {
  const response = await fetch(`${urls.collector}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.status;
}

async function sql(query: string): Promise<string> {
  const response = await fetch(`${urls.sql}/?query=${encodeURIComponent(query)}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text.trim();
}

/** Everything that the tables with texts hold, as text. */
async function everything(): Promise<string> {
  const tables = [
    "calls",
    "call_payloads",
    "verdicts",
    "feedback",
    "incidents",
    "dead_letters",
    "drift_results",
  ];
  const all = tables.map((table) => sql(`SELECT * FROM plumbline_raw.${table} FORMAT JSONEachRow`));
  return (await Promise.all(all)).join("\n");
}

async function erase(...args: string[]): Promise<ErasureAnswer> {
  let stdout = "";
  let errors = "";
  const exitCode = await runCli(
    ["erase", ...args, "--registry", urls.registry, "--json"],
    {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (errors += text) },
      stdin: new PassThrough(),
      environment: {},
      directory: folder,
      signal: new AbortController().signal,
    },
    systemClock,
  );
  expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: "" });
  return ErasureAnswer.parse((JSON.parse(stdout) as { data: unknown }).data);
}

const removedBy = ({ places }: ErasureAnswer): Record<string, number> =>
  Object.fromEntries(places.map(({ place, removed }) => [place, removed]));

test(
  "what is erased is gone from store and log, stays gone, and was never in a log line",
  { timeout: 240_000 },
  async () => {
    const first = call(1, SECRET, { conversation_id: "conversation-one", user_hash: "user-one" });
    const calls = [
      first,
      call(2, SECRET, { conversation_id: "conversation-one" }),
      call(3, PERSON, { conversation_id: "conversation-two", user_hash: "user-two" }),
      call(4, KEPT, { conversation_id: "conversation-three", user_hash: "user-three" }),
    ];
    expect(await send("/v1/calls", calls)).toBe(200);
    const comment = {
      kind: "thumb",
      value: 0,
      use_case: "ticket-summary",
      given_at: new Date().toISOString(),
    };
    const feedback = [
      { ...comment, feedback_id: "f1", call_id: first["call_id"], comment: `${SECRET} complained` },
      { ...comment, feedback_id: "f2", call_id: calls[3]!["call_id"], comment: `${KEPT} too` },
    ];
    expect(await send("/v1/feedback", feedback)).toBe(200);
    // What a collector refuses must not be in its log either.
    expect(await send("/v1/calls", { ...first, status: SECRET })).toBe(400);
    await vi.waitFor(
      async () => {
        expect(await sql("SELECT count() FROM plumbline_raw.call_payloads")).toBe("4");
        expect(await sql("SELECT count() FROM plumbline_raw.feedback")).toBe("2");
        const quotes = await sql("SELECT reason FROM plumbline_raw.verdicts");
        expect(quotes).toContain("98765");
        expect(quotes).toContain("54321");
      },
      { timeout: 60_000, interval: 200 },
    );

    await vi.waitFor(async () => expect(await inboxTexts()).toContain("customer=zyxwanda"), {
      timeout: 60_000,
      interval: 200,
    });
    await vi.waitFor(
      async () =>
        expect(await sql("SELECT event FROM plumbline_raw.incidents")).toContain("customer=zyxwanda"),
      { timeout: 60_000, interval: 200 },
    );

    const dry = removedBy(await erase("--conversation", "conversation-one", "--dry-run"));
    expect(dry).toMatchObject({ call_payloads: 2, calls: 2, feedback: 1, incidents: 1 });
    expect(dry).toMatchObject({ "plumbline.calls": 2, "plumbline.incidents": 1 });
    expect(await everything()).toContain(SECRET);

    const done = await erase("--conversation", "conversation-one");
    expect(removedBy(done)).toEqual(dry);
    expect(done.places.every(({ remains }) => remains === null)).toBe(true);
    const person = removedBy(await erase("--user-hash", "user-two"));
    expect(person).toMatchObject({ call_payloads: 1, calls: 1, "plumbline.calls": 1 });

    // The same calls once more, as a sender does that got no answer; one under a new id.
    expect(
      await send("/v1/calls", [
        first,
        call(5, SECRET, { conversation_id: "conversation-one", started_at: first["started_at"] }),
      ]),
    ).toBe(200);
    await vi.waitFor(
      async () => expect(await sql("SELECT uniqExact(call_id) FROM plumbline_raw.calls")).toBe("5"),
      { timeout: 60_000, interval: 200 },
    );
    const left = await everything();
    for (const word of [
      ...SECRET.split(" "),
      ...PERSON.split(" "),
      "user-one",
      "user-two",
      "conversation-one",
    ]) {
      expect(left).not.toContain(word);
    }
    expect(left).toContain(KEPT);
    expect(left).toContain("conversation-three");
    expect(left).toContain("customer=kept-words");
    await vi.waitFor(async () => expect(await inboxTexts()).not.toContain("zyxwanda"), {
      timeout: 60_000,
      interval: 200,
    });
    expect(await inboxTexts()).toContain("customer=kept-words");
    expect(await inboxTexts()).toContain("customer=erased");
    // Before and after an erasure, analysts find an incident by the name of its metric.
    expect(await sql("SELECT DISTINCT metric FROM plumbline_raw.incidents WHERE type = 'detected'")).toBe(
      "faithfulness",
    );
    // The numbers stay: five calls, and the scores of those that were judged.
    expect(await sql("SELECT count() FROM plumbline_raw.verdicts WHERE state = 'scored'")).not.toBe("0");

    local.kill("SIGTERM");
    await ended;
    for (const word of [...SECRET.split(" "), ...PERSON.split(" "), ...KEPT.split(" ")]) {
      expect(stderr).not.toContain(word);
    }
    const log = await openLmdbEventLog({ path: join(folder, "data", "log"), clock: systemClock });
    let seen = 0;
    for (const topic of TOPIC_NAMES) {
      for (const record of await log.read(topic, 0, 0, { recordsMax: 10_000 })) {
        seen += 1;
        const isRepeated = topic === "plumbline.calls" && record.offset >= 4;
        const text = Buffer.from(record.value).toString("utf8");
        if (!isRepeated)
          expect(text).not.toMatch(/zyxwanda|98765|qvborislav|54321|user-one|user-two|conversation-one/);
      }
    }
    await log.close();
    expect(seen).toBeGreaterThan(10);
  },
);
