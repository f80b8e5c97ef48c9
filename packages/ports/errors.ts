/**
 * Faults, as opposed to bad input: bad input is a value and never throws. Adapters translate their drivers'
 * errors into these, by code or class and never by message text.
 */
export type ErrorCode =
  // configuration: a person must act, nothing is retried
  | "config"
  | "schema_outdated"
  // log
  | "log_unavailable"
  | "log_full"
  | "not_assigned"
  | "record_too_large"
  | "topic_mismatch"
  // store: the class decides what the writer does
  | "store_retriable"
  | "store_unknown"
  | "store_data"
  | "store_unclassified"
  | "store_config"
  | "store_locked"
  // judge and notifier
  | "external_unavailable"
  | "external_rate_limited"
  | "external_refused"
  | "external_refused_one"
  | "external_gone"
  | "external_invalid_response";

export class PlumblineError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  constructor(code: ErrorCode, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable;
  }
}

export class ConfigError extends PlumblineError {
  constructor(message: string, options: { code?: "config" | "schema_outdated"; cause?: unknown } = {}) {
    super(options.code ?? "config", message, { retryable: false, cause: options.cause });
  }
}

export class LogError extends PlumblineError {}

/** isLogAway returns true for a fault of the log that passes by itself. */
export function isLogAway(error: unknown): boolean {
  return error instanceof LogError && error.retryable;
}

/**
 * A failed statement. `store_retriable`: nothing was written, try again. `store_unknown`: it may have been
 * written (timeout, lost answer), verify first. `store_data`: row `failedRow` (from 0, when known) is bad.
 * `store_unclassified`: nobody knows what it means; verify, try a few times, then look for a row that causes it.
 * `store_config`: schema, grants or address are wrong; stop.
 */
export class StoreError extends PlumblineError {
  readonly failedRow: number | null;
  /** ClickHouse error code, where the server gave one. */
  readonly clickhouseCode: number | null;
  constructor(
    code:
      | "store_retriable"
      | "store_unknown"
      | "store_data"
      | "store_unclassified"
      | "store_config"
      | "store_locked",
    message: string,
    options: { cause?: unknown; failedRow?: number | null; clickhouseCode?: number | null } = {},
  ) {
    super(code, message, {
      retryable: code === "store_retriable" || code === "store_unknown" || code === "store_unclassified",
      cause: options.cause,
    });
    this.failedRow = options.failedRow ?? null;
    this.clickhouseCode = options.clickhouseCode ?? null;
  }
}

type ExternalCode = Extract<ErrorCode, `external_${string}`>;

/**
 * Judge or notifier: somebody else's service. `external_refused`: it takes nothing from us until a person acts.
 * `external_refused_one`: it takes this one request never, and others still. `external_gone`: what the request is about is
 * not there any more.
 */
export class ExternalError extends PlumblineError {
  /** How long the service asked us to wait, ms. */
  readonly retryAfterMs: number | null;
  constructor(
    code: ExternalCode,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | null; retryable?: boolean } = {},
  ) {
    super(code, message, {
      retryable: options.retryable ?? (code === "external_unavailable" || code === "external_rate_limited"),
      cause: options.cause,
    });
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
