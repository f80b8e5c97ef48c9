/**
 * kill -9 of local mode at random moments under load. An oracle outside the process records what was acknowledged;
 * after the last restart the store is asked, from outside, whether every acknowledged call is there exactly once, with
 * its content, and nothing that was never sent.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createRandom } from "@plumbline/stats";
import { afterEach, expect, test, vi } from "vitest";

const MAIN = fileURLToPath(new URL("../../services/local/main.ts", import.meta.url));
const KILLS = 20;
const SENDERS = 3;
const BATCH = 40;
const SEED = 20_261_124;

const folder = await mkdtemp(join(tmpdir(), "plumbline-kill-"));
let child: ChildProcess | null = null;
afterEach(async () => {
  child?.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

interface Urls {
  readonly collector: string;
  readonly sql: string;
}

test(
  `every acknowledged call is in ClickHouse exactly once after ${KILLS} kills -9`,
  { timeout: 600_000 },
  async () => {
    const random = createRandom(SEED);
    const sent = new Map<string, string>();
    const acknowledged = new Set<string>();
    let killed = 0;
    let cutWhileSending = 0;

    for (; killed < KILLS; killed++) {
      const urls = await start();
      let isAlive = true;
      const senders = Array.from({ length: SENDERS }, async () => {
        while (isAlive) {
          const calls = Array.from({ length: BATCH }, () => newCall(sent));
          if (await send(urls, calls)) for (const { call_id } of calls) acknowledged.add(call_id);
          else cutWhileSending += 1;
        }
      });
      // From the middle of the start-up recovery to well into steady work.
      await sleep(20 + random.integer(1_500));
      child?.kill("SIGKILL");
      isAlive = false;
      await Promise.all(senders);
    }

    const urls = await start();
    const last = newCall(sent);
    expect(await send(urls, [last])).toBe(true);
    acknowledged.add(last.call_id);
    // A fresh call flows, and by then the backlog before it has been written too.
    await vi.waitFor(
      async () =>
        expect(
          await query(urls, `SELECT count() AS n FROM plumbline_raw.calls WHERE call_id = '${last.call_id}'`),
        ).toEqual([{ n: 1 }]),
      {
        timeout: 60_000,
        interval: 200,
      },
    );

    const rows = await query(
      urls,
      "SELECT toString(calls.call_id) AS call_id, lower(hex(SHA256(ifNull(payloads.input, '')))) AS input_hash FROM plumbline_raw.calls AS calls LEFT JOIN plumbline_raw.call_payloads AS payloads ON payloads.call_id = calls.call_id",
    );
    const [totals] = await query(
      urls,
      "SELECT count() AS all_rows, uniqExact(call_id) AS calls, uniqExact(log_partition, log_offset) AS offsets, max(log_offset) + 1 - count() AS missing FROM plumbline_raw.calls",
    );
    const stored = new Map(rows.map((row) => [String(row["call_id"]), String(row["input_hash"])]));

    process.stderr.write(
      `kills ${killed}, batches cut while sending ${cutWhileSending}, sent ${sent.size}, acknowledged ${acknowledged.size}, stored ${stored.size}\n`,
    );
    expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
    expect([...stored.keys()].filter((id) => !sent.has(id))).toEqual([]);
    expect([...stored].filter(([id, hash]) => sent.get(id) !== hash)).toEqual([]);
    expect(totals).toEqual({ all_rows: stored.size, calls: stored.size, offsets: stored.size, missing: 0 });
    // The test proves nothing unless kills really met calls in flight and most were acknowledged.
    expect(cutWhileSending).toBeGreaterThan(KILLS / 2);
    expect(acknowledged.size).toBeGreaterThan(1_000);
  },
);

async function start(): Promise<Urls> {
  const readyFile = join(folder, `${randomUUID()}.json`);
  const started = spawn(
    process.execPath,
    [
      "--conditions=source",
      "--import",
      "tsx",
      MAIN,
      "--port",
      "0",
      "--data-dir",
      join(folder, "data"),
      "--ready-file",
      readyFile,
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, UV_THREADPOOL_SIZE: "16" } },
  );
  child = started;
  let messages = "";
  started.stderr.on("data", (chunk: Buffer) => (messages += chunk.toString()));
  for (const deadline = Date.now() + 60_000; !existsSync(readyFile); await sleep(20)) {
    if (started.exitCode !== null || Date.now() > deadline)
      throw new Error(`local mode did not start:\n${messages}`);
  }
  return JSON.parse(readFileSync(readyFile, "utf8")) as Urls;
}

function newCall(sent: Map<string, string>) {
  const call_id = randomUUID();
  const input = `Customer ${call_id} was charged $${sent.size}.50 twice.`;
  sent.set(call_id, createHash("sha256").update(input).digest("hex"));
  return {
    call_id,
    started_at: new Date().toISOString(),
    app: "oracle",
    use_case: "kill",
    prompt_version: "v1",
    model: "m",
    status: "ok",
    latency_ms: 1,
    input,
    output: "Charged twice.",
  };
}

/** Whether the collector acknowledged the batch; false when the connection was cut. */
async function send({ collector }: Urls, calls: readonly object[]): Promise<boolean> {
  try {
    const response = await fetch(`${collector}/v1/calls`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(calls),
    });
    return response.ok && ((await response.json()) as { accepted: number }).accepted === calls.length;
  } catch {
    return false;
  }
}

async function query({ sql }: Urls, statement: string): Promise<readonly Record<string, unknown>[]> {
  const response = await fetch(`${sql}/?query=${encodeURIComponent(`${statement} FORMAT JSONEachRow`)}`);
  const body = await response.text();
  if (!response.ok) throw new Error(body);
  return body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
