/**
 * When there were calls, from one narrow question, so that the wide ones are only asked about hours that have some.
 * A span may hold hours without a call; no call lies outside of the spans.
 */
import type { Store, VersionActivity } from "@plumbline/ports";
import type { UseCase } from "../units/series.ts";

/** First and last start of the calls of one version; ISO 8601 UTC. */
export type CallSpan = Pick<
  VersionActivity,
  "tenant" | "env" | "use_case" | "first_started_at" | "last_started_at"
>;

/** A call may be reported to start after it arrived: the writer allows ten minutes. */
const AHEAD_MAX_MS = 3_600_000;

/** Spans of all calls that started at or after `start`, ms, and of some before. */
export function readCallSpans(
  store: Pick<Store, "versionActivity">,
  start: number,
): Promise<readonly CallSpan[]> {
  return store.versionActivity({ since: new Date(start - AHEAD_MAX_MS).toISOString() });
}

/** Whether a call may have started in [start, end), ms; of one use case, or of any. */
export function mayHaveCalls(
  spans: readonly CallSpan[],
  start: number,
  end: number,
  key: UseCase | null = null,
): boolean {
  return spans.some(
    (span) =>
      Date.parse(span.first_started_at) < end &&
      Date.parse(span.last_started_at) >= start &&
      (key === null ||
        (span.tenant === key.tenant && span.env === key.env && span.use_case === key.use_case)),
  );
}
