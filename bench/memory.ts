/**
 * What local mode's process holds at most while calls come as fast as it takes them, and while it fills a lost store again
 * from its log: small calls, and ones with long prompts. Senders wait for each answer, and repeat what is refused.
 *
 *   npm run bench:memory [-- --json] [--seconds 30]
 *
 * `peak_rss_mb` is the kernel's own high-water mark (VmHWM). It counts pages of the log's file that the kernel may take
 * back at any time; `peak_without_log_mb`, sampled ten times a second, does not.
 */
import { readFileSync } from "node:fs";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createRandom } from "@plumbline/stats";
import { newFolder, startLocal, type LocalProcess } from "./local-process.ts";
import { sampleCall } from "./sample-call.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, seconds: { type: "string", default: "30" } },
});
const SENDERS = 6;
const BODY_BYTES = 700_000;
const SAMPLE_MS = 100;
const SETTLE_MS = 120_000;

interface Measured {
  readonly phase: "load" | "refill";
  readonly bytes_per_call: number;
  readonly calls: number;
  readonly calls_per_second: number;
  readonly stored: number;
  readonly peak_rss_mb: number;
  readonly peak_without_log_mb: number;
}

const seconds = Number(values.seconds);
const results: Measured[] = [];
for (const bytes of [1_000, 95_000]) results.push(...(await measure(bytes)));
for (const each of results) process.stderr.write(`${JSON.stringify(each)}\n`);
const result = { peak_rss_mb: Math.max(...results.map((each) => each.peak_rss_mb)), phases: results };
process.stdout.write(`${values.json ? JSON.stringify(result) : ""}\n`);

/** Under load; then while a store that was lost is filled again from the log of that load. */
async function measure(bytesPerCall: number): Promise<readonly Measured[]> {
  const folder = await newFolder();
  const empty = join(folder, "empty");
  const clickhouse = join(folder, "data", "clickhouse");
  await (await startLocal({}, folder)).stop({ keep: true });
  await cp(clickhouse, empty, { recursive: true });

  const loaded = await startLocal({}, folder);
  const memory = watchMemory(loaded.pid);
  const started = performance.now();
  const deadline = started + seconds * 1_000;
  const sent = await Promise.all(
    Array.from({ length: SENDERS }, (_, sender) => sendUntil(deadline, loaded, bytesPerCall, sender)),
  );
  const elapsed = (performance.now() - started) / 1_000;
  const calls = sent.reduce((sum, each) => sum + each, 0);
  const stored = await untilStored(loaded, calls);
  const load: Measured = {
    phase: "load",
    bytes_per_call: bytesPerCall,
    calls,
    calls_per_second: Math.round(calls / elapsed),
    stored,
    ...(await memory.end()),
  };
  await loaded.stop({ keep: true });

  await rm(clickhouse, { recursive: true });
  await cp(empty, clickhouse, { recursive: true });
  const filling = await startLocal({}, folder);
  const fillingMemory = watchMemory(filling.pid);
  const fillingStarted = performance.now();
  const filled = await untilStored(filling, calls);
  const refill: Measured = {
    phase: "refill",
    bytes_per_call: bytesPerCall,
    calls,
    calls_per_second: Math.round((filled * 1_000) / (performance.now() - fillingStarted)),
    stored: filled,
    ...(await fillingMemory.end()),
  };
  await filling.stop();
  return [load, refill];
}

function watchMemory(pid: number): {
  end(): Promise<Pick<Measured, "peak_rss_mb" | "peak_without_log_mb">>;
} {
  const stop = new AbortController();
  let peakKib = 0;
  const sampling = (async () => {
    while (!stop.signal.aborted) {
      peakKib = Math.max(peakKib, withoutLogKib(pid));
      await systemClock.sleep(SAMPLE_MS, stop.signal);
    }
  })();
  return {
    async end() {
      stop.abort();
      await sampling;
      return {
        peak_rss_mb: Math.round(statusKib(pid, "VmHWM") / 1_024),
        peak_without_log_mb: Math.round(peakKib / 1_024),
      };
    },
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

/** Resident, without the pages of the log's file: the engine and Node with their code, and all that they allocated. */
function withoutLogKib(pid: number): number {
  const mappings = readFileSync(`/proc/${pid}/smaps`, "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const kept = mappings.filter((each) => !/^.*\.(mdb|lmdb)$/m.test(each));
  return kept.reduce((sum, each) => sum + Number(/^Rss:\s+(\d+)/m.exec(each)?.[1] ?? 0), 0);
}
