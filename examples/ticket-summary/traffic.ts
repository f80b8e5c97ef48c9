/**
 * An application that summarises tickets, as yours may look: it asks the client for the live prompt, the provider for a
 * summary, and emits the call.
 * `node --conditions=source --import tsx examples/ticket-summary/traffic.ts [--calls 1000] [--rate 40]`, calls a second.
 *
 * Addresses: PLUMBLINE_COLLECTOR_URL, PLUMBLINE_REGISTRY_URL and PLUMBLINE_PROVIDER_OPENAI_URL; those of local mode and
 * of `provider.ts` when unset. Ends at ctrl-c, and says what it served.
 */
import { randomUUID } from "node:crypto";
import { env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createClient } from "@plumbline/client/node";
import { readPassages } from "./passages.ts";

const USE_CASE = "ticket-summary";
/** Requests to the provider at a time; beyond it the rate falls. */
const IN_FLIGHT_MAX = 200;
const TIMEOUT_MS = 30_000;

const { values } = parseArgs({
  options: { calls: { type: "string", default: "1000" }, rate: { type: "string", default: "40" } },
});
const [calls, rate] = [Number(values.calls), Number(values.rate)];
if (!(Number.isInteger(calls) && calls > 0 && rate > 0)) {
  process.stderr.write("--calls must be a whole number above 0, --rate calls a second above 0\n");
  process.exit(2);
}
const providerUrl = env["PLUMBLINE_PROVIDER_OPENAI_URL"] ?? "http://127.0.0.1:4900/v1";
const client = createClient({
  url: env["PLUMBLINE_COLLECTOR_URL"] ?? "http://127.0.0.1:4319",
  registryUrl: env["PLUMBLINE_REGISTRY_URL"] ?? "http://127.0.0.1:4800",
  app: "support-desk",
  useCases: [USE_CASE],
});

const passages = readPassages();
/** Calls by version, `v<number>`. */
const served = new Map<string, number>();
let failed = 0;
let isStopped = false;
process.once("SIGINT", () => (isStopped = true)).once("SIGTERM", () => (isStopped = true));

await client.prompt(USE_CASE).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
const running = new Set<Promise<void>>();
const startedAt = performance.now();
for (let call = 0; call < calls && !isStopped; call++) {
  const early = (call / rate) * 1000 - (performance.now() - startedAt);
  if (early > 0) await sleep(early);
  if (running.size >= IN_FLIGHT_MAX) await Promise.race(running);
  const asked = summarise(passages[call % passages.length]!.input).finally(() => running.delete(asked));
  running.add(asked);
}
await Promise.all(running);
const versions = [...served].toSorted(([a], [b]) => a.localeCompare(b));
for (const [version, count] of versions) process.stdout.write(`${version} served ${count} calls\n`);
await client.close();
const { emitted, acknowledged } = client.stats().emitter;
process.stdout.write(`${failed} failed; ${acknowledged} of ${emitted} events delivered\n`);

/** One ticket: a conversation of its own, served by the version that its share falls to. */
async function summarise(text: string): Promise<void> {
  const conversationId = randomUUID();
  const ticket = `Ticket ${conversationId}\n\n${text}`;
  const prompt = await client.prompt(USE_CASE, { conversationId });
  const asked = performance.now();
  const answer = await complete(prompt.model, prompt.messages({ ticket }), prompt.config);
  const latency_ms = Math.round(performance.now() - asked);
  if (answer === null) failed += 1;
  client.emit({
    ...prompt.tags,
    latency_ms,
    input: ticket,
    ...(answer === null ? { status: "error" } : { status: "ok", output: answer }),
  });
  const version = `v${prompt.number}`;
  served.set(version, (served.get(version) ?? 0) + 1);
}

/** @returns the model's text; null when the provider did not give one */
async function complete(
  model: string,
  messages: readonly unknown[],
  config: Readonly<Record<string, unknown>>,
): Promise<string | null> {
  try {
    const response = await fetch(`${providerUrl}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...config, model, messages }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = (await response.json()) as {
      choices?: readonly { readonly message?: { readonly content?: string } }[];
    };
    return body.choices?.[0]?.message?.content ?? null;
  } catch {
    return null;
  }
}
