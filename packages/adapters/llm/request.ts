/** One JSON request to a provider: a timeout, a bounded number of tries, and our own errors. */
import { addressOf, ExternalError, whyUnreachable, type Clock } from "@plumbline/ports";

/** Tries of one request, the first included. */
const TRIES_MAX = 3;
const BACKOFF_MS = 500;
/** A provider that asks for a longer wait is obeyed by whoever called, not here. */
const WAIT_MS_MAX = 20_000;
const BODY_BYTES_MAX = 4_000_000;

interface JsonRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface RequestDeps {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Uniform in [0,1), for the jitter. */
  readonly random: () => number;
}

type JsonReply =
  /** `latencyMs`: of the try that was answered, without the waits before it. */
  | { readonly kind: "ok"; readonly body: unknown; readonly latencyMs: number }
  /** 400, 413, 422: the provider understood and does not want this request. */
  | { readonly kind: "bad_request"; readonly status: number; readonly body: unknown };

/**
 * Posts JSON; repeats what may pass by itself (429, 408, 5xx, a lost connection, a timeout) with growing, jittered
 * waits, honouring `retry-after-ms` and `retry-after`.
 *
 * @throws ExternalError when the provider stays unreachable, limits us, or refuses the key
 */
export async function postJson(request: JsonRequest, deps: RequestDeps): Promise<JsonReply> {
  for (let attempt = 1; ; attempt++) {
    let error: ExternalError;
    try {
      return await postOnce(request, deps);
    } catch (thrown) {
      if (!(thrown instanceof ExternalError) || deps.signal.aborted) throw thrown;
      error = thrown;
    }
    const wait = error.retryAfterMs ?? BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + deps.random() / 2);
    if (!error.retryable || attempt >= TRIES_MAX || wait > WAIT_MS_MAX) throw error;
    await deps.clock.sleep(wait, deps.signal);
    if (deps.signal.aborted) throw error;
  }
}

async function postOnce({ url, headers, body }: JsonRequest, deps: RequestDeps): Promise<JsonReply> {
  const { clock, timeoutMs, signal } = deps;
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const done = new AbortController();
  let isLate = false;
  void clock.sleep(timeoutMs, done.signal).then(() => {
    if (done.signal.aborted) return;
    isLate = true;
    abort.abort();
  });
  const startedAt = performance.now();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: abort.signal,
      redirect: "error",
    });
    const text = await response.text();
    return replyOf(response, text, { now: clock.now(), latencyMs: performance.now() - startedAt });
  } catch (error) {
    if (error instanceof ExternalError) throw error;
    // fetch rejects with a TypeError, an abort with a DOMException: both mean that no answer came.
    const what = isLate
      ? `no answer within ${timeoutMs} ms`
      : `the connection failed: ${whyUnreachable(url, error)} at ${addressOf(url)}`;
    throw new ExternalError("external_unavailable", what, { cause: error });
  } finally {
    done.abort();
    signal.removeEventListener("abort", stop);
  }
}

function replyOf(
  response: Response,
  text: string,
  { now, latencyMs }: { readonly now: number; readonly latencyMs: number },
): JsonReply {
  const { status } = response;
  const body = text.length > BODY_BYTES_MAX ? undefined : tryJson(text);
  if (status >= 200 && status < 300) {
    if (body !== undefined) return { kind: "ok", body, latencyMs };
    throw new ExternalError("external_invalid_response", "the answer is not JSON", { retryable: true });
  }
  const retryAfterMs = retryAfterOf(response.headers, now);
  if (status === 429) throw new ExternalError("external_rate_limited", "HTTP 429", { retryAfterMs });
  if (status === 408 || status === 409 || status >= 500) {
    throw new ExternalError("external_unavailable", `HTTP ${status}`, { retryAfterMs });
  }
  if (status === 400 || status === 413 || status === 422) return { kind: "bad_request", status, body };
  throw new ExternalError("external_refused", `HTTP ${status}: check the address, the key and the model`);
}

function retryAfterOf(headers: Headers, now: number): number | null {
  const ms = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const after = headers.get("retry-after");
  if (after === null) return null;
  const seconds = Number(after);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1_000;
  const at = Date.parse(after);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
