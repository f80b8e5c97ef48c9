/** What was set aside, filled in or replaced of one event: told to its sender, and counted. */
import type { Explained } from "./explain-issue.ts";

/** Warnings that one event is answered with; more are counted. */
export const EVENT_WARNINGS_MAX = 20;

/** Kinds of repair, for counting. What exactly was done stands in the answer to the sender. */
export const REPAIRS = [
  "identity_made",
  "clock_skew",
  "unknown_field",
  "field_left_out",
  "half_surrogate",
  "invalid_utf8",
] as const;
export type Repair = (typeof REPAIRS)[number];

export class Warnings {
  readonly shown: Explained[] = [];
  readonly repairs = new Set<Repair>();
  count = 0;

  add(repair: Repair, field: string, message: string): void {
    this.repairs.add(repair);
    this.count += 1;
    if (this.shown.length < EVENT_WARNINGS_MAX) this.shown.push({ field, message });
  }
}
