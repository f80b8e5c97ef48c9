/** Whether a request is Slack's: its signature covers the time and the very bytes of the body. */
import { createHmac, timingSafeEqual } from "node:crypto";

/** A request older, or newer, than this may be one that somebody kept, ms. */
const AGE_MS_MAX = 5 * 60_000;

interface Signed {
  /** `X-Slack-Request-Timestamp`, seconds since the epoch. */
  readonly timestamp: string | undefined;
  /** `X-Slack-Signature`, `v0=` and 64 hex digits. */
  readonly signature: string | undefined;
  /** As it came. */
  readonly body: Uint8Array;
}

export function isFromSlack({ timestamp, signature, body }: Signed, secret: string, nowMs: number): boolean {
  if (timestamp === undefined || signature === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  const isFresh = Math.abs(nowMs - Number(timestamp) * 1_000) <= AGE_MS_MAX;
  const given = Buffer.from(signature);
  const expected = Buffer.from(signatureOf(timestamp, body, secret));
  // Compared whatever the age: an answer's time says nothing.
  const isRight = given.length === expected.length && timingSafeEqual(given, expected);
  return isRight && isFresh;
}

export function signatureOf(timestamp: string, body: Uint8Array, secret: string): string {
  return `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:`).update(body).digest("hex")}`;
}
