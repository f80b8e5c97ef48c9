/** One request to a provider, as it is seen from beside: how it ended, when its first token came, what it used. */
import { type Attempt, type CallStatus, type NewCall, retryAfterMs } from "@plumbline/emitter";
import { type AttemptSink, attemptTokens, type ContextStore, type Observed } from "./call-context.ts";
import type { CallMeta } from "./call-meta.ts";
import { errorWordOf } from "./error-word.ts";
import type { BodyEnd, BodyObserver } from "./observe-body.ts";
import {
  createReading,
  type Ending,
  endingOf,
  objectOf,
  type Protocol,
  type Reading,
  textOf,
} from "./reading.ts";
import type { FailedSoFar, SdkRetries } from "./sdk-retries.ts";

export interface RequestTools {
  readonly context: ContextStore;
  readonly retries: SdkRetries;
  emit(call: NewCall): void;
}

interface Given {
  readonly protocol: Protocol;
  readonly meta: CallMeta;
  readonly attempt: AttemptSink | null;
  readonly body: string | Promise<string>;
  readonly signal: AbortSignal | null;
  /** Requests of the same call that its SDK made before; null when no SDK says. */
  readonly retryCount: number | null;
  readonly habits: { readonly maxRetries: number };
  readonly timeoutMs: number | null;
}

interface Answered {
  readonly httpStatus: number | null;
  readonly retryAfterMs: number | null;
}

/** Longest body, or line of a stream, that is read along, characters. */
const CHARS_MAX = 8 * 1_048_576;
/** What a use case is called that nobody named. */
const UNTAGGED = "untagged";
const END_OF_STREAM = /^(?:message_stop|response\.(?:completed|incomplete|failed))$/;

export class ObservedRequest implements BodyObserver {
  readonly #tools: RequestTools;
  readonly #given: Given;
  readonly #earlier: FailedSoFar | null;
  readonly #startedAt = performance.now();
  readonly #reading: Reading = createReading();
  readonly #decoder = new TextDecoder();
  #answered: Answered = { httpStatus: null, retryAfterMs: null };
  #isStream = false;
  #text = "";
  #isTooLong = false;
  #isMalformed = false;
  #isSettled = false;
  #ttftMs: number | null = null;

  constructor(tools: RequestTools, given: Given) {
    this.#tools = tools;
    this.#given = given;
    const { retryCount, body } = given;
    this.#earlier =
      retryCount !== null && retryCount > 0 && typeof body === "string" ? tools.retries.resume(body) : null;
  }

  /** There is no answer. */
  failed(error: unknown): void {
    this.#settle(this.#endingOfError(error));
  }

  /** @returns whether its body is to be read along */
  answered({ status, ok, headers, body }: Response): boolean {
    this.#answered = { httpStatus: status, retryAfterMs: readRetryAfter(headers) };
    this.#isStream = headers.get("content-type")?.includes("event-stream") === true;
    if (ok && body !== null) return true;
    this.#settle(ok ? { status: "error", error_type: "no_body" } : endingOfStatus(status));
    return false;
  }

  /** Whether the answer comes in parts. */
  get isStream(): boolean {
    return this.#isStream;
  }

  onText(text: string): void {
    if (text.length > CHARS_MAX) this.#isTooLong = true;
    else this.#text = text;
  }

