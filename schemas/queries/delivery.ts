/** What of the log is stored, and what is missing. */
import { z } from "zod";
import { defineQuery, NOTHING, type RowOf, WINDOW } from "./define-query.ts";

/** Tables that the writer fills from the log. */
const DeliveredTable = z.enum([
  "calls",
  "verdicts",
  "feedback",
  "incidents",
  "registry_events",
  "dead_letters",
]);
export type DeliveredTable = z.output<typeof DeliveredTable>;

/** Which log the rows of one epoch came from. */
const LogBinding = z.object({
  log_epoch: z.number(),
  /** `EventLog.identity()`. */
  log_id: z.string(),
  bound_at: z.string(),
});
export type LogBinding = RowOf<typeof LogBinding>;

/** What the finished batches of a window say about one partition, and what the store holds of it. */
const IngestLedger = z.object({
  topic: z.string(),
  log_partition: z.number(),
  /** First and last offset that a batch of the window was about. */
  first_offset: z.number(),
  last_offset: z.number(),
  /** Offsets that surely were repeats or dead letters. */
  explained: z.number(),
  /** Runs of offsets between the batches that no batch was about, both ends inclusive; the newest 1,000. */
  holes: z.array(z.tuple([z.number(), z.number()])),
  /** Distinct offsets of the range that are rows of calls; null for other topics. */
  stored: z.number().nullable(),
});
export type IngestLedger = RowOf<typeof IngestLedger>;

/** Offsets from one to another, both inclusive. */
const OffsetRun = z.object({ from_offset: z.number(), to_offset: z.number() });
export type OffsetRun = RowOf<typeof OffsetRun>;

const range = { log_partition: z.number(), from: z.number(), to: z.number() };

export const DELIVERY = {
  /** Which logs this store was filled from; empty before the first. */
  logBindings: defineQuery("log_bindings", NOTHING, LogBinding),
  /** The highest offset that `table` holds of each partition of a log. */
  lastOffsets: defineQuery(
    "last_offsets",
    z.object({ table: DeliveredTable, log_epoch: z.number() }),
    z.object({ log_partition: z.number(), last_offset: z.number() }),
  ),
  /** From the batches that were noted in the window. */
  ingestLedger: defineQuery("ingest_ledger", WINDOW, IngestLedger),
  /** Runs of offsets of calls that are neither rows nor dead letters; the newest `limit` of them, newest first. */
  unstoredRuns: defineQuery("unstored_runs", z.object({ ...range, limit: z.number() }), OffsetRun),
  /** Of these calls, at most 1,000, those that are rows; an id may be a call of several tenants. */
  storedCalls: defineQuery(
    "stored_calls",
    z.object({ call_ids: z.array(z.string()) }),
    z.object({ tenant: z.string(), call_id: z.string() }),
  ),
  /** Offsets of `[from, to]` of a topic that are dead letters. */
  deadLetterOffsets: defineQuery(
    "dead_letter_offsets",
    z.object({ ...range, topic: z.string() }),
    z.object({ offset: z.number() }),
  ),
};

const RANGE = z.object({ log_epoch: z.number(), ...range });
const RANGE_OF_TABLE = z.object({ ...RANGE.shape, table: z.string() });
const RANGE_OF_TOPIC = z.object({ ...RANGE.shape, topic: z.string() });
const StoredOffset = z.object({ log_offset: z.number() });
const MissingRun = z.object({ from: z.number(), to: z.number() });

/** A call that is stored, and where it came from. */
const StoredCallId = z.object({ log_offset: z.number(), tenant: z.string(), call_id: z.string() });
export type StoredCallId = RowOf<typeof StoredCallId>;

/** Of methods of the store that are asked about a range of offsets: it says first of which log. */
export const OFFSETS = {
  stored: defineQuery("stored_offsets", RANGE_OF_TABLE, StoredOffset),
  /** Only those whose narrow row and, where there is one, payload row are stored. */
  storedOfCalls: defineQuery("stored_offsets_of_calls", RANGE, StoredOffset),
  missing: defineQuery("missing_offsets", RANGE_OF_TABLE, MissingRun),
  missingOfCalls: defineQuery("missing_offsets_of_calls", RANGE, MissingRun),
  audits: defineQuery(
    "ingest_audits",
    RANGE_OF_TOPIC,
    z.object({ from: z.number(), to: z.number(), rows: z.number() }),
  ),
  callIds: defineQuery("stored_call_ids", RANGE, StoredCallId),
};
