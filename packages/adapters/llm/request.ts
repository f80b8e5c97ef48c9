/** One JSON request to a provider: a timeout, a bounded number of tries, and our own errors. */
import { addressOf, ExternalError, whyUnreachable, type Clock } from "@plumbline/ports";
import { clip } from "@plumbline/features";
import { type Refused, sentenceOf, type Wire, type WireAnswer } from "./wire.ts";

/** Tries of one request, the first included. */
const TRIES_MAX = 3;
const BACKOFF_MS = 500;
/** A provider that asks for a longer wait is obeyed by whoever called, not here. */
const WAIT_MS_MAX = 20_000;
const BODY_BYTES_MAX = 4_000_000;
const SENTENCE_CHARS_MAX = 300;
/** Characters in a row that are no coincidence. */
const ECHO_CHARS = 8;

interface RequestDeps {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Uniform in [0,1), for the jitter. */
  readonly random: () => number;
}

export type Reply =
  /** `latencyMs`: of the try that was answered, without the waits before it. */
  | { readonly kind: "answer"; readonly answer: WireAnswer; readonly latencyMs: number }
  | ({ readonly kind: "refused" } & Refused);

/**
 * Posts JSON; repeats what may pass by itself (429, 408, 5xx, a lost connection, a timeout, an answer without content)
 * with growing, jittered waits, honouring `retry-after-ms` and `retry-after`.
 *
 * @throws ExternalError when the provider stays unreachable, limits us, or answers with something else
 */
export async function postJson(wire: Wire, body: object, deps: RequestDeps): Promise<Reply> {
  for (let attempt = 1; ; attempt++) {
    let error: ExternalError;
    try {
      return await postOnce(wire, body, deps);
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

async function postOnce(wire: Wire, body: object, deps: RequestDeps): Promise<Reply> {
  const { url, headers } = wire;
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
    return replyOf(wire, body, response, text, {
      now: clock.now(),
      latencyMs: performance.now() - startedAt,
    });
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
  wire: Wire,
  sent: object,
  response: Response,
  text: string,
  { now, latencyMs }: { readonly now: number; readonly latencyMs: number },
): Reply {
  const body = text.length > BODY_BYTES_MAX ? undefined : tryJson(text);
  const error = response.ok ? errorIn(body) : null;
  const status = error === null ? response.status : error.status;
  if (response.ok && error === null) {
    if (body !== undefined) return { kind: "answer", answer: wire.read(body), latencyMs };
    throw noJson(text);
  }
  const words = sentenceOf(error === null ? body : error.said, text) ?? "";
  // A proxy or a provider may repeat what it was sent, and its sentence goes to logs.
  const said = clip(withoutTexts(withoutKeys(words, wire.headers), sent), SENTENCE_CHARS_MAX);
  const sentence = said === "" ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  const retryAfterMs = retryAfterOf(response.headers, now);
  if (status === 429) throw new ExternalError("external_rate_limited", sentence, { retryAfterMs });
  if (status === 408 || status === 409 || (status >= 500 && !CHECKED.test(words)))
    throw new ExternalError("external_unavailable", sentence, { retryAfterMs });
  return { kind: "refused", status, sentence, words, param: paramOf(body) };
}

/** A server that checks what it is asked may say what is wrong with it under 500: asked the same again, it says the same. */
const CHECKED =
  /\bvalidation errors?\b|\bliteral_error\b|\bextra_forbidden\b|\bInput should be\b|\bunexpected keyword argument\b/i;

function noJson(text: string): ExternalError {
  const what = text.trim() === "" ? "the answer is empty" : "the answer is not JSON";
  return new ExternalError("external_invalid_response", what, { retryable: true });
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | null {
  return typeof value === "object" && value !== null ? (value as Fields) : null;
}

/** An error that comes with HTTP 200, which gateways do once they have begun to answer; null without one. */
function errorIn(body: unknown): { readonly status: number; readonly said: unknown } | null {
  const error = fieldsOf(body)?.["error"];
  if (error === undefined || error === null || error === false || error === "") return null;
  const fields = fieldsOf(error);
  const said = fields ?? (typeof error === "string" ? error : "");
  for (const code of [fields?.["code"], fields?.["status"], fields?.["status_code"]]) {
    const status = Number(code);
    if (Number.isInteger(status) && status >= 400 && status < 600) return { status, said };
  }
  const words = [fields?.["type"], fields?.["code"], fields?.["status"], sentenceOf(said, "")].join(" ");
  return { status: KINDS.find(([kind]) => kind.test(words))?.[1] ?? 502, said };
}

const KINDS: readonly (readonly [RegExp, number])[] = [
  [/rate.?limit|too many requests|resource.?exhausted/i, 429],
  [/overloaded|unavailable|timed? ?out|capacity|internal|server.?error/i, 503],
  [/authentication|api.?key|permission/i, 401],
  [/content.?(?:filter|policy)|moderation|invalid|bad.?request|unsupported|not support/i, 400],
];

function paramOf(body: unknown): string | null {
  const fields = fieldsOf(body);
  const param = fieldsOf(fields?.["error"])?.["param"] ?? fields?.["param"];
  return typeof param === "string" && param !== "" ? param : null;
}

function withoutKeys(words: string, headers: Wire["headers"]): string {
  const keys = [headers["x-api-key"], headers["authorization"]?.replace(/^Bearer /, "")];
  return keys.reduce<string>((said, key) => {
    if (key === undefined) return said;
    const escaped = JSON.stringify(key).slice(1, -1);
    const twice = JSON.stringify(escaped).slice(1, -1);
    return [twice, escaped, key].reduce((left, each) => left.replaceAll(each, "[key]"), said);
  }, words);
}

/** Words in a row that the judged texts hold too are taken for a repetition of them. */
function withoutTexts(words: string, sent: object): string {
  const texts = textsOf(sent);
  let said = "";
  let goneUntil = 0;
  for (let i = 0; i < words.length; i++) {
    const run = words.slice(i, i + ECHO_CHARS);
    if (run.length === ECHO_CHARS && texts.includes(run)) {
      if (i >= goneUntil) said += "[…]";
      goneUntil = i + ECHO_CHARS;
    }
    if (i >= goneUntil) said += words[i];
  }
  return said;
}

function textsOf(sent: object): string {
  const messages: unknown = fieldsOf(sent)?.["messages"];
  const contents = Array.isArray(messages) ? messages.map((each) => fieldsOf(each)) : [];
  return contents
    .flatMap((message) => {
      const content = message?.["content"];
      return message?.["role"] !== "system" && typeof content === "string" ? [content] : [];
    })
    .join("\n");
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
