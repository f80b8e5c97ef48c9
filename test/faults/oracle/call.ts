/**
 * A call of the suite: everything in it follows from its place, so the oracle keeps places instead of texts, and knows
 * a stored row for an invented one by its id alone.
 */
import { createHash } from "node:crypto";

/** Where a call stands: the scope is one store's life, the batch one request of one sender. */
export interface Place {
  readonly sender: number;
  readonly batch: number;
  readonly index: number;
}

export const USE_CASE = "oracle";
/** Two whole bytes of batch numbers a sender, in two groups of a UUID. */
const HALF = 4_096;

/** @param scope eight hexadecimal digits */
export function callIdOf(scope: string, { sender, batch, index }: Place): string {
  const high = hex(Math.floor(batch / HALF), 3);
  return `${scope}-${hex(sender, 4)}-7${high}-8${hex(batch % HALF, 3)}-${hex(index, 12)}`;
}

/** The ids of one batch begin with the same characters, and no other batch's do. */
export const BATCH_ID_CHARS = 23;

const CALL_ID = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{12})$/;

/** The place of a call of this scope; null for any other id. */
export function placeOf(scope: string, callId: string): Place | null {
  const parts = CALL_ID.exec(callId);
  if (parts === null || parts[1] !== scope) return null;
  const [sender, high, low, index] = parts.slice(2).map((part) => Number.parseInt(part, 16));
  return { sender: sender!, batch: high! * HALF + low!, index: index! };
}

/** The line of NDJSON that a sender posts. */
export function lineOf(callId: string, startedAt: string): string {
  const { input, output } = textsOf(callId);
  return `{"call_id":"${callId}","started_at":"${startedAt}","app":"oracle","use_case":"${USE_CASE}","prompt_version":"v1","model":"m","status":"ok","latency_ms":1,"input":"${input}","output":"${output}"}`;
}

function textsOf(callId: string): { input: string; output: string } {
  return { input: `Customer ${callId} was charged twice.`, output: `Twice: ${callId.slice(-6)}.` };
}

/** SQL of the same digest, of a row of `call_payloads`. */
export const TEXTS_DIGEST_SQL = "substring(lower(hex(SHA256(concat(input, '|', output)))), 1, 16)";

/** The digest of both texts as they were sent. */
export function textsDigestOf(callId: string): string {
  const { input, output } = textsOf(callId);
  return createHash("sha256").update(`${input}|${output}`).digest("hex").slice(0, 16);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
