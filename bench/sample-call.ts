import { uuidV7 } from "@plumbline/emitter";
import type { EventLog } from "@plumbline/ports";
import { createRandom, type Random } from "@plumbline/stats";

const WORDS =
  "customer charged twice for order refund of invoice amount since monday please check account number delivery late parcel address changed agent replied yesterday with tracking link no answer".split(
    " ",
  );

/** A call event of about 1 KB of JSON, as an application's emitter would send it, with words and figures that differ. */
export function sampleCall(
  random: Random,
  n: number,
  startedAt: number,
): Record<string, unknown> & { call_id: string } {
  return {
    call_id: uuidV7(startedAt),
    schema_version: 1,
    started_at: new Date(startedAt).toISOString(),
    env: "production",
    app: "support-desk",
    use_case: `use-case-${n % 12}`,
    prompt_version: `sha256:${(n % 3).toString(16).repeat(64)}`,
    prompt_source: "live",
    provider: "openai",
    model: "gpt-5-mini",
    path: "primary",
    status: "ok",
    latency_ms: 400 + random.integer(2_000),
    ttft_ms: 100 + random.integer(200),
    input_tokens: 400 + random.integer(100),
    output_tokens: 60 + random.integer(60),
    conversation_id: `conversation-${n}`,
    input: sentence(random, 330),
    output: sentence(random, 110),
    attributes: { tier: n % 3 === 0 ? "enterprise" : "free", locale: "en" },
    emitter_id: "bench",
    sequence: n,
  };
}

/** What was appended, so that a bench need not hold it while it measures. */
export interface Appended {
  readonly events: number;
  readonly bytes: number;
  readonly seconds: number;
}

const APPEND_BATCH = 1_000;

/**
 * Appends `count` calls, keyed as the collector keys them. They are made batch by batch and let go: holding them all
 * would make the bench's own garbage collection part of what it measures.
 */
export async function appendSample(
  log: EventLog,
  count: number,
  seed: number,
  startedAt: number,
): Promise<Appended> {
  const random = createRandom(seed);
  const encoder = new TextEncoder();
  let bytes = 0;
  let seconds = 0;
  for (let from = 0; from < count; from += APPEND_BATCH) {
    const records = Array.from({ length: Math.min(APPEND_BATCH, count - from) }, (_, i) => {
      const n = from + i;
      // An hour of traffic.
      const call = sampleCall(random, n, startedAt - Math.round((1 - n / count) * 3_600_000));
      const value = encoder.encode(JSON.stringify(call));
      bytes += value.length;
      return { key: call.call_id, value, headers: { tenant: "default" } };
    });
    const started = performance.now();
    await log.append("plumbline.calls", records);
    seconds += (performance.now() - started) / 1000;
  }
  return { events: count, bytes, seconds };
}

function sentence(random: Random, length: number): string {
  let text = "";
  while (text.length < length) {
    text +=
      random.integer(12) === 0 ? `$${random.integer(900)}.50 ` : `${WORDS[random.integer(WORDS.length)]!} `;
  }
  return text.trim();
}
