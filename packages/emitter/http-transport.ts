import type { OutgoingCall, SendResult, Transport } from "./transport.ts";

export interface HttpTransportOptions {
  /** The collector's base address, such as `http://localhost:4319`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** For tests and for runtimes with their own. Default: the global `fetch`, which keeps connections alive. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Below this many characters gzip costs more than it saves. */
const GZIP_FROM_CHARS = 1024;
/** Longest wait that a `Retry-After` may ask for, ms: a wrong clock must not silence an application for ever. */
const RETRY_AFTER_MS_MAX = 300_000;

/** Sends batches as newline-delimited JSON to `POST {url}/v1/calls`, gzipped where the runtime can. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const address = `${options.url.replace(/\/+$/, "")}/v1/calls`;
  const headers: Record<string, string> = { "content-type": "application/x-ndjson" };
  if (options.apiKey !== undefined) headers["authorization"] = `Bearer ${options.apiKey}`;

  return {
    async send(batch, { signal }) {
      const text = `${batch.map((each) => each.json).join("\n")}\n`;
      const isZipped = typeof CompressionStream !== "undefined" && text.length >= GZIP_FROM_CHARS;
      const response = await (options.fetch ?? fetch)(address, {
        method: "POST",
        headers: isZipped ? { ...headers, "content-encoding": "gzip" } : headers,
        body: isZipped ? await gzip(text) : text,
        signal,
      });
      // Read to the end in every case: an unread body keeps its connection from being used again.
      return toResult(response, await response.text(), batch);
    },
  };
}

async function gzip(text: string): Promise<ArrayBuffer> {
  return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
}

function toResult(response: Response, body: string, batch: readonly OutgoingCall[]): SendResult {
  const { status } = response;
  if (status === 200) {
    const answer = parseObject(body);
    const accepted = answer?.["accepted"];
    // A proxy that answers 200 for everything stores nothing.
    if (typeof accepted !== "number") {
      return { kind: "retry", afterMs: null, detail: "HTTP 200 without the collector's answer" };
    }
    return accepted < batch.length
      ? { kind: "accepted", accepted, detail: firstMessage(answer?.["rejected"]) }
      : { kind: "accepted", accepted: batch.length };
  }
  if (status === 400 || status === 422) {
    const problem = parseObject(body);
    return { kind: "accepted", accepted: 0, detail: firstMessage(problem?.["errors"]) || `HTTP ${status}` };
  }
  if (status === 413) return { kind: "too_large" };
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: "retry", afterMs: retryAfterMs(response), detail: `HTTP ${status}` };
  }
  return { kind: "refused", detail: `HTTP ${status}` };
}

/** Retry-After in seconds, or as a date measured by the receiver's own clock; null when absent or unreadable. */
function retryAfterMs(response: Response): number | null {
  const value = response.headers.get("retry-after");
  if (value === null) return null;
  const ms = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

function parseObject(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function firstMessage(issues: unknown): string {
  const first: unknown = Array.isArray(issues) ? issues[0] : undefined;
  const message = (first as { message?: unknown } | undefined)?.message;
  return typeof message === "string" ? message.slice(0, 300) : "";
}
