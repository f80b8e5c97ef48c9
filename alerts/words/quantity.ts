/**
 * Numbers and moments in alerts. Deterministic: no locale of the machine, a real minus sign, and points in time always with
 * the date and the zone of whoever reads.
 */
import type { Unit } from "@plumbline/schemas";

type Interval = readonly [number, number];

/** isInterval returns true for ends that are finite and the right way round: one that can be shown. */
export function isInterval([low, high]: Interval): boolean {
  return Number.isFinite(low) && Number.isFinite(high) && low <= high;
}

/** `94.1%`, `$0.0041`, `0.231`, `0.86`, `12 calls`. */
export function formatValue(value: number, unit: Unit): string {
  switch (unit) {
    case "share":
      return `${percent(value)}%`;
    case "auc":
      return (0.5 + value).toFixed(2);
    case "psi":
      return significant(value);
    case "usd":
      return `${value < 0 ? MINUS : ""}$${significant(Math.abs(value))}`;
    case "calls":
      return callsText(value);
  }
}

/** Without a sign: `15.2 points`, `$0.0012`. */
export function formatSize(difference: number, unit: Unit): string {
  const size = Math.abs(difference);
  switch (unit) {
    case "share":
      return `${fixed(100 * size, 1)} points`;
    case "psi":
    case "auc":
      return significant(size);
    case "usd":
    case "calls":
      return formatValue(size, unit);
  }
}

/** A share without decimals, where it only gives an idea: `18%`. */
export function formatPercent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

/** With a sign: `−15.2 points`, `+$0.0012`. */
export function formatDifference(difference: number, unit: Unit): string {
  const size = formatSize(difference, unit);
  // A size that rounds to zero has no direction.
  if (!/[1-9]/.test(size)) return size;
  return `${difference < 0 ? MINUS : "+"}${size}`;
}

/** `93.1% to 94.9%`, `0.22 to 0.31`. */
export function formatInterval([low, high]: Interval, unit: Unit): string {
  return `${formatValue(low, unit)} to ${formatValue(high, unit)}`;
}

/** `−20.2 to −10.2 points`. */
export function formatDifferenceInterval([low, high]: Interval, unit: Unit): string {
  const [a, b] = [formatDifference(low, unit), formatDifference(high, unit)];
  return unit === "share" ? `${a.replace(" points", "")} to ${b}` : `${a} to ${b}`;
}

/** An estimate, three significant digits: `3,430`. */
export function formatAbout(count: number): string {
  const whole = Math.max(0, Math.round(count));
  return formatCount(whole < 1_000 ? whole : Number(whole.toPrecision(3)));
}

/** Thousands separated: `22,540`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `1 call`, `22,540 calls`. */
export function callsText(count: number): string {
  return `${formatCount(count)} call${Math.round(count) === 1 ? "" : "s"}`;
}

/** A mean of anything: three significant digits, and whole above a thousand. */
export function formatMean(mean: number): string {
  return Math.abs(mean) >= 1_000 ? formatCount(mean) : Number(mean.toPrecision(3)).toString();
}

/** `47 min`, `5 h`, `3 days`. */
export function formatDuration(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

const MINUS = "−";

/** Three significant digits without an exponent; a dollar and more has cents. */
function significant(value: number): string {
  if (value === 0) return "0";
  const digits = Math.min(8, Math.max(2, 2 - Math.floor(Math.log10(value))));
  return value.toFixed(digits);
}

/** One decimal; two near 0 and 1, where 99.98% must not read as all. Only exactly all and nothing have none. */
function percent(share: number): string {
  if (share === 0 || share === 1) return fixed(100 * share, 0);
  const toEdge = Math.min(Math.abs(share), Math.abs(1 - share));
  return fixed(100 * share, toEdge < 0.005 ? 2 : 1);
}

function fixed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `${MINUS}${text}` : text;
}

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
