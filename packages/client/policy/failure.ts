import type { CallStatus } from "@plumbline/emitter";
import type { Observed } from "../wrap/call-context.ts";
import { codeOf, errorWordOf } from "../wrap/error-word.ts";
import { readRetryAfter } from "../wrap/observed-request.ts";
import { errorWord, objectOf, textOf } from "../wrap/reading.ts";
import type { Policy } from "./policy.ts";

/** Why a rung did not answer. */
export type FailureKind =
  | "timeout"
  | "rate_limited"
  | "server_error"
  | "network"
  | "invalid_output"
  /** The request is wrong, or the application's own code failed: it is thrown, not handled. */
  | "client_error"
  | "cancelled"
  /** The model was not asked. */
  | "breaker_open"
  | "switched_off"
  | "prompt_unavailable";

export interface Failure {
  readonly kind: FailureKind;
  readonly status: CallStatus;
  /** Low-cardinality class, such as `http_529` or a validator's reason. */
  readonly error_type: string;
  /** What the provider asked to wait, ms; Infinity when no wait of a call helps. */
  readonly retryAfterMs: number | null;
  /** What was thrown, if anything. */
  readonly error: unknown;
}

/** Kinds that are a status of an event as well; every other one is an `error`. */
const STATUSES: readonly FailureKind[] = ["timeout", "rate_limited", "invalid_output", "cancelled"];

export function failureOf(
  kind: FailureKind,
  error_type: string = kind,
  more: {
    readonly error?: unknown;
    readonly retryAfterMs?: number | null;
    readonly status?: CallStatus;
  } = {},
): Failure {
  const own = STATUSES.includes(kind) ? (kind as CallStatus) : "error";
  const { error, retryAfterMs = null, status = own } = more;
  return { kind, status, error_type, retryAfterMs, error };
}

/**
 * classifyError reads what the application's code threw. What the instrumented `fetch` saw of the request comes first:
 * it is the same for every SDK, and for code that throws errors of its own.
 */
export function classifyError(error: unknown, observed: Observed | null, policy: Policy): Failure {
  if (observed !== null && observed.status !== "ok") return classifyObserved(observed, error, policy);
  const { status, statusCode, headers, responseHeaders, response, name, lastError } = objectOf(error);
  // The AI SDK's retries wrap what they gave up on.
  if (lastError !== undefined) return classifyError(lastError, null, policy);
  const code = [status, statusCode, objectOf(response)["status"]].find((each) => typeof each === "number");
  if (typeof code === "number") {
    const said = [headers, responseHeaders, objectOf(response)["headers"]].find((each) => each != null);
    return classifyStatus(code, readRetryAfter(headersOf(said)), error, policy);
  }
  const word = textOf(name);
  const system = codeOf(error);
  const of = { error };
  if (/timeout/i.test(`${word} ${system ?? ""} ${constructorOf(error)}`) || system === "ETIMEDOUT")
    return failureOf("timeout", "timeout", of);
  if (isNetwork(error, system)) return failureOf("network", errorWordOf(error), of);
  // Whoever parses an answer that is no JSON.
  if (word === "SyntaxError") return failureOf("invalid_output", "not_json", of);
  if (word === "AI_NoObjectGeneratedError") return failureOf("invalid_output", "no_object", of);
  return failureOf("client_error", word === "" ? "unknown" : word.slice(0, 60), of);
}

/** A request that went wrong as the instrumented `fetch` saw it. */
export function classifyObserved(observed: Observed, error: unknown, policy: Policy): Failure {
  const { status, error_type, http_status, retry_after_ms: retryAfterMs } = observed;
  const word = error_type ?? status;
  if (http_status !== null && http_status >= 400)
    return classifyStatus(http_status, retryAfterMs, error, policy);
  if (status === "refused" || status === "invalid_output")
    return failureOf("invalid_output", word, { error, status });
  if (status === "timeout" || status === "rate_limited")
    return failureOf(status, word, { error, retryAfterMs });
  // An answer came, and it was none.
  return failureOf(http_status === null ? "network" : "server_error", word, { error });
}

function classifyStatus(code: number, retryAfterMs: number | null, error: unknown, policy: Policy): Failure {
  const of = { error, retryAfterMs };
  const word = `http_${code}`;
  const treated = policy.treat_as[code];
  if (treated !== undefined) return failureOf(treated, word, of);
  if (code === 429 && isUsedUp(error))
    return failureOf("rate_limited", "insufficient_quota", { error, retryAfterMs: Infinity });
  if (code === 429) return failureOf("rate_limited", word, of);
  if (code === 408) return failureOf("timeout", word, of);
  return failureOf(code >= 500 ? "server_error" : "client_error", word, of);
}

/** Whether an account has nothing left: the same request fails until somebody pays, or the month ends. */
function isUsedUp(error: unknown): boolean {
  const { error: body, data } = objectOf(error);
  const said = [error, body, objectOf(body)["error"], objectOf(data)["error"]];
  return said.some((each) => /quota|billing|usage_limit|credit/i.test(errorWord(each)));
}

/** Codes of connections that broke or were never made, of Node's net, TLS and fetch. */
const NETWORK_CODE = /^(?:E(?:CONN|PIPE|HOST|NET|NOTFOUND|AI_)|UND_ERR_|CERT_|ERR_TLS|DEPTH_ZERO|UNABLE_TO_)/;
const NETWORK_MESSAGE =
  /fetch failed|failed to fetch|connection error|network|terminated|load failed|socket/i;

function isNetwork(error: unknown, system: string | null): boolean {
  if (system !== null && NETWORK_CODE.test(system)) return true;
  return (
    (error instanceof TypeError || constructorOf(error) === "APIConnectionError") &&
    NETWORK_MESSAGE.test(error instanceof Error ? error.message : "")
  );
}

function constructorOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : "";
}

function headersOf(headers: unknown): { get(name: string): string | null } {
  if (headers instanceof Headers) return headers;
  const its = objectOf(headers);
  return { get: (name) => textOf(its[name]) || null };
}
