/**
 * Plays the incident that Plumbline exists to prevent, on real texts and through the front door.
 *
 * A support team adds "be extra careful with financial information" to a summarisation prompt. Summaries of
 * inputs that mention money lose their figures; every call still succeeds. Two weeks of v1, then v2, go through the
 * real emitter over HTTP at accelerated time, until the alert stands in the inbox.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createEmitter } from "@plumbline/emitter";
import type { Clock } from "@plumbline/ports";
import { DAY_MS } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";

export const EXAMPLE = new URL("../../examples/ticket-summary/", import.meta.url);
export const USE_CASE = "ticket-summary";
export const CALLS_PER_DAY = 2_000;
export const DAYS_OF_V1 = 14;
/** v2 is played no longer than this: an alert that needs more has failed. */
export const DAYS_OF_V2 = 10;
/** Calls sent before the player looks at the inbox again. */
export const CALLS_PER_LOOK = 250;
/** The emitter's queue is bounded and drops its oldest; a player that outruns it would lose its own incident. */
export const QUEUE_EVENTS_MAX = 2_000;

/** A day of samples is 100; a few on their way are nothing to wait for. */
export const UNJUDGED_MAX = 20;

export interface Passage {
  readonly id: string;
  readonly input: string;
  readonly v1: string;
  readonly v2: string;
}

export interface DemoProgress {
  readonly phase: "v1" | "v2";
  /** In [0,1], of the longest that the demo may take. */
  readonly share: number;
  readonly calls: number;
}

interface DemoOptions {
  readonly collectorUrl: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether the alert stands in the inbox; asked between blocks of calls. */
  readonly hasAlert: () => Promise<boolean>;
  /** Sampled calls without a verdict; the player waits for them, or accelerated time would count against the judge. */
  readonly unjudged: () => Promise<number>;
  readonly onProgress: (progress: DemoProgress) => void;
}

/** @returns how many calls were sent and what the emitter counted; `alerted` is false when v2 ran out first */
export async function playIncident(
  options: DemoOptions,
): Promise<{ readonly calls: number; readonly alerted: boolean }> {
  const { clock, signal, onProgress } = options;
  const passages = readPassages();
  const versions = { v1: promptVersion("v1"), v2: promptVersion("v2") };
  const random = createRandom(20240115);
  const total = (DAYS_OF_V1 + DAYS_OF_V2) * CALLS_PER_DAY;
  // The last call that could be sent is dated now: every time is in the past, and no clock looks wrong.
  const start = clock.now() - (DAYS_OF_V1 + DAYS_OF_V2) * DAY_MS;
  let simulated = start;
  const emitter = createEmitter({
    url: options.collectorUrl,
    app: "support-desk",
    env: "production",
    now: () => simulated,
    queueMax: 4 * QUEUE_EVENTS_MAX,
  });

  let calls = 0;
  let alerted = false;
  for (; calls < total && !alerted && !signal.aborted; calls++) {
    const phase = calls < DAYS_OF_V1 * CALLS_PER_DAY ? "v1" : "v2";
    const passage = passages[random.integer(passages.length)]!;
    simulated = start + (calls / CALLS_PER_DAY) * DAY_MS;
    emitter.emit({
      use_case: USE_CASE,
      prompt_version: versions[phase],
      prompt_source: "live",
      provider: "openai",
      model: "gpt-5-mini",
      status: "ok",
      latency_ms: Math.round(900 + 1_400 * random.uniform()),
      input_tokens: Math.round(passage.input.length / 4),
      output_tokens: Math.round(passage[phase].length / 4),
      input: passage.input,
      output: passage[phase],
    });
    if (calls % CALLS_PER_LOOK !== CALLS_PER_LOOK - 1) continue;

    onProgress({ phase, share: calls / total, calls: calls + 1 });
    while (emitter.stats().queue_events > QUEUE_EVENTS_MAX && !signal.aborted) await clock.sleep(20, signal);
    if (phase === "v2") {
      while ((await options.unjudged()) > UNJUDGED_MAX && !signal.aborted) await clock.sleep(50, signal);
      alerted = await options.hasAlert();
    }
  }
  await emitter.flush(10_000);
  // The last verdicts may still be on their way to the monitor's next look.
  for (let waited = 0; !alerted && !signal.aborted && waited < 20; waited++) {
    await clock.sleep(500, signal);
    alerted = await options.hasAlert();
  }
  await emitter.close(2_000);
  return { calls, alerted };
}

export function readPassages(): readonly Passage[] {
  return gunzipSync(readFileSync(new URL("fixtures/passages.jsonl.gz", EXAMPLE)))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Passage);
}

function promptVersion(version: "v1" | "v2"): string {
  const text = readFileSync(new URL(`incident/${USE_CASE}.${version}.prompt`, EXAMPLE));
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
