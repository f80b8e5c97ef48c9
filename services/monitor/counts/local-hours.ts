/** Hours by the clock of a use case: where a window begins and ends, and which hours of other days are alike. Pure. */
import {
  type ClockChange,
  clockChanges,
  DAY_MS,
  HOUR_MS,
  isTimeZone,
  zoneOffsetMs,
} from "@plumbline/schemas";

/** Clock changes are looked up once for so much time. */
const SPAN_MS = 128 * DAY_MS;

/** The clock of a zone in whole hours; calls are counted by hours of UTC, so that half an hour is left out. */
export class LocalHours {
  readonly zone: string;
  readonly #spans = new Map<
    number,
    { readonly offsetMs: number; readonly changes: readonly ClockChange[] }
  >();

  /** @throws RangeError when the platform doesn't know the zone */
  constructor(zone: string) {
    this.zone = zone;
    zoneOffsetMs(zone, 0);
  }

  /** What the clock shows at an instant, as ms since the epoch of a place without an offset. */
  shownAt(at: number): number {
    return at + Math.floor(this.#offsetMs(at) / HOUR_MS) * HOUR_MS;
  }

  /**
   * The window that an instant lies in, [start, end): so many hours by the clock, a whole number of them since midnight. It
   * has an hour less or more where the clock was changed within it.
   */
  windowOf(at: number, widthHours: number): { readonly start: number; readonly end: number } {
    const widthMs = widthHours * HOUR_MS;
    if (widthHours === 1) {
      const start = Math.floor(at / widthMs) * widthMs;
      return { start, end: start + widthMs };
    }
    const shown = Math.floor(this.shownAt(at) / widthMs) * widthMs;
    return { start: this.#instantOf(shown, at), end: this.#instantOf(shown + widthMs, at) };
  }

  /** The instant at which the clock shows `shown`, by the offset that holds there. @param near an instant close to it */
  #instantOf(shown: number, near: number): number {
    const guess = shown - (this.shownAt(near) - near);
    return shown - (this.shownAt(guess) - guess);
  }

  #offsetMs(at: number): number {
    if (this.zone === "UTC") return 0;
    const start = Math.floor(at / SPAN_MS) * SPAN_MS;
    let span = this.#spans.get(start);
    if (span === undefined) {
      const changes = clockChanges(this.zone, start, start + SPAN_MS);
      span = { offsetMs: zoneOffsetMs(this.zone, start), changes };
      this.#spans.set(start, span);
    }
    return span.changes.reduce(
      (sum, change) => (change.at <= at ? sum + change.shiftMs : sum),
      span.offsetMs,
    );
  }
}

const known = new Map<string, LocalHours>();

/** @throws RangeError when the platform doesn't know the zone */
export function localHoursOf(zone: string): LocalHours {
  const hours = known.get(zone) ?? new LocalHours(zone);
  known.set(zone, hours);
  return hours;
}

/** The configured zone; UTC where none is, or one that this platform doesn't know. */
export function zoneOrUtc(configured: string | null): string {
  return configured !== null && isTimeZone(configured) ? configured : "UTC";
}

/** Whole hours since 1970 UTC → what the clock of a zone shows, likewise counted; for the statistics. */
export function localHour(zone: string, hour: number): number {
  return localHoursOf(zone).shownAt(hour * HOUR_MS) / HOUR_MS;
}
