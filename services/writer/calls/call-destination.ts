import type { CallRow } from "@plumbline/ports";
import { redrivenOffset } from "@plumbline/schemas";
import { decodeCall } from "./decode-call.ts";
import type { Destination } from "../delivery/destination.ts";
import { DuplicateWindow } from "./duplicate-window.ts";
import { enrichCall, type Enrichment } from "./enrich-call.ts";
import { RepeatBook } from "./repeat-book.ts";
import { storedIn, type DestinationDeps } from "../delivery/stored-in.ts";

/** Offsets of one partition in which a repeated call is dropped: minutes of traffic, as long as an emitter retries. */
const DUPLICATE_OFFSETS = 50_000;

/** Calls become rows of `calls` and `call_payloads`, with price, slices, features and the decision to judge them. */
export function callDestination(
  deps: DestinationDeps,
  enrichment: Enrichment,
): Destination<CallRow, DuplicateWindow> {
  const { store, logEpoch } = deps;
  const stored = storedIn("calls", "plumbline.calls", deps);
  const repeats = new RepeatBook();
  return {
    ...stored,
    recordAudit: (audit) => stored.recordAudit({ ...audit, duplicates_by_app: repeats.take(audit) }),
    memoryOffsets: DUPLICATE_OFFSETS,
    createState: () => new DuplicateWindow(DUPLICATE_OFFSETS),
    async remember(window, range) {
      for (const { tenant, call_id, log_offset } of await store.storedCallIds({
        ...range,
        log_epoch: logEpoch,
      }))
        window.isRepeated(tenant, call_id, log_offset);
    },
    insert: (rows, isRepeat) => store.insertCalls(rows, { isRepeat }),
    prepare(record, window) {
      const decoded = decodeCall(record);
      if (decoded.kind === "rejected") return decoded;
      const refused = redrivenOffset(record, "plumbline.calls");
      if (window.isRepeated(decoded.tenant, decoded.call.call_id, record.offset, refused)) {
        repeats.note(record, { tenant: decoded.tenant, app: decoded.call.app });
        return { kind: "duplicate" };
      }
      return { kind: "row", row: enrichCall(decoded, enrichment, logEpoch) };
    },
  };
}
