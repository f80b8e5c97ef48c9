/**
 * The clocks that a use case may follow, told apart by when they changed in a span, and how an instant of a week ago is
 * found by each. Pure.
 */
import { type ClockChange, clockChanges, DAY_MS } from "@plumbline/schemas";

const WEEK_MS = 7 * DAY_MS;

/** Names that people know, for clocks that change at the same moments as others. */
const FAMILIAR = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Chicago",
  "America/Denver",
  "America/Los_Angeles",
  "America/Santiago",
  "Australia/Sydney",
  "Australia/Adelaide",
  "Pacific/Auckland",
  "Asia/Jerusalem",
  "Africa/Cairo",
];

/** The clocks of a zone, as far as a span is concerned. */
export interface ZoneClock {
  readonly zone: string;
  /** Ascending. */
  readonly changes: readonly ClockChange[];
}

/**
 * @param start ms since the epoch, as `end`
 * @throws RangeError when the platform doesn't know the zone
 */
export function clockOf(zone: string, start: number, end: number): ZoneClock {
  return { zone, changes: clockChanges(zone, start, end) };
}

/**
 * Clocks of the world that differ in the span, each by its best known zone; that of UTC, which never changes, is first. One
 * clock alone when none was changed.
 */
export function worldClocks(start: number, end: number): readonly ZoneClock[] {
  const clocks = new Map<string, ZoneClock>();
  for (const zone of new Set([...FAMILIAR, ...Intl.supportedValuesOf("timeZone")])) {
    const clock = clockOf(zone, start, end);
    const moments = JSON.stringify(clock.changes);
    if (!clocks.has(moments)) clocks.set(moments, clock);
  }
  return [...clocks.values()];
}

/** The same time of the week in UTC. */
export function weekBeforeInUtc(at: number): number {
  return at - WEEK_MS;
}

/** The instant a week before `at`, ms, at which the clock showed the same time. */
export function weekBefore({ changes }: ZoneClock, at: number): number {
  const plain = weekBeforeInUtc(at);
  const moved = plain + shiftBetween(changes, plain, at);
  // The change may lie between the two.
  return plain + shiftBetween(changes, moved, at);
}

/** isRepeated returns true in an hour that the clock shows for the second time. */
export function isRepeated({ changes }: ZoneClock, at: number): boolean {
  return changes.some((change) => at >= change.at && at < change.at - change.shiftMs);
}

function shiftBetween(changes: readonly ClockChange[], after: number, until: number): number {
  let shift = 0;
  for (const { at, shiftMs } of changes) if (at > after && at <= until) shift += shiftMs;
  return shift;
}
