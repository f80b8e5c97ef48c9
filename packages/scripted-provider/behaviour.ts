import type { Usage } from "./protocols/answer.ts";

/** What the provider does with one request. Durations are ms. */
export type Behaviour =
  /** A proper answer; `pauseMs` before its headers, `chunkPauseMs` between the chunks of a stream. */
  | {
      readonly kind: "answer";
      readonly text?: string;
      readonly usage?: Partial<Usage>;
      /** Arguments of one tool call, JSON; the answer then has no text. */
      readonly tool?: string;
      readonly pauseMs?: number;
      readonly chunkPauseMs?: number;
    }
  /** Takes the request and never answers. */
  | { readonly kind: "hang" }
  /** Cuts the connection before the headers. */
  | { readonly kind: "reset" }
  /** Sends the headers at once, and a body that never ends: its first chunks, then silence. */
  | { readonly kind: "slow_body"; readonly text?: string }
  /** Sends half of a proper answer, then cuts the connection. */
  | { readonly kind: "half_body"; readonly text?: string }
  /** Sends half of a proper answer, and ends as if that were all. */
  | { readonly kind: "short_body"; readonly text?: string }
  /**
   * An error status with the provider's error body. `retryAfterMs` becomes `Retry-After`, rounded up to seconds, as a
   * number or, with `asDate`, as an HTTP date.
   */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly retryAfterMs?: number;
      readonly asDate?: boolean;
    }
  /** 200 with a body that is no JSON. */
  | { readonly kind: "malformed" }
  /** 200 with an error for a body. */
  | { readonly kind: "error_body" }
  /** The model declines, in the provider's own way of saying so. */
  | { readonly kind: "refusal" }
  /** The provider withholds the answer. */
  | { readonly kind: "content_filter" }
  /** All tokens were spent before a word was written: no text, finished for `length`. */
  | { readonly kind: "empty" };

/** What comes one after the other, and what comes for ever after it. */
export interface Script {
  readonly steps?: readonly Behaviour[];
  /** Default: a proper answer. */
  readonly otherwise?: Behaviour;
}

/** Every way to fail that a drill or a matrix of failures goes through, by name. */
export const FAILURES = {
  timeout: { kind: "hang" },
  connection_reset: { kind: "reset" },
  slow_body: { kind: "slow_body" },
  half_body: { kind: "half_body" },
  short_body: { kind: "short_body" },
  rate_limited: { kind: "status", status: 429 },
  rate_limited_seconds: { kind: "status", status: 429, retryAfterMs: 1_000 },
  rate_limited_date: { kind: "status", status: 429, retryAfterMs: 1_000, asDate: true },
  rate_limited_too_long: { kind: "status", status: 429, retryAfterMs: 600_000 },
  server_error: { kind: "status", status: 500 },
  overloaded: { kind: "status", status: 529 },
  bad_request: { kind: "status", status: 400 },
  malformed_json: { kind: "malformed" },
  error_body: { kind: "error_body" },
  refusal: { kind: "refusal" },
  content_filter: { kind: "content_filter" },
  empty_output: { kind: "empty" },
} as const satisfies Readonly<Record<string, Behaviour>>;
export type FailureName = keyof typeof FAILURES;
