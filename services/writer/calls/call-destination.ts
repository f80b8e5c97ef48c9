import type { CallRow } from "@plumbline/ports";
import { redrivenOffset } from "@plumbline/schemas";
import { decodeCall } from "./decode-call.ts";
import type { Destination } from "../delivery/destination.ts";
import { enrichCall, type Enrichment } from "./enrich-call.ts";
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

/**
 * Calls of the last `size` offsets of one partition. An emitter that sends again puts one call at two offsets, which no
 * offset arithmetic can see. A call is one tenant's id: another tenant may have the same one.
 *
 * The window is defined on offsets and warmed from what is stored, so that a replay decides as the first run did.
 */
class DuplicateWindow {
  readonly #size: number;
  readonly #offsets = new Map<string, number>();

  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Notes a call at `offset`; true when it already stood at one of the previous `size` offsets.
   *
   * @param refused offset at which the store refused the call, when it was redriven from there: it stands there and is
   *   not stored
   */
  isRepeated(tenant: string, callId: string, offset: number, refused: number | null = null): boolean {
    // The store writes UUIDs in lower case; emitters may not.
    const key = `${callId.toLowerCase()}/${tenant}`;
    const earlier = this.#offsets.get(key);
    if (earlier !== undefined && earlier !== refused && earlier < offset && offset - earlier <= this.#size)
      return true;
    // Deleted first, so that it moves to the end.
    this.#offsets.delete(key);
    this.#offsets.set(key, offset);
    if (this.#offsets.size > 2 * this.#size) this.#forget(offset - this.#size);
    return false;
  }

  /** Ids are noted in rising order of offset, so the oldest stand first. */
  #forget(before: number): void {
    for (const [key, offset] of this.#offsets) {
      if (offset >= before) return;
      this.#offsets.delete(key);
    }
  }
}

interface RepeatsOfApp {
  readonly tenant: string;
  readonly app: string;
  readonly duplicates: number;
}

/** Whose calls the repeats of a batch are, until the batch is noted. A batch that is prepared twice counts once. */
class RepeatBook {
  /** By partition and offset, in the order of offsets. */
  readonly #repeats = new Map<number, Map<number, { readonly tenant: string; readonly app: string }>>();

  note(
    { partition, offset }: { readonly partition: number; readonly offset: number },
    sender: { readonly tenant: string; readonly app: string },
  ): void {
    const known = this.#repeats.get(partition) ?? new Map<number, { tenant: string; app: string }>();
    this.#repeats.set(partition, known.set(offset, sender));
  }

  /** Counts the repeats of a finished range by sender, and forgets them and all before them. */
  take(range: {
    readonly log_partition: number;
    readonly from_offset: number;
    readonly to_offset: number;
  }): readonly RepeatsOfApp[] {
    const known = this.#repeats.get(range.log_partition);
    const counts = new Map<string, { tenant: string; app: string; duplicates: number }>();
    for (const [offset, { tenant, app }] of known ?? []) {
      if (offset > range.to_offset) continue;
      known?.delete(offset);
      if (offset < range.from_offset) continue;
      const key = JSON.stringify([tenant, app]);
      counts.set(key, { tenant, app, duplicates: (counts.get(key)?.duplicates ?? 0) + 1 });
    }
    return [...counts.values()];
  }
}
