/** Verdicts, feedback, incidents and registry commands: one record, one row. */
import type { DeliveredTable, Origin } from "@plumbline/ports";
import { Feedback, IncidentEvent, RegistryEvent, Verdict, type Topic } from "@plumbline/schemas";
import type { z } from "zod";
import { decodeEvent } from "./calls/decode-event.ts";
import type { Destination } from "./delivery/destination.ts";
import { readTenant } from "./calls/read-tenant.ts";
import { isPlausible } from "./delivery/record-time.ts";
import { storedIn, type DestinationDeps } from "./delivery/stored-in.ts";

export function verdictDestination(deps: DestinationDeps) {
  const toRow = (origin: Origin, verdict: Verdict) => ({ ...origin, verdict });
  return events(deps, "verdicts", "plumbline.verdicts", Verdict, toRow, (rows) =>
    deps.store.insertVerdicts(rows),
  );
}

export function feedbackDestination(deps: DestinationDeps) {
  const toRow = (origin: Origin, feedback: Feedback, tenant: string) => {
    // A time of year 1 is what some languages write for none; its row would expire at once.
    const isKnown = isPlausible(Date.parse(feedback.given_at), Date.parse(origin.ingested_at));
    const given_at = isKnown ? feedback.given_at : origin.ingested_at;
    return { ...origin, tenant, feedback: { ...feedback, given_at } };
  };
  return events(deps, "feedback", "plumbline.feedback", Feedback, toRow, (rows) =>
    deps.store.insertFeedback(rows),
  );
}

export function incidentDestination(deps: DestinationDeps) {
  const toRow = (origin: Origin, event: IncidentEvent) => ({ ...origin, event });
  return events(deps, "incidents", "plumbline.incidents", IncidentEvent, toRow, (rows) =>
    deps.store.insertIncidentEvents(rows),
  );
}

export function registryDestination(deps: DestinationDeps) {
  const toRow = (origin: Origin, event: RegistryEvent) => ({ ...origin, event });
  return events(deps, "registry_events", "plumbline.registry", RegistryEvent, toRow, (rows) =>
    deps.store.insertRegistryEvents(rows),
  );
}

function events<Schema extends z.ZodType, Row extends Origin>(
  deps: DestinationDeps,
  table: DeliveredTable,
  topic: Topic,
  schema: Schema,
  toRow: (origin: Origin, event: z.output<Schema>, tenant: string) => Row,
  insert: (rows: readonly Row[]) => Promise<void>,
): Destination<Row, null> {
  return {
    ...storedIn(table, topic, deps),
    memoryOffsets: 0,
    createState: () => null,
    remember: async () => undefined,
    insert,
    prepare(record) {
      const owner = readTenant(record);
      if ("problem" in owner) return { kind: "rejected", reason: "tenant", detail: owner.problem };
      const decoded = decodeEvent(record.value, schema);
      if ("reason" in decoded) return { kind: "rejected", ...decoded };
      const origin = {
        log_epoch: deps.logEpoch,
        log_partition: record.partition,
        log_offset: record.offset,
        ingested_at: new Date(record.timestamp).toISOString(),
      };
      return { kind: "row", row: toRow(origin, decoded.event, owner.tenant) };
    },
  };
}
