/** Blocks of the week: weekday night, morning, afternoon, evening; weekend day, weekend night. */
export const HOUR_BLOCKS = 6;

/**
 * Whole hours since 1970 UTC → what the clocks of a time zone show then, likewise counted.
 *
 * @throws RangeError when it doesn't know the zone
 */
export type LocalHour = (timeZone: string, hour: number) => number;

/** By the clock of UTC alone. */
export const utcHour: LocalHour = (timeZone, hour) => {
  if (timeZone !== "UTC") throw new RangeError(`hours of ${timeZone}: nobody says how its clocks go`);
  return hour;
};

/**
 * The block, 0..5, of a whole hour as the clock shows it. Weekday nights end at 6, mornings at 12, afternoons
 * at 18, evenings at 24; a weekend day is 6 to 18. Saturday and Sunday are the weekend.
 */
export function hourBlock(localHour: number): number {
  const day = Math.floor(localHour / 24);
  const hourOfDay = localHour - day * 24;
  // 1970-01-01 was a Thursday: day 2 a Saturday.
  const weekday = (((day + 4) % 7) + 7) % 7;
  if (weekday === 0 || weekday === 6) return hourOfDay >= 6 && hourOfDay < 18 ? 4 : 5;
  return Math.floor(hourOfDay / 6);
}
