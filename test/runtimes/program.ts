/**
 * An application as any runtime may run it: web APIs and the client, nothing else. It asks for a prompt, is answered at
 * the second attempt, then from its cache, and says what it saw as one line of JSON.
 */
import { CallFailedError, createClient } from "@plumbline/client";
import { createAnswerCache } from "@plumbline/client/cache";
import { streamWithPolicy } from "@plumbline/client/stream";
import { hasNoPii, matchesSchema } from "@plumbline/client/validators";

export interface Addresses {
  readonly registry: string;
  readonly collector: string;
  readonly provider: string;
  readonly runtime: string;
}

export async function play({ registry, collector, provider, runtime }: Addresses): Promise<string> {
  const warnings: string[] = [];
  const client = createClient({
    url: collector,
    registryUrl: registry,
    app: runtime,
    useCases: ["ticket-summary"],
    cache: createAnswerCache(),
    onWarning: (message) => void warnings.push(message),
  });
  const prompt = await client.prompt("ticket-summary");
  const fetch = client.fetch();
  const policy = { retry: { max: 1, base_ms: 1 }, cache: { mode: "readwrite" as const } };
  const vars = { ticket: "broken lamp" };
  const go = () =>
    client.withPolicy("ticket-summary", {
      vars,
      policy,
      validate: [hasNoPii(), matchesSchema({ type: "object", required: ["answer"] })],
      async call({ model, prompt: its, signal, headers }) {
        const response = await fetch(`${provider}/v1/chat/completions`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify({ model, messages: its.messages(vars) }),
          signal,
        });
        if (!response.ok) throw new Error("the provider did not want to");
        const body = (await response.json()) as { choices: { message: { content: string } }[] };
        return body.choices[0]!.message.content;
      },
    });
  const first = await go();
  // It is kept in the background.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const second = await go();
  const streamed = await streamWithPolicy(client, "ticket-summary", {
    vars: { ticket: "another" },
    policy,
    async *call() {
      yield "in ";
      yield "parts";
    },
  });
  let text = "";
  for await (const part of streamed.stream) text += part;
  const failed: unknown = await client
    .withPolicy("ticket-summary", {
      vars: { ticket: "a third" },
      policy: { deadline_ms: 200, attempt_timeout_ms: 100, retry: { max: 0 } },
      call: () => new Promise(() => {}),
    })
    .catch((error: unknown) => error);
  await client.close(10_000);
  const { emitted, acknowledged, rejected } = client.stats().emitter;
  return JSON.stringify({
    version: prompt.version,
    source: prompt.source,
    first: [first.path, first.text, first.attempts.map(({ path, status }) => `${path} ${status}`)],
    second: [second.path, second.text],
    streamed: [streamed.path, text],
    failed: failed instanceof CallFailedError ? failed.reason : String(failed),
    emitter: { emitted, acknowledged, rejected },
    warnings,
  });
}
