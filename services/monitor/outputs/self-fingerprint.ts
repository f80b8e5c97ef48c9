/**
 * Tests whether the answers of a version changed without a deploy: its outputs, day by day and in every slice, against its
 * own past: weekdays against weekdays, weekends against weekends. Pure.
 *
 * The past is frozen here and not by a later day, so a change doesn't become its own reference; who holds this freezes
 * a new one while nothing is suspicious.
 */
import { DAY_MS } from "@plumbline/schemas";
import { DRIFT_PATIENCE } from "@plumbline/stats";
import { OutputFingerprint, type FingerprintResult } from "./output-fingerprint.ts";
import {
  addCounts,
  dayKindOf,
  emptyCounts,
  type MutableCounts,
  type VersionHour,
  type VersionMemory,
} from "../counts/version-memory.ts";

export class SelfFingerprint {
  readonly version: string;
  /** Start of the hour of the freeze, ms. */
  readonly frozenAt: number;
  readonly #sides: Readonly<Record<"weekday" | "weekend", OutputFingerprint>>;
  #movedSince: number | null = null;
  #day: { readonly start: number; readonly counts: MutableCounts } | null = null;

  constructor(version: string, memory: VersionMemory, frozenAt: number) {
    this.version = version;
    this.frozenAt = frozenAt;
    const side = (kind: "weekday" | "weekend"): OutputFingerprint =>
      new OutputFingerprint(memory.weeks(kind), { patience: DRIFT_PATIENCE.daily, isOwnPast: true });
    this.#sides = { weekday: side("weekday"), weekend: side("weekend") };
  }

  get streams(): number {
    return this.#sides.weekday.streams + this.#sides.weekend.streams;
  }

  /** isSuspicious is true once some stream has begun to move. */
  get isSuspicious(): boolean {
    return this.#sides.weekday.isSuspicious || this.#sides.weekend.isSuspicious;
  }

  /** Start of the day on which the streams began to move, ms; null while none does. */
  get movedSince(): number | null {
    return this.#movedSince;
  }

  /** Folds an hour of the version, hours in order; a day is decided when a later one begins. */
  addHour(hour: VersionHour, isInputMoving: boolean): void {
    this.closeUntil(hour.hour, isInputMoving);
    this.#day ??= { start: Math.floor(hour.hour / DAY_MS) * DAY_MS, counts: emptyCounts() };
    addCounts(this.#day.counts, hour);
  }

  /**
   * Decides the day that ended at or before `now`.
   *
   * @param isInputMoving other inputs get other answers: such a day says nothing about the version and is left out
   */
  closeUntil(now: number, isInputMoving: boolean): void {
    if (this.#day === null || now < this.#day.start + DAY_MS) return;
    const { start, counts } = this.#day;
    this.#day = null;
    if (isInputMoving) return;
    const { weekday, weekend } = this.#sides;
    const wasMoved = weekday.flagged().length > 0;
    this.#sides[dayKindOf(start)].addHour({ hour: start, version: this.version, ...counts });
    // A move that ended on weekdays has ended: weekends alone would take a month to show it.
    if (wasMoved && weekday.flagged().length === 0) weekend.reset();
    this.#movedSince = this.isSuspicious ? (this.#movedSince ?? start) : null;
  }

  /** Flagged streams, the clearest first; one that is flagged on both kinds of days counts once. */
  flagged(): readonly FingerprintResult[] {
    const seen = new Set<string>();
    return [...this.#sides.weekday.flagged(), ...this.#sides.weekend.flagged()]
      .sort((a, b) => b.comparison.interval[0] - a.comparison.interval[0])
      .filter(({ slice, feature }) => {
        const name = JSON.stringify([slice, feature]);
        return !seen.has(name) && seen.add(name);
      });
  }
}
