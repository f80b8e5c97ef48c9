/**
 * What emitting costs the caller, and whether anything is lost or doubled on the way into the log.
 *
 * 100,000 events of about 1 KB are emitted in bursts, as requests of an application would, to a real collector over
 * HTTP with the in-memory log, all in this process. Loss and duplicates are counted from what the log holds.
 *
 *   node --conditions=source --import tsx bench/emitter.ts [--json]
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createEmitter, type NewCall } from "@plumbline/emitter";
import { createLogger } from "@plumbline/runtime/logger";
import { createCollector } from "@plumbline/services/collector/service";

const EVENTS = 100_000;
/** Events emitted before the process gets to do something else, as in a busy tick of a server. */
const BURST = 50;
const WARM_UP = 2000;

const WORDS =
  "refund invoice order late parcel customer asks about the status of her ticket since monday".split(" ");

function text(length: number, n: number): string {
  let words = `ticket ${n}`;
  for (let word = n; words.length < length; word += 7) words += ` ${WORDS[word % WORDS.length]}`;
  return words;
}

function event(n: number): NewCall {
  return {
    use_case: "ticket-summary",
    prompt_version: `sha256:${"a3".repeat(32)}`,
    prompt_source: "live",
    provider: "openai",
    model: "gpt-5-mini",
    path: "primary",
    status: "ok",
    latency_ms: 812.5,
    ttft_ms: 210,
    input_tokens: 412,
    output_tokens: 80,
    conversation_id: `c${n % 1000}`,
    input: text(500, n),
    output: text(150, n + 3),
    attributes: { tier: n % 3 === 0 ? "enterprise" : "free" },
  };
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function quantile(values: Float64Array, share: number): number {
  return values.toSorted()[Math.floor(share * (values.length - 1))]!;
}

const logger = createLogger("bench", "error");
const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
const collector = createCollector({ log, clock: systemClock, logger, port: 0 });
const stop = new AbortController();
const running = collector.run(stop.signal);
const emitter = createEmitter({
  app: "bench",
  url: await collector.url,
  queueMax: EVENTS,
  queueBytesMax: 2 ** 30,
});
const events = Array.from({ length: 1000 }, (_, n) => event(n));

for (let n = 0; n < WARM_UP; n++) {
  emitter.emit(events[n % 1000]!);
  JSON.stringify(events[n % 1000]);
}
await emitter.flush(60_000);

const emit_us = new Float64Array(EVENTS);
const stringify_us = new Float64Array(EVENTS);
let characters = 0;
const started = performance.now();
for (let n = 0; n < EVENTS; n++) {
  const call = events[n % 1000]!;
  const before = performance.now();
  emitter.emit(call);
  const between = performance.now();
  characters += JSON.stringify(call).length;
  const after = performance.now();
  emit_us[n] = (between - before) * 1000;
  stringify_us[n] = (after - between) * 1000;
  if (n % BURST === BURST - 1) await new Promise((resolve) => setImmediate(resolve));
}
const flushed = await emitter.flush(300_000);
const seconds = (performance.now() - started) / 1000;

const ids: string[] = [];
for (let from = 0; ;) {
  const records = await log.read("plumbline.calls", 0, from, { recordsMax: 10_000 });
  if (records.length === 0) break;
  for (const record of records) ids.push(record.key);
  from = records.at(-1)!.offset + 1;
}
const distinct = new Set(ids).size;
await emitter.close();
stop.abort();
await running;
await log.close();

const bundle = await build({
  entryPoints: [fileURLToPath(new URL("../packages/emitter/index.ts", import.meta.url))],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "neutral",
  write: false,
});

const rounded = (value: number): number => Math.round(value * 100) / 100;
const result = {
  events: EVENTS,
  event_bytes: Math.round(characters / EVENTS),
  emit_us_mean: rounded(mean(emit_us)),
  emit_us_p50: rounded(quantile(emit_us, 0.5)),
  emit_us_p99: rounded(quantile(emit_us, 0.99)),
  stringify_us_mean: rounded(mean(stringify_us)),
  ratio: rounded(mean(emit_us) / mean(stringify_us)),
  lost: EVENTS + WARM_UP - distinct,
  duplicated: ids.length - distinct,
  events_per_s: Math.round(EVENTS / seconds),
  gzip_kb: rounded(gzipSync(bundle.outputFiles[0]!.contents).length / 1024),
};

console.log(
  `emit       ${result.emit_us_mean} µs mean, ${result.emit_us_p50} µs median, ${result.emit_us_p99} µs p99`,
);
console.log(
  `stringify  ${result.stringify_us_mean} µs mean of the same event (${result.event_bytes} bytes); ratio ${result.ratio}`,
);
console.log(
  `delivery   ${result.lost} lost, ${result.duplicated} duplicated of ${EVENTS + WARM_UP}; ${result.events_per_s} events/s end to end, one process`,
);
console.log(`size       ${result.gzip_kb} KB gzipped`);
if (process.argv.includes("--json")) console.log(JSON.stringify(result));
if (result.lost > 0 || result.duplicated > 0 || flushed.queued > 0) process.exitCode = 1;
