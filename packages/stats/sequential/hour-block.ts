/** Blocks of the week: weekday night, morning, afternoon, evening; weekend day, weekend night. */
export const HOUR_BLOCKS = 6;

/**
 * The block, 0..5, of a whole hour since 1970 UTC. Weekday nights end at 6, mornings at 12, afternoons
 * at 18, evenings at 24; a weekend day is 6 to 18. Saturday and Sunday are the weekend.
 */
export function hourBlock(hour: number, utcOffsetHours = 0): number {
  const local = Math.floor(hour + utcOffsetHours);
  const day = Math.floor(local / 24);
  const hourOfDay = local - day * 24;
  // 1970-01-01 was a Thursday: day 2 a Saturday.
  const weekday = (((day + 4) % 7) + 7) % 7;
  if (weekday === 0 || weekday === 6) return hourOfDay >= 6 && hourOfDay < 18 ? 4 : 5;
  return Math.floor(hourOfDay / 6);
}
