/**
 * Why an event was not delivered. `queue_full`: it was the oldest when room ran out · `unreadable`: a getter threw
 * · `not_json`: circular, or a BigInt · `too_large`: over the limit although its texts were shortened ·
 * `redacted`: `redact` returned null · `shutdown`: not sent when the emitter closed, or emitted later.
 */
export type DropReason = "queue_full" | "unreadable" | "not_json" | "too_large" | "redacted" | "shutdown";

/**
 * Counts since the emitter was created. At any time
 * `emitted = acknowledged + rejected + sum of dropped + queue_events`.
 */
export interface EmitterStats {
  readonly emitted: number;
  /** Events handed to the transport at least once. */
  readonly sent: number;
  /** Events that the receiver said are durable. */
  readonly acknowledged: number;
  /** Events that the receiver refused for good. */
  readonly rejected: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Batches that had to be sent again. */
  readonly retries: number;
  /** Events whose `redact` threw; their texts were replaced. */
  readonly redaction_failures: number;
  /** Waiting or in flight. */
  readonly queue_events: number;
  /** Estimated from the length of texts. */
  readonly queue_bytes: number;
}

/** What happened while `flush` or `close` waited. */
export interface FlushResult {
  readonly acknowledged: number;
  readonly rejected: number;
  readonly dropped: number;
  /** Still waiting or in flight when the time was over. 0 means that everything was settled. */
  readonly queued: number;
}

/** The counters while they count. */
export interface Counts {
  emitted: number;
  sent: number;
  acknowledged: number;
  rejected: number;
  readonly dropped: Record<DropReason, number>;
  retries: number;
  redaction_failures: number;
}

export function createCounts(): Counts {
  return {
    emitted: 0,
    sent: 0,
    acknowledged: 0,
    rejected: 0,
    dropped: { queue_full: 0, unreadable: 0, not_json: 0, too_large: 0, redacted: 0, shutdown: 0 },
    retries: 0,
    redaction_failures: 0,
  };
}

/** Dropped events, whatever the reason. */
export function lostOf(counts: Counts): number {
  let lost = 0;
  for (const count of Object.values(counts.dropped)) lost += count;
  return lost;
}
