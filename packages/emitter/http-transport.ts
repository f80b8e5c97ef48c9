import { retryAfterMs } from "./delivering.ts";
import type { SendResult, Transport } from "./transport.ts";

export interface HttpTransportOptions {
  /** The collector's base address, such as `http://localhost:4319`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** For tests and for runtimes with their own. Default: the global `fetch`, which keeps connections alive. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Below this many characters gzip costs more than it saves. */
const GZIP_FROM_CHARS = 1024;

/** Sends batches as newline-delimited JSON to `POST {url}/v1/calls`, gzipped where the runtime can. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const address = `${options.url.replace(/\/+$/, "")}/v1/calls`;
  const headers: Record<string, string> = { "content-type": "application/x-ndjson" };
  if (options.apiKey !== undefined) headers["authorization"] = `Bearer ${options.apiKey}`;

  return {
    async send(batch, { signal }) {
      if (!/^https?:\/\/./i.test(address))
        return { kind: "refused", detail: "check url, it begins with http:// or https://" };
      const text = `${batch.map((each) => each.json).join("\n")}\n`;
      const isZipped = typeof CompressionStream !== "undefined" && text.length >= GZIP_FROM_CHARS;
      const response = await (options.fetch ?? fetch)(address, {
        method: "POST",
        headers: isZipped ? { ...headers, "content-encoding": "gzip" } : headers,
        body: isZipped ? await gzip(text) : text,
        signal,
        // Followed, a POST becomes a GET at an address that nobody configured, and stores nothing.
        redirect: "manual",
      });
      // Read to the end in every case: an unread body keeps its connection from being used again.
      return toResult(response, await response.text());
    },
  };
}

async function gzip(text: string): Promise<ArrayBuffer> {
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}

/** What is read of the collector's answer, whoever gave it. */
interface Answer {
  readonly accepted?: unknown;
  readonly rejected?: unknown;
  readonly warnings?: unknown;
  readonly errors?: unknown;
  readonly type?: unknown;
}

function toResult({ status, headers }: Response, body: string): SendResult {
  let answer: Answer | null = null;
  try {
    answer = JSON.parse(body) as Answer | null;
  } catch {
    // A proxy's page.
  }
  if (status === 200) {
    // A proxy that answers 200 for everything stores nothing.
    if (typeof answer?.accepted !== "number")
      return { kind: "retry", afterMs: null, detail: "HTTP 200 without the collector's answer" };
    const { accepted, rejected, warnings } = answer;
    return { kind: "accepted", accepted, detail: messagesOf(rejected)[0], warnings: messagesOf(warnings) };
  }
  const detail = `HTTP ${status}`;
  if (status === 400 || status === 422) {
    // Only the collector knows what is wrong with events; a proxy's page says nothing about them.
    if (!Array.isArray(answer?.errors) && !String(answer?.type).startsWith("urn:plumbline:"))
      return { kind: "retry", afterMs: null, detail: `${detail} without the collector's answer, check url` };
    return { kind: "accepted", accepted: 0, detail: messagesOf(answer?.errors)[0] ?? detail };
  }
  if (status === 413) return { kind: "too_large" };
  if (status === 408 || status === 429 || status >= 500)
    return { kind: "retry", afterMs: retryAfterMs((name) => headers.get(name)), detail };
  return {
    kind: "refused",
    detail: `${detail}, check ${status === 401 || status === 403 ? "apiKey" : "url"}`,
  };
}

/** What the collector says of events, at most 300 characters each. */
function messagesOf(issues: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(issues) ? issues : [];
  return list.map((each) => String((each as { message?: unknown } | null)?.message).slice(0, 300));
}
