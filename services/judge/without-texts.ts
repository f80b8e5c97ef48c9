import type { PendingCall } from "@plumbline/ports";
import { DAY_MS, TEXTS_KEPT_DAYS, type Verdict } from "@plumbline/schemas";

/**
 * withoutTexts returns the state of a call that has no texts to judge and the reason in words, or null when it has both.
 * Of a call whose texts are missing only once nobody waits for them any more.
 *
 * @param now ms since 1970 UTC
 */
export function withoutTexts(call: PendingCall, now: number): Pick<Verdict, "state" | "reason"> | null {
  const { texts, input, output, started_at } = call;
  if (texts === "not_captured")
    return { state: "cannot_judge", reason: "the input and output were not captured" };
  if (texts === "missing") {
    const hasExpired = now - Date.parse(started_at) >= TEXTS_KEPT_DAYS * DAY_MS;
    return hasExpired
      ? { state: "cannot_judge", reason: `the texts have expired: they are kept ${TEXTS_KEPT_DAYS} days` }
      : {
          state: "failed",
          reason: "payload missing: the call was stored and the texts that it announces were not",
        };
  }
  if (input === null && output === null)
    return { state: "cannot_judge", reason: "the input and output were not captured" };
  if (input === null) return { state: "cannot_judge", reason: "the input was not captured" };
  if (output === null) return { state: "cannot_judge", reason: "the output was not captured" };
  return null;
}
