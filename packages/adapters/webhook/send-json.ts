import { addressOf, ExternalError, whyUnreachable } from "@plumbline/ports";

/** Answers after which the same request is worth sending again. */
const PASSING = new Set([408, 425, 500, 502, 503, 504]);
/** The connection was never made, so nothing can have arrived. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

interface JsonRequest {
  readonly url: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Posts JSON once, and throws what the answer means. Redirects are not followed: a body that is signed for one address goes
 * to no other.
 *
 * @throws ExternalError
 */
export async function sendJson({ url, body, headers, timeoutMs, signal }: JsonRequest): Promise<void> {
  const where = addressOf(url);
  if (signal.aborted)
    throw new ExternalError("external_unavailable", `${where}: stopping`, { retryable: true });
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    await answer.body?.cancel();
  } catch (error) {
    const why = whyUnreachable(url, error);
    throw new ExternalError("external_unavailable", `${where}: ${why}`, {
      cause: error,
      retryable: NOT_SENT.has(why),
    });
  }
  if (answer.status >= 200 && answer.status < 300) return;
  const what = `${where}: HTTP ${answer.status}`;
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get("retry-after"));
    throw new ExternalError("external_rate_limited", what, {
      retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : null,
    });
  }
  if (PASSING.has(answer.status)) throw new ExternalError("external_unavailable", what, { retryable: false });
  throw new ExternalError(
    answer.status === 400 || answer.status === 413 ? "external_refused_one" : "external_refused",
    what,
  );
}
