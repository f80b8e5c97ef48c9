/** Points in time as people read them: always with the date and the zone, in the zone of whoever is woken. */

export const UTC = "UTC";

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * formatMoment returns `24 Nov, 09:15 UTC`.
 *
 * @param zone IANA name such as Europe/Berlin
 * @throws RangeError for a zone that does not exist
 */
export function formatMoment(iso: string, zone: string = UTC): string {
  const ms = Date.parse(iso);
  // A time that is none is shown as it was given, rather than not at all.
  if (Number.isNaN(ms)) return iso;
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
  return `${parts["day"]} ${parts["month"]}, ${parts["hour"]}:${parts["minute"]} ${parts["timeZoneName"]}`;
}

/** `24 Nov 2026, 09:15 UTC`: for small print, where the year is not in the way. */
export function formatMomentOfYear(iso: string, zone: string = UTC): string {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) return iso;
  const year = new Intl.DateTimeFormat("en-GB", { timeZone: zone, year: "numeric" }).format(ms);
  return formatMoment(iso, zone).replace(",", ` ${year},`);
}

/** isTimeZone returns true for a name that this machine knows. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      day: "numeric",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      timeZoneName: "short",
    });
    formats.set(zone, format);
  }
  return format;
}
