/**
 * The call event, schema version 1: one user request to a prompt and its final outcome.
 *
 * This repeats the input side of the collector's schema, so that this package depends on nothing; a test proves
 * that the two accept the same values. Field names are the wire's: `snake_case`, units last. Durations are
 * milliseconds, money is US dollars, times are ISO 8601 in UTC.
 */

/** Which rung of the degradation tree answered. */
export type CallPath =
  | "primary"
  | "retry"
  | "fallback_model"
  | "cached_exact"
  | "cached_semantic"
  | "stale"
  | "template"
  | "error";

/** Outcome for the user. Says nothing about quality. */
export type CallStatus =
  | "ok"
  | "error"
  | "timeout"
  | "rate_limited"
  | "invalid_output"
  | "refused"
  | "cancelled";

/** One provider request inside a call. */
export interface Attempt {
  /** Provider asked, at most 200 characters. */
  provider?: string | null | undefined;
  /** Model asked for, at most 200 characters. */
  model: string;
  path: CallPath;
  status: CallStatus;
  /** Low-cardinality class of the failure, such as `http_529`. */
  error_type?: string | null | undefined;
  latency_ms: number;
  /** Including cached tokens. */
  input_tokens?: number | null | undefined;
  cached_input_tokens?: number | null | undefined;
  cache_write_input_tokens?: number | null | undefined;
  output_tokens?: number | null | undefined;
  cost_usd?: number | null | undefined;
}

/** An event as it is sent. Names are 1 to 200 characters. */
export interface LlmCall {
  /** UUIDv7, made once when the call ends; every idempotency guarantee rests on it. */
  call_id: string;
  schema_version?: 1 | undefined;
  /** When the application began the call. */
  started_at: string;
  env?: string | undefined;
  app: string;
  app_version?: string | null | undefined;
  /** Feature that the prompt serves. */
  use_case: string;
  /** sha256:<64 hex> of the canonical prompt; absent means untagged, and is counted against the app. */
  prompt_version?: string | null | undefined;
  prompt_source?: "live" | "cache" | "last_known_good" | "bundled" | "none" | undefined;
  provider?: string | null | undefined;
  /** Model asked for. */
  model: string;
  /** Model that the provider says answered. */
  response_model?: string | null | undefined;
  path?: CallPath | undefined;
  /** At most 20. */
  attempts?: Attempt[] | undefined;
  status: CallStatus;
  error_type?: string | null | undefined;
  /** The whole call as the user waited for it, ms. */
  latency_ms: number;
  /** Time to first token, ms. */
  ttft_ms?: number | null | undefined;
  /** Of the answer, including cached tokens; those of attempts that did not answer stand with them. */
  input_tokens?: number | null | undefined;
  cached_input_tokens?: number | null | undefined;
  /** Input tokens that the provider stored in its cache. */
  cache_write_input_tokens?: number | null | undefined;
  /** Including those of reasoning. */
  output_tokens?: number | null | undefined;
  reasoning_output_tokens?: number | null | undefined;
  /** US dollars; null is unknown, and the tokens are then priced on arrival. */
  cost_usd?: number | null | undefined;
  cache_kind?: "none" | "prefix" | "exact" | "semantic" | undefined;
  /** The unit of statistics; a call without one is its own conversation. */
  conversation_id?: string | null | undefined;
  /** A salted hash, never an identity. */
  user_hash?: string | null | undefined;
  trace_id?: string | null | undefined;
  span_id?: string | null | undefined;
  input?: string | null | undefined;
  output?: string | null | undefined;
  /** Template variables. */
  vars?: Record<string, string> | null | undefined;
  /** At most 32 keys of 100 characters, values of 1,000. */
  attributes?: Record<string, string> | undefined;
  /** The emitter shortened input, output or vars. */
  is_truncated?: boolean | undefined;
  /** One emitter's life: process start to process end. */
  emitter_id?: string | null | undefined;
  /** Per emitter_id, from 0, gap-free: a gap is a lost call. */
  sequence?: number | null | undefined;
  /** Calls that this emitter had dropped when it sent this one. */
  dropped?: number | undefined;
  /** The emitter's counts when it sent this call; on the first call of every batch. */
  client_report?: ClientReport | null | undefined;
}

/** What one emitter counted since it was created, cumulative: a report that is lost or repeated does no harm. */
export interface ClientReport {
  emitted: number;
  /** Calls that the receiver said are durable. */
  acknowledged: number;
  /** Calls that the receiver refused for good. */
  rejected: number;
  /** Dropped calls by reason. */
  dropped?: Record<string, number> | undefined;
}

type Assigned =
  | "call_id"
  | "started_at"
  | "app"
  | "emitter_id"
  | "sequence"
  | "dropped"
  | "client_report"
  | "is_truncated";

/** What an application emits. The emitter assigns the rest; a `call_id` given here is kept. */
export type NewCall = Omit<LlmCall, Assigned> & Partial<Pick<LlmCall, "call_id" | "started_at" | "app">>;
