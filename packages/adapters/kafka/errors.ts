import { LogError, type ErrorCode } from "@plumbline/ports";

/** The group gave the partition to somebody else, or is about to. */
const LOST = new Set([
  "REBALANCE_IN_PROGRESS",
  "ILLEGAL_GENERATION",
  "UNKNOWN_MEMBER_ID",
  "FENCED_INSTANCE_ID",
  "NOT_COORDINATOR_FOR_GROUP",
]);

/** Errors that a person must fix; repeating changes nothing. */
const PERMANENT: ReadonlyMap<string, ErrorCode> = new Map([
  ["MESSAGE_TOO_LARGE", "record_too_large"],
  ["RECORD_LIST_TOO_LARGE", "record_too_large"],
  ["UNKNOWN_TOPIC_OR_PARTITION", "topic_mismatch"],
  ["INVALID_TOPIC_EXCEPTION", "topic_mismatch"],
  ["OFFSET_METADATA_TOO_LARGE", "config"],
  ["TOPIC_AUTHORIZATION_FAILED", "config"],
  ["GROUP_AUTHORIZATION_FAILED", "config"],
  ["CLUSTER_AUTHORIZATION_FAILED", "config"],
  ["SASL_AUTHENTICATION_FAILED", "config"],
  ["UNSUPPORTED_SASL_MECHANISM", "config"],
  ["SECURITY_DISABLED", "config"],
]);

/** Causes are nested two or three deep; more would be a cycle. */
const DEPTH_MAX = 8;

/**
 * The driver's error as ours, by the broker's error type or the driver's error class. What is not known to be
 * permanent is an outage: `log_unavailable`, worth repeating.
 *
 * @param doing what failed, for the message: "append to plumbline.calls"
 */
export function toLogError(error: unknown, doing: string): LogError {
  if (error instanceof LogError) return error;
  const type = brokerErrorType(error);
  const detail = error instanceof Error ? error.message : String(error);
  const message = `${doing}: ${detail}`;
  if (type !== null && LOST.has(type))
    return new LogError("not_assigned", message, { retryable: false, cause: error });
  const permanent = type === null ? undefined : PERMANENT.get(type);
  if (permanent !== undefined) return new LogError(permanent, message, { retryable: false, cause: error });
  if (hasName(error, "KafkaJSSASLAuthenticationError")) {
    const settings = "PLUMBLINE_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD say how to log in";
    return new LogError("config", `${message}: ${settings}`, { retryable: false, cause: error });
  }
  const tls = tlsProblem(error);
  if (tls !== null) return new LogError("config", `${message}: ${tls}`, { retryable: false, cause: error });
  return new LogError("log_unavailable", message, { retryable: true, cause: error });
}

/** True when the broker said that this member no longer holds its partitions, or must rejoin to keep them. */
export function isLostAssignment(error: unknown): boolean {
  const type = brokerErrorType(error);
  return type !== null && LOST.has(type);
}

/** The broker's name for what went wrong, from the error or its causes; null when the broker said nothing. */
export function brokerErrorType(error: unknown): string | null {
  let current = error;
  for (let depth = 0; depth < DEPTH_MAX && current instanceof Error; depth++) {
    if ("type" in current && typeof current.type === "string") return current.type;
    current = current.cause;
  }
  return null;
}

/** Advice for a person when TLS does not come about; null for other errors. */
function tlsProblem(error: unknown): string | null {
  let current = error;
  for (let depth = 0; depth < DEPTH_MAX && current instanceof Error; depth++) {
    const code = "code" in current ? current.code : null;
    if (typeof code === "string" && NOT_TRUSTED.has(code)) {
      return "the certificate is not trusted; PLUMBLINE_KAFKA_TLS_CA names the file of the authority to trust";
    }
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return "the certificate is of another host; give PLUMBLINE_KAFKA_BROKERS by the names that it has";
    }
    if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER") {
      return "the broker does not speak TLS there; use its TLS port, or set PLUMBLINE_KAFKA_TLS=off";
    }
    current = current.cause;
  }
  return null;
}

/** OpenSSL's words. */
const NOT_TRUSTED: ReadonlySet<string> = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
]);

function hasName(error: unknown, name: string): boolean {
  let current = error;
  for (let depth = 0; depth < DEPTH_MAX && current instanceof Error; depth++) {
    if (current.name === name) return true;
    current = current.cause;
  }
  return false;
}
