/**
 * How many calls are usual in the time of a silence: as many as a week ago, in the same hours by the clock of the use case.
 *
 * The clock is that of the configured time zone. Without one it is learnt: in the days after clocks were changed somewhere,
 * the traffic since then is held against that of a week before by every clock there is. While several fit, the least of what
 * they find usual counts, so that a day which only begins later is no silence. Pure.
 */
import type { ArrivalQuarters } from "@plumbline/ports";
import { MINUTE_MS, type TimeZoneSource } from "@plumbline/schemas";
import { isRepeated, weekBefore, weekBeforeInUtc, type ZoneClock } from "./clocks.ts";

const QUARTER_MS = 15 * MINUTE_MS;
/** Calls that may differ from those of a week before by chance. */
const CHANCE_CALLS = 20;
/** A clock fits when its week differs by at most this much more than that of the best one. */
const WORSE_MAX = 1.25;

export interface UsualCalls {
  readonly usual_calls: number;
  readonly time_zone: string;
  readonly time_zone_source: TimeZoneSource;
}

/** By the configured clock. */
export function usualByClock(
  clock: ZoneClock,
  silence: readonly [number, number],
  arrivals: Arrivals,
): UsualCalls {
  return {
    usual_calls: usualIn(clock, silence, arrivals),
    time_zone: clock.zone,
    time_zone_source: "config",
  };
}

/**
 * By the clock that the traffic follows: learnt when that of UTC, which never changes, doesn't fit.
 *
 * @param clocks that of UTC first
 */
export function usualByTraffic(
  clocks: readonly ZoneClock[],
  silence: readonly [number, number],
  arrivals: Arrivals,
): UsualCalls {
  const fitting = fittingClocks(clocks, silence[0], arrivals);
  const usual = Math.min(...fitting.map((clock) => usualIn(clock, silence, arrivals)));
  const [best] = fitting;
  const isLearnt = fitting.length === 1 || !fitting.includes(clocks[0]!);
  return isLearnt
    ? { usual_calls: usual, time_zone: best!.zone, time_zone_source: "traffic" }
    : { usual_calls: usual, time_zone: "UTC", time_zone_source: "default" };
}

/** Calls by their arrival, evenly spread within a quarter of an hour. */
export class Arrivals {
  readonly #quarters: ReadonlyMap<number, number>;

  constructor({ quarters }: Pick<ArrivalQuarters, "quarters">) {
    this.#quarters = new Map(quarters);
  }

  /** @param at ms since the epoch */
  inQuarterOf(at: number): number {
    return this.#quarters.get(Math.floor(at / QUARTER_MS)) ?? 0;
  }
}

/** Calls of a week ago in the hours of the silence. An hour that is missing has none. */
function usualIn(clock: ZoneClock, [start, end]: readonly [number, number], arrivals: Arrivals): number {
  let calls = 0;
  for (let at = start; at < end;) {
    const until = Math.min(end, (Math.floor(at / QUARTER_MS) + 1) * QUARTER_MS);
    calls += (usualInQuarter(clock, at, arrivals) * (until - at)) / QUARTER_MS;
    at = until;
  }
  return calls;
}

/** Of an hour that comes twice, people call in both; what a schedule starts comes once, and is not missed in the second. */
function usualInQuarter(clock: ZoneClock, at: number, arrivals: Arrivals): number {
  const usual = arrivals.inQuarterOf(weekBefore(clock, at));
  return isRepeated(clock, at) ? Math.min(usual, arrivals.inQuarterOf(weekBeforeInUtc(at))) : usual;
}

/** The best first. */
function fittingClocks(
  clocks: readonly ZoneClock[],
  until: number,
  arrivals: Arrivals,
): readonly ZoneClock[] {
  const from = Math.min(...clocks.flatMap(({ changes }) => changes.map(({ at }) => at)));
  const measured = clocks
    .map((clock) => ({ clock, distance: distanceOf(clock, from, until, arrivals) }))
    .toSorted((a, b) => a.distance - b.distance);
  const limit = WORSE_MAX * measured[0]!.distance + CHANCE_CALLS;
  return measured.filter(({ distance }) => distance <= limit).map(({ clock }) => clock);
}

/** Calls by which the quarters since `from` differ from those of a week before. */
function distanceOf(clock: ZoneClock, from: number, until: number, arrivals: Arrivals): number {
  let distance = 0;
  for (let at = from; at + QUARTER_MS <= until; at += QUARTER_MS)
    distance += Math.abs(arrivals.inQuarterOf(at) - arrivals.inQuarterOf(weekBefore(clock, at)));
  return distance;
}
