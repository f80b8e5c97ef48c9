/** Stands before a provider and counts what passes: what the product says of itself is held against it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Passed {
  readonly status: number;
  /** What the answer might have been long, tokens; null when the request sets no limit. */
  readonly tokensMax: number | null;
  /** `stop`, `length`, …; null when there was no answer. */
  readonly ended: string | null;
}

interface CountingProxy {
  readonly url: string;
  /** Takes what passed since the last look. */
  take(): readonly Passed[];
  close(): Promise<void>;
}

/** @param target with its version, such as http://127.0.0.1:8000/v1 */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  let passed: Passed[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const answer = await fetch(`${target}${(request.url ?? "").replace(/^\/v1/, "")}`, {
        method: request.method ?? "GET",
        headers: { "content-type": "application/json" },
        ...(body.length > 0 ? { body } : {}),
      });
      const text = await answer.text();
      passed.push({
        status: answer.status,
        tokensMax: tokensMaxOf(body.toString("utf8")),
        ended: endedOf(text),
      });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
    })().catch((error: unknown) => {
      passed.push({ status: 502, tokensMax: null, ended: null });
      response.writeHead(502, { "content-type": "text/plain" }).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    take() {
      const taken = passed;
      passed = [];
      return taken;
    },
    close: () =>
      new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve()))),
  };
}

interface Body {
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
}

function tokensMaxOf(body: string): number | null {
  const { max_tokens, max_completion_tokens } = JSON.parse(body === "" ? "{}" : body) as Body;
  return max_completion_tokens ?? max_tokens ?? null;
}

function endedOf(text: string): string | null {
  try {
    const { choices } = JSON.parse(text) as {
      readonly choices?: readonly { readonly finish_reason: string }[];
    };
    return choices?.[0]?.finish_reason ?? null;
  } catch {
    return null;
  }
}