  onChunk(chunk: Uint8Array): void {
    if (this.#isSettled || this.#isTooLong) return;
    this.#text += this.#decoder.decode(chunk, { stream: true });
    if (this.#isStream) this.#readLines();
    // What is not seen whole is not judged by its part.
    if (this.#text.length > CHARS_MAX) this.#isTooLong = true;
  }

  onEnd(end: BodyEnd): void {
    if (this.#isSettled) return;
    if (this.#isStream) this.#text += "\n";
    this.#readLines();
    const isComplete = this.#reading.isComplete && !this.#isMalformed;
    if (end.kind === "read" || isComplete) this.#settle(this.#endingOfAnswer());
    else if (end.kind === "broken") this.#settle(this.#endingOfError(end.error));
    else this.#settle({ status: "cancelled", error_type: null });
  }

  #readLines(): void {
    if (!this.#isStream) return this.#text === "" ? undefined : this.#read(this.#text);
    const lines = this.#text.split(/\r\n|\n|\r/);
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice("data:".length).trim();
      if (data !== "[DONE]") this.#read(data);
      else this.#settle(this.#endingOfAnswer());
    }
  }

  #read(json: string): void {
    try {
      const value = objectOf(JSON.parse(json));
      this.#given.protocol.read(value, this.#reading);
      if (this.#isStream && this.#reading.hasToken) this.#ttftMs ??= performance.now() - this.#startedAt;
      if (END_OF_STREAM.test(textOf(value["type"]))) this.#settle(this.#endingOfAnswer());
    } catch {
      this.#isMalformed = true;
    }
  }

  #endingOfAnswer(): Ending {
    if (this.#isTooLong) return { status: "ok", error_type: null };
    if (this.#isMalformed && this.#reading.error === null)
      return { status: "error", error_type: "malformed_answer" };
    return endingOf(this.#reading);
  }

  #endingOfError(error: unknown): Ending {
    const { signal, timeoutMs } = this.#given;
    if (signal?.aborted !== true) return { status: "error", error_type: errorWordOf(error) };
    const isTimeout =
      objectOf(signal.reason)["name"] === "TimeoutError" ||
      (timeoutMs !== null && performance.now() - this.#startedAt >= timeoutMs);
    return isTimeout
      ? { status: "timeout", error_type: "timeout" }
      : { status: "cancelled", error_type: null };
  }

  #settle(ending: Ending): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const endedAt = performance.now();
    const { body } = this.#given;
    const tell = (text: string): void => {
      try {
        this.#tell(ending, text, endedAt);
      } catch {
        // Telemetry fails nobody.
      }
    };
    if (typeof body === "string") tell(body);
    else void body.then(tell, () => tell(""));
  }

  #tell(ending: Ending, body: string, endedAt: number): void {
    const { protocol, meta, attempt, retryCount, habits } = this.#given;
    const observed = this.#observed(ending, readRequest(body), endedAt);
    if (attempt !== null) return attempt.observed(observed);
    const { startedAt, attempts: before } = this.#earlier ?? { startedAt: this.#startedAt, attempts: [] };
    const attempts = [...before, toAttempt(observed, before.length === 0 ? "primary" : "retry")];
    const call: NewCall = {
      ...meta,
      use_case: meta.use_case ?? UNTAGGED,
      provider: meta.provider ?? protocol.provider,
      ...callFields(observed),
      path: isAnswer(observed.status) ? attempts.at(-1)!.path : "error",
      attempts,
      status: observed.status,
      error_type: observed.error_type,
      latency_ms: endedAt - startedAt,
      input: meta.input ?? observed.input,
    };
    const tell = (): void => this.#tools.emit(call);
    const isLast = retryCount === null || retryCount >= habits.maxRetries || !isRetried(observed);
    if (isLast || body === "") tell();
    else this.#tools.retries.hold(body, { startedAt, attempts, tell }, observed.retry_after_ms);
  }

  #observed(
    { status, error_type }: Ending,
    request: Readonly<Record<string, unknown>>,
    endedAt: number,
  ): Observed {
    const { protocol, meta } = this.#given;
    const { model, text, tools, usage } = this.#reading;
    return {
      provider: meta.provider ?? protocol.provider,
      model: textOf(request["model"]) || "unknown",
      response_model: model,
      status,
      error_type,
      http_status: this.#answered.httpStatus,
      retry_after_ms: this.#answered.retryAfterMs,
      latency_ms: endedAt - this.#startedAt,
      ttft_ms: this.#ttftMs,
      usage,
      input: protocol.input(request),
      output: text || tools || null,
    };
  }
}

/** What a call takes over from the request that answered it. */
export function callFields({ model, response_model, ttft_ms, usage, output }: Observed) {
  return {
    model,
    response_model,
    ttft_ms,
    ...usage,
    output,
    ...(usage !== null && usage.cached_input_tokens !== null && usage.cached_input_tokens > 0
      ? { cache_kind: "prefix" as const }
      : {}),
  };
}

function toAttempt(observed: Observed, path: Attempt["path"]): Attempt {
  const { provider, model, status, error_type, latency_ms, usage } = observed;
  return { provider, model, path, status, error_type, latency_ms, ...attemptTokens(usage) };
}

/** What the official SDKs retry by themselves. */
function isRetried({ status, http_status }: Observed): boolean {
  if (http_status === null) return status === "error" || status === "timeout";
  return http_status === 408 || http_status === 409 || http_status === 429 || http_status >= 500;
}

/** Whether the provider said something, good or not. */
function isAnswer(status: CallStatus): boolean {
  return status === "ok" || status === "refused" || status === "invalid_output" || status === "cancelled";
}

function endingOfStatus(status: number): Ending {
  const error_type = `http_${status}`;
  if (status === 429) return { status: "rate_limited", error_type };
  return { status: status === 408 ? "timeout" : "error", error_type };
}

/** OpenAI also says it in ms. */
export function readRetryAfter(headers: { get(name: string): string | null }): number | null {
  const ms = Number(headers.get("retry-after-ms") ?? Number.NaN);
  return Number.isFinite(ms) && ms >= 0 ? ms : retryAfterMs((name) => headers.get(name));
}

function readRequest(body: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(body));
  } catch {
    return {};
  }
}
