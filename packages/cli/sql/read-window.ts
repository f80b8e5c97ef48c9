/** What people write for times, spans and counts on the command line. */
import { InvalidArgumentError } from "commander";

const MS_PER_UNIT: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `10m`, `2h`, `7d`, in ms. */
export function readSpan(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError("must be a number with s, m, h or d, such as 10m");
  return Number(match[1]) * MS_PER_UNIT[match[2]!]!;
}

/** readSpanUpTo reads a span of at most `longest`, written alike. */
export function readSpanUpTo(longest: string): (text: string) => number {
  return (text) => {
    const ms = readSpan(text);
    if (ms > readSpan(longest)) throw new InvalidArgumentError(`must be at most ${longest}`);
    return ms;
  };
}

/** ISO 8601, ms since the epoch. Without an offset it is UTC, as every time that we print, wherever the computer stands. */
export function readTime(text: string): number {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const hasOffset = !isDay && /(?:Z|[+-]\d\d:?\d\d)$/i.test(text);
  const at = Date.parse(hasOffset || isDay ? text : `${text.replace(" ", "T")}Z`);
  if (!isCalendarDay(text) || Number.isNaN(at))
    throw new InvalidArgumentError("is no time; write one such as 2026-11-24T09:00Z");
  return at;
}

/** `Date.parse` takes 30 February for 2 March. */
function isCalendarDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? [];
  return day !== undefined && Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`);
    return value;
  };
}

/** As the store takes it: `2026-11-24 09:00:00.000`, UTC. */
export function storeTime(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "");
}
