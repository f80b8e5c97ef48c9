import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from "@slack/web-api";
import { ExternalError } from "@plumbline/ports";

/** Slack's own trouble, reported as a platform error with status 200. The call may have taken effect. */
const PLATFORM_TROUBLE = new Set(["fatal_error", "internal_error", "request_timeout", "service_unavailable"]);
const PLATFORM_RATE_LIMITS = new Set(["ratelimited", "rate_limited", "message_limit_exceeded"]);
/** The message is not there any more. */
const GONE = new Set(["message_not_found", "thread_not_found"]);
/** The message stays as it is: Slack or the workspace lets nobody edit it any more. */
const NOT_EDITABLE = new Set(["cant_update_message", "edit_window_closed"]);
/** What this one message holds is refused; other messages are taken. */
const REFUSED_ONE = new Set([
  ...NOT_EDITABLE,
  "block_mismatch",
  "invalid_attachments",
  "invalid_blocks",
  "invalid_blocks_format",
  "invalid_metadata_format",
  "metadata_must_be_sent_from_app",
  "metadata_too_large",
  "msg_blocks_too_long",
  "msg_too_long",
  "no_text",
  "update_failed",
]);
/** The connection was never made, so nothing can have been shown. */
const NOT_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"]);

/** Slack's error code of a refused call, such as `channel_not_found`, else null. */
export function platformCode(error: unknown): string | null {
  return error instanceof WebAPIPlatformError ? error.data.error : null;
}

/**
 * Translates what the Slack client throws, by class and code. Anything else is a programming error and stays what
 * it is. `retryable: false` on `external_unavailable` says that the call may have taken effect.
 */
export function toExternalError(error: unknown, method: string): unknown {
  if (error instanceof WebAPIRateLimitedError) {
    return new ExternalError("external_rate_limited", `slack ${method}: rate limited`, {
      cause: error,
      retryAfterMs: error.retryAfter * 1000,
    });
  }
  if (error instanceof WebAPIHTTPError) {
    const isServerTrouble = error.statusCode >= 500 || error.statusCode === 408;
    return isServerTrouble
      ? unavailable(`slack ${method}: HTTP ${error.statusCode}`, error, false)
      : refused(`slack ${method}: HTTP ${error.statusCode}`, error);
  }
  if (error instanceof WebAPIRequestError) {
    const code = networkCode(error.original);
    return unavailable(`slack ${method}: ${code ?? "request failed"}`, error, NOT_SENT.has(code ?? ""));
  }
  if (error instanceof WebAPIPlatformError) {
    const code = error.data.error;
    if (PLATFORM_RATE_LIMITS.has(code)) {
      return new ExternalError("external_rate_limited", `slack ${method}: ${code}`, { cause: error });
    }
    if (PLATFORM_TROUBLE.has(code)) return unavailable(`slack ${method}: ${code}`, error, false);
    return new ExternalError(refusalOf(code), `slack ${method}: ${code}`, { cause: error });
  }
  return error;
}

/** isNotEditable returns true for a message that stays as it is for good. */
export function isNotEditable(error: unknown): boolean {
  return NOT_EDITABLE.has(platformCode(error) ?? "");
}

/** Anything that is not known to be about one message is taken to be about all: somebody should look. */
function refusalOf(code: string): "external_gone" | "external_refused_one" | "external_refused" {
  if (GONE.has(code)) return "external_gone";
  return REFUSED_ONE.has(code) ? "external_refused_one" : "external_refused";
}

function unavailable(message: string, cause: Error, isRetryable: boolean): ExternalError {
  return new ExternalError("external_unavailable", message, { cause, retryable: isRetryable });
}

function refused(message: string, cause: Error): ExternalError {
  return new ExternalError("external_refused", message, { cause });
}

/** The system's code sits one or two causes below fetch's own error. */
function networkCode(error: unknown): string | null {
  for (let each = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth++) {
    if ("code" in each && typeof each.code === "string") return each.code;
    if (each.name === "TimeoutError" || each.name === "AbortError") return each.name;
  }
  return null;
}
