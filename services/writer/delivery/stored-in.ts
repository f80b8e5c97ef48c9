/** The part of a destination that is the same for every topic: where its rows are, and what finished batches noted. */
import type { DeliveredTable, IngestAudit, Store } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { Destination } from "./destination.ts";

export const GROUP = "writer";

export interface DestinationDeps {
  readonly store: Pick<
    Store,
    | "insertCalls"
    | "insertVerdicts"
    | "insertFeedback"
    | "insertIncidentEvents"
    | "insertRegistryEvents"
    | "insertDeadLetters"
    | "endInserts"
    | "storedOffsets"
    | "missingRuns"
    | "lastOffsets"
    | "ingestAudits"
    | "storedCallIds"
  >;
  /** Number of the log that is read, in this store. */
  readonly logEpoch: number;
  readonly recordAudit: (audit: IngestAudit) => Promise<void>;
}

export function storedIn(
  table: DeliveredTable,
  topic: Topic,
  { store, logEpoch, recordAudit }: DestinationDeps,
) {
  const ofLog = { log_epoch: logEpoch };
  return {
    topic,
    group: GROUP,
    endInserts: (log_partition) => store.endInserts(table, { log_epoch: logEpoch, log_partition }),
    storedOffsets: (range) => store.storedOffsets(table, { ...range, ...ofLog }),
    missingRuns: (range) => store.missingRuns(table, { ...range, ...ofLog }),
    async lastStored(partition) {
      const found = await store.lastOffsets({ table, log_epoch: logEpoch });
      const last = found.find((each) => each.log_partition === partition)?.last_offset;
      // An empty store beside a log of its own lacks everything; beside a log that was adopted it lacks nothing of old.
      return last ?? (logEpoch === 0 ? -1 : null);
    },
    audits: (range) => store.ingestAudits(topic, { ...range, ...ofLog }),
    recordAudit: (audit) => recordAudit({ ...audit, ...ofLog }),
  } satisfies Partial<Destination<never, never>>;
}
