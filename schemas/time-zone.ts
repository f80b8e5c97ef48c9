/** Time zones of the IANA database, as the platform knows them. The same zone and instant always give the same offset. */
import { z } from "zod";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "./time.ts";

/** A zone with its clock changes; a bare offset has none, so it is refused where a zone is asked for. */
export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, "must be a time zone of the IANA database, such as Europe/Berlin or Asia/Kolkata");

/** A moment at which the clocks of a zone are put forward or back. */
export interface ClockChange {
  /** Ms since the epoch, to the minute. */
  readonly at: number;
  /** Ms; above 0: forward, an hour is missing; below 0: back, an hour comes twice. */
  readonly shiftMs: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * How far the clocks of a zone are ahead of UTC, ms; below 0 west of it.
 *
 * @param at ms since the epoch
 * @throws RangeError when the platform doesn't know the zone
 */
export function zoneOffsetMs(zone: string, at: number): number {
  const [, sign, hours = "0", minutes = "0", seconds = "0"] =
    /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(formatOf(zone).format(at)) ?? [];
  const ahead = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * 1_000;
  return sign === "-" ? -ahead : ahead;
}

/**
 * Clock changes of a zone in (start, end], ascending.
 *
 * @param start ms since the epoch, as `end`
 * @throws RangeError when the platform doesn't know the zone
 */
export function clockChanges(zone: string, start: number, end: number): readonly ClockChange[] {
  const changes: ClockChange[] = [];
  let before = zoneOffsetMs(zone, start);
  for (let from = start; from < end;) {
    const until = Math.min(end, from + DAY_MS);
    const after = zoneOffsetMs(zone, until);
    if (after !== before) changes.push({ at: momentOf(zone, from, until), shiftMs: after - before });
    [from, before] = [until, after];
  }
  return changes;
}

/** The first whole minute in (from, until] with the offset of `until`. */
function momentOf(zone: string, from: number, until: number): number {
  const wanted = zoneOffsetMs(zone, until);
  let [low, high] = [Math.floor(from / MINUTE_MS), Math.ceil(until / MINUTE_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zoneOffsetMs(zone, middle * MINUTE_MS) === wanted) high = middle;
    else low = middle;
  }
  return high * MINUTE_MS;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    timeZoneName: "longOffset",
    year: "numeric",
  });
  formats.set(zone, made);
  return made;
}
