import type { PendingCall } from "@plumbline/ports";
import { DAY_MS, TEXTS_KEPT_DAYS, type Verdict } from "@plumbline/schemas";

/** How long texts that the writer announced are waited for, ms of elapsed time since the call was first seen. */
export const TEXT_WAIT_MS = 3_600_000;
/** Calls remembered; beyond it the oldest is forgotten and its wait begins anew, bounded by the age of the call. */
const CALLS_MAX = 20_000;

/**
 * Calls whose texts are not in the store yet. Call and texts are two inserts in no order, and a replica may show one
 * before the other: that texts are not there says nothing while the call announces them.
 */
export class AwaitedTexts {
  /** First look that saw the call without its texts, monotonic ms. */
  readonly #since = new Map<string, number>();

  /** isAwaited returns true while the call's texts may still come. @param now monotonic, ms */
  isAwaited(call: PendingCall, now: number): boolean {
    if (call.texts !== "missing") {
      this.#since.delete(call.call_id);
      return false;
    }
    const since = this.#since.get(call.call_id) ?? now;
    this.#since.set(call.call_id, since);
    if (this.#since.size > CALLS_MAX) this.#since.delete(this.#since.keys().next().value!);
    return now - since < TEXT_WAIT_MS;
  }
}

/**
 * withoutTexts returns the state of a call that has no texts to judge and the reason in words, or null when it has both.
 * Of a call whose texts are missing only once nobody waits for them any more.
 *
 * @param now ms since 1970 UTC
 */
export function withoutTexts(
  call: PendingCall,
  now: number,
): Pick<Verdict, "state" | "reason" | "cause"> | null {
  const { texts, input, output, started_at } = call;
  if (texts === "missing") {
    const hasExpired = now - Date.parse(started_at) >= TEXTS_KEPT_DAYS * DAY_MS;
    return hasExpired
      ? {
          state: "cannot_judge",
          cause: "texts_expired",
          reason: `the texts have expired: they are kept ${TEXTS_KEPT_DAYS} days`,
        }
      : {
          state: "failed",
          cause: "texts_missing",
          reason: "payload missing: the call was stored and the texts that it announces were not",
        };
  }
  const absent =
    texts === "not_captured" || (input === null && output === null)
      ? "input and output were"
      : input === null
        ? "input was"
        : output === null
          ? "output was"
          : null;
  return absent === null
    ? null
    : { state: "cannot_judge", cause: "not_captured", reason: `the ${absent} not captured` };
}
