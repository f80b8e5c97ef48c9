import type { EmitterOptions } from "@plumbline/emitter";
import type { AnswerCache } from "./cache/answer-cache.ts";
import type { HttpGet } from "./http-get.ts";
import type { StateStore } from "./state-store.ts";
import type { ContextStore } from "./wrap/call-context.ts";

/** An answer of `GET /v1/live`, kept in the image of the application; verified when it is needed. */
export interface Bundle {
  /** ISO 8601: tells how stale it is. */
  readonly created_at?: string;
  readonly use_cases: Readonly<
    Record<string, { readonly revision?: number; readonly live: readonly unknown[] }>
  >;
}

export interface ClientOptions {
  /** Base address of collector and registry. Default `http://localhost:4319`. */
  readonly url?: string | undefined;
  /** The registry's base address, where it is not the collector's. */
  readonly registryUrl?: string | undefined;
  /** Name of the application. */
  readonly app: string;
  /** Deployment environment, both of prompts and of calls. Default `production`. */
  readonly env?: string | undefined;
  readonly apiKey?: string | undefined;
  /** Asked for from the start, so that the first `prompt` finds them. Others are asked for when they are needed. */
  readonly useCases?: readonly string[] | undefined;
  /** Served when neither the registry nor the disk has the prompt. */
  readonly bundle?: Bundle | undefined;
  /** Keeps the last known good prompts; `@plumbline/client/node` has `stateDir` for that. */
  readonly state?: StateStore | undefined;
  /** Longest wait of a first `prompt` for the registry when there is something else to serve, ms. Default 1,000. */
  readonly fallbackAfterMs?: number | undefined;
  /** Longest wait of a first `prompt` when there is nothing else to serve, ms. Default 5,000. */
  readonly firstWaitMs?: number | undefined;
  /** Length of a long poll, seconds, 1 to 30. Default 25: below the idle limit of most proxies. */
  readonly waitSeconds?: number | undefined;
  /** First and longest wait between retries, ms, before full jitter. Default 100 and 10,000. */
  readonly retryBaseMs?: number | undefined;
  readonly retryMaxMs?: number | undefined;
  /** Longest wait for an answer of the registry, beyond the length of a long poll, ms. Default 5,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** Everything else about the emitter: capture, redact, limits. */
  readonly telemetry?: Omit<EmitterOptions, "url" | "app" | "env" | "apiKey"> | undefined;
  /**
   * Answers that `withPolicy` keeps, as far as policies say so; those of a version that is taken back are removed at once.
   * `createAnswerCache` of `@plumbline/client/cache` makes one.
   */
  readonly cache?: AnswerCache | undefined;
  /** Carries `run` to the requests made inside; `@plumbline/client/node` has one. Absent: only headers carry tags. */
  readonly context?: ContextStore | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Instead of `fetch`, for the registry. */
  readonly get?: HttpGet | undefined;
  /** Ms since the epoch. */
  readonly now?: (() => number) | undefined;
  /** At most one message a minute. Default: `console.warn`. */
  readonly onWarning?: ((message: string) => void) | undefined;
}
