import type { Attempt, CallStatus } from "@plumbline/emitter";
import type { TokenUsage } from "@plumbline/emitter/token-usage";
import type { CallMeta } from "./call-meta.ts";

/** What the instrumented `fetch` saw of one request to a provider. */
export interface Observed {
  readonly provider: string;
  readonly model: string;
  readonly response_model: string | null;
  readonly status: CallStatus;
  /** Low-cardinality class of the failure, such as `http_529`; null when there is none. */
  readonly error_type: string | null;
  /** Null when no answer came. */
  readonly http_status: number | null;
  /** What the provider asked to wait, ms. */
  readonly retry_after_ms: number | null;
  /** To the end of the body. */
  readonly latency_ms: number;
  /** Of a stream. */
  readonly ttft_ms: number | null;
  readonly usage: TokenUsage | null;
  readonly input: string | null;
  readonly output: string | null;
}

/** Takes what was seen of the requests of one attempt; a policy then tells of the whole call. */
export interface AttemptSink {
  observed(request: Observed): void;
}

/** What is true of every request made inside a `run` or inside an attempt of a policy. */
export interface CallContext {
  readonly meta: CallMeta;
  readonly attempt: AttemptSink | null;
}

/** Carries a context to whatever is called inside, also after an `await`. Of Node it is an AsyncLocalStorage. */
export interface ContextStore {
  current(): CallContext | undefined;
  run<Result>(context: CallContext, work: () => Result): Result;
}

/** Where a runtime has nothing that carries a context: headers do. */
export const NO_CONTEXT: ContextStore = { current: () => undefined, run: (_context, work) => work() };

/** What an attempt tells of its tokens: those of the cache only where the provider counts them. */
export function attemptTokens(
  usage: TokenUsage | null | undefined,
): Pick<Attempt, "input_tokens" | "cached_input_tokens" | "cache_write_input_tokens" | "output_tokens"> {
  const { input_tokens = null, cached_input_tokens: cached, cache_write_input_tokens: written } = usage ?? {};
  return {
    input_tokens,
    ...(cached != null && { cached_input_tokens: cached }),
    ...(written != null && { cache_write_input_tokens: written }),
    output_tokens: usage?.output_tokens ?? null,
  };
}
