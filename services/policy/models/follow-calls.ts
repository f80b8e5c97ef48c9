/**
 * Reads call events as they arrive, without a group: every replica counts the whole fleet for itself. It begins at the
 * end, and a backlog that it can't keep up with is skipped: what matters is what happens now.
 */
import { type Clock, type EventLog, readEvent, readPages } from "@plumbline/ports";
import { DEFAULT_TENANT } from "@plumbline/runtime/http";
import { attemptsOf, ModelCall } from "./read-attempts.ts";
import type { ModelWindows } from "./model-windows.ts";

const TOPIC = "plumbline.calls";
/** Most records that one look reads of a partition; what is before them is skipped. */
const RECORDS_MAX = 20_000;
const PAGE_RECORDS = 2_000;
/** A call that ended longer ago says nothing of now: it was kept on a disk, or its clock is wrong. Ms. */
const LATE_MS = 120_000;

interface FollowDeps {
  readonly log: Pick<EventLog, "read" | "watermarks">;
  readonly clock: Clock;
  readonly windows: ModelWindows;
}

export class CallFollower {
  readonly #deps: FollowDeps;
  /** Next offset by partition; null before the first look. */
  #next: Map<number, number> | null = null;
  /** Counts since the start, for the status. */
  readonly counts = { calls: 0, late: 0, skipped: 0, unreadable: 0 };

  constructor(deps: FollowDeps) {
    this.#deps = deps;
  }

  /**
   * Counts what arrived since the last look.
   *
   * @param tenant whose calls count
   * @throws LogError while the log is away
   */
  async refresh(tenant: string): Promise<void> {
    const { log } = this.#deps;
    const marks = await log.watermarks(TOPIC);
    const isFirst = this.#next === null;
    const next = this.#next ?? new Map<number, number>();
    this.#next = next;
    for (const { partition, high } of marks) {
      // A partition that is added later is read from its first record.
      const known = next.get(partition) ?? (isFirst ? high : 0);
      const from = Math.max(known, high - RECORDS_MAX);
      this.counts.skipped += from - known;
      next.set(partition, from);
      const unread = { from, to: high, recordsMax: PAGE_RECORDS };
      for await (const records of readPages(log, TOPIC, partition, unread)) {
        for (const record of records) {
          if ((record.headers["tenant"] ?? DEFAULT_TENANT) === tenant) this.#count(record);
          next.set(partition, record.offset + 1);
        }
      }
    }
  }

  #count(record: { readonly value: Uint8Array }): void {
    const { clock, windows } = this.#deps;
    const call = readEvent(record, ModelCall);
    const endedMs = call === null ? Number.NaN : Date.parse(call.started_at) + call.latency_ms;
    if (call === null || Number.isNaN(endedMs)) {
      this.counts.unreadable += 1;
      return;
    }
    this.counts.calls += 1;
    if (clock.now() - endedMs > LATE_MS) {
      this.counts.late += 1;
      return;
    }
    for (const attempt of attemptsOf(call)) windows.add(attempt, clock.monotonic());
  }
}
