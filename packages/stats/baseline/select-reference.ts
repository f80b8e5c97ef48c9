import type { JudgedUnit } from "./baseline-snapshot.ts";

/** A predecessor of the new version, as far as choosing a reference needs to know. */
interface Predecessor {
  readonly version: string;
  /** True when its own detector ended in an alarm. */
  readonly alarmed: boolean;
  /** Judge model and rubric, as one hash: units judged differently are never mixed. */
  readonly calibration: string;
  readonly units: readonly JudgedUnit[];
}

/** Half-open `[startHour, endHour)`, whole hours since 1970 UTC. */
export interface HourWindow {
  readonly startHour: number;
  readonly endHour: number;
}

const HOURS_PER_WEEK = 168;
const REFERENCE_HOURS_MAX = 4 * HOURS_PER_WEEK;
const REFERENCE_AIM = 1000;

/**
 * The judged units a new version is held against: those of its direct predecessor in the last 28 days,
 * in whole weeks when there is at least one, so that no hour of the week is over-represented.
 *
 * When these are fewer than 1,000, older predecessors are added, newest first, that never alarmed and
 * were judged alike, each with its own last 28 days. Hours of acknowledged incidents are left out.
 *
 * @param predecessors newest first; the first one is used whether or not it alarmed
 * @param calibration  of the new version
 */
export function selectReference(
  predecessors: readonly Predecessor[],
  calibration: string,
  incidents: readonly HourWindow[] = [],
): { readonly units: readonly JudgedUnit[]; readonly versions: readonly string[] } {
  const units: JudgedUnit[] = [];
  const versions: string[] = [];
  for (const [i, predecessor] of predecessors.entries()) {
    if (predecessor.calibration !== calibration || (i > 0 && predecessor.alarmed)) continue;
    if (units.length >= REFERENCE_AIM) break;
    const chosen = lastWholeWeeks(predecessor.units).filter(
      ({ hour }) => !incidents.some(({ startHour, endHour }) => hour >= startHour && hour < endHour),
    );
    if (chosen.length === 0) continue;
    for (const unit of chosen) units.push(unit);
    versions.push(predecessor.version);
  }
  return { units, versions };
}

function lastWholeWeeks(units: readonly JudgedUnit[]): readonly JudgedUnit[] {
  let first = Infinity;
  let last = -Infinity;
  for (const { hour } of units) {
    first = Math.min(first, hour);
    last = Math.max(last, hour);
  }
  const span = Math.min(last - first + 1, REFERENCE_HOURS_MAX);
  if (span < HOURS_PER_WEEK) return units;
  const whole = Math.floor(span / HOURS_PER_WEEK) * HOURS_PER_WEEK;
  return units.filter(({ hour }) => hour > last - whole);
}
