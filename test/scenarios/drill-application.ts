/** An application as a drill meets it: one call of its use case, by its policy, through its own code, then the end. */
import { createClient } from "@plumbline/client/node";

const TICKET = "Customer was charged $40 twice on 3 May.";
const { PLUMBLINE_URL, PLUMBLINE_REGISTRY_URL, OPENAI_BASE_URL, OPENAI_API_KEY, STATE_DIR } = process.env;
const isStubborn = process.argv.includes("--stubborn");

const client = createClient({
  url: PLUMBLINE_URL,
  registryUrl: PLUMBLINE_REGISTRY_URL,
  app: "support-desk",
  useCases: ["ticket-summary"],
  stateDir: STATE_DIR,
  fallbackAfterMs: 300,
  firstWaitMs: 60_000,
  onWarning: () => undefined,
});
const ask = client.fetch();

async function complete(model: string, messages: readonly object[], signal: AbortSignal): Promise<string> {
  const response = await ask(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${OPENAI_API_KEY}` },
    body: JSON.stringify({ model, messages }),
    signal,
  });
  if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { status: response.status });
  const body = (await response.json()) as { choices: { message: { content: string | null } }[] };
  return body.choices[0]!.message.content ?? "";
}

try {
  await client.withPolicy("ticket-summary", {
    vars: { ticket: TICKET },
    call: async ({ prompt, model, signal }) => {
      const messages = prompt.messages({ ticket: TICKET });
      if (!isStubborn) return complete(model, messages, signal);
      // As an SDK does that retries by itself, behind the policy's back.
      for (let attempt = 1; ; attempt++) {
        try {
          return await complete(model, messages, signal);
        } catch (error) {
          if (attempt === 3) throw error;
        }
      }
    },
  });
} finally {
  await client.close(10_000);
}
