/**
 * What local mode's process holds at most while calls come as fast as it takes them: small ones, and ones with long
 * prompts. Senders wait for each answer, and repeat what is refused.
 *
 *   npm run bench:memory [-- --json] [--seconds 30]
 *
 * `peak_rss_mb` is the kernel's own high-water mark (VmHWM). It counts pages of the log's file that the kernel may take
 * back at any time; `peak_anonymous_mb`, sampled ten times a second, does not.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createRandom } from "@plumbline/stats";
import { startLocal, type LocalProcess } from "./local-process.ts";
import { sampleCall } from "./sample-call.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, seconds: { type: "string", default: "30" } },
});
const SENDERS = 6;
const BODY_BYTES = 700_000;
const SAMPLE_MS = 100;
const SETTLE_MS = 120_000;

interface Measured {
  readonly bytes_per_call: number;
  readonly calls: number;
  readonly calls_per_second: number;
  readonly stored: number;
  readonly peak_rss_mb: number;
  readonly peak_anonymous_mb: number;
}

const seconds = Number(values.seconds);
const results: Measured[] = [];
for (const bytes of [1_000, 95_000]) results.push(await measure(bytes));
for (const each of results) process.stderr.write(`${JSON.stringify(each)}\n`);
const result = { peak_rss_mb: Math.max(...results.map((each) => each.peak_rss_mb)), phases: results };
process.stdout.write(`${values.json ? JSON.stringify(result) : ""}\n`);

async function measure(bytesPerCall: number): Promise<Measured> {
  const local = await startLocal();
  const stop = new AbortController();
  let anonymousKib = 0;
  const sampling = (async () => {
    while (!stop.signal.aborted) {
      anonymousKib = Math.max(anonymousKib, statusKib(local.pid, "RssAnon"));
      await systemClock.sleep(SAMPLE_MS, stop.signal);
    }
  })();
  const started = performance.now();
  const deadline = started + seconds * 1_000;
  const sent = await Promise.all(
    Array.from({ length: SENDERS }, (_, sender) => sendUntil(deadline, local, bytesPerCall, sender)),
  );
  const elapsed = (performance.now() - started) / 1_000;
  const calls = sent.reduce((sum, each) => sum + each, 0);
  const stored = await untilStored(local, calls);
  stop.abort();
  await sampling;
  const peak = statusKib(local.pid, "VmHWM");
  await local.stop();
  return {
    bytes_per_call: bytesPerCall,
    calls,
    calls_per_second: Math.round(calls / elapsed),
    stored,
    peak_rss_mb: Math.round(peak / 1_024),
    peak_anonymous_mb: Math.round(anonymousKib / 1_024),
  };
}

/** @returns how many calls were acknowledged */
async function sendUntil(
  deadline: number,
  { urls }: LocalProcess,
  bytesPerCall: number,
  sender: number,
): Promise<number> {
  const random = createRandom(sender + 1);
  const count = Math.max(1, Math.min(500, Math.floor(BODY_BYTES / bytesPerCall)));
  const filler = "The customer was charged twice for one order. ".repeat(Math.ceil(bytesPerCall / 46));
  let acknowledged = 0;
  for (let n = 0; performance.now() < deadline; n++) {
    const calls = Array.from({ length: count }, (_, i) => {
      const call = sampleCall(random, n * count + i, Date.now());
      const { emitter_id: _emitter, sequence: _sequence, ...rest } = call;
      return bytesPerCall > 2_000 ? { ...rest, input: filler.slice(0, bytesPerCall - 1_000) } : rest;
    });
    const response = await fetch(`${urls.collector}/v1/calls`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(calls),
    });
    await response.arrayBuffer();
    if (response.ok) acknowledged += count;
    else await systemClock.sleep(100);
  }
  return acknowledged;
}

async function untilStored({ query }: LocalProcess, calls: number): Promise<number> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const [row] = await query("SELECT count() AS stored FROM plumbline_raw.calls");
    const stored = Number(row?.["stored"] ?? 0);
    if (stored >= calls || performance.now() > deadline) return stored;
    await systemClock.sleep(500);
  }
}

function statusKib(pid: number, name: string): number {
  const [, kib] = new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib ?? 0);
}
