import { uuidV7 } from "@plumbline/emitter";
import type { NewRecord } from "@plumbline/ports";
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

/** The same as records of the log, keyed as the collector keys them. */
export function sampleRecords(
  count: number,
  seed: number,
  startedAt: number,
): readonly (NewRecord & { key: string })[] {
  const random = createRandom(seed);
  const bytes = new TextEncoder();
  return Array.from({ length: count }, (_, n) => {
    // Spread over two days, as a backlog would be: two partitions of the payloads.
    const call = sampleCall(random, n, startedAt - Math.round((n / count) * 2 * 86_400_000));
    return { key: call.call_id, value: bytes.encode(JSON.stringify(call)), headers: { tenant: "default" } };
  });
}

function sentence(random: Random, length: number): string {
  let text = "";
  while (text.length < length) {
    text +=
      random.integer(12) === 0 ? `$${random.integer(900)}.50 ` : `${WORDS[random.integer(WORDS.length)]!} `;
  }
  return text.trim();
}
