/** The memory of the fingerprint: one version's outputs by slice and feature, in weekly sums over four weeks. */
import { DAY_MS } from "@plumbline/schemas";
import { addHistogram, MISSING_BIN, type Histogram } from "./log-bins.ts";

/** The slice that holds every call. */
export const ALL = "";
/** Cells divide the traffic: every call is in exactly one. They exist to match the mix of inputs. */
export const CELL_PREFIX = "cell=";

/** Counts of one version in one hour, or sums of such. */
export interface VersionCounts {
  /** By slice, `ALL` and cells included. */
  readonly calls: ReadonlyMap<string, number>;
  /** By slice, then feature; without the missing. */
  readonly features: ReadonlyMap<string, ReadonlyMap<string, Histogram>>;
}

export interface VersionHour extends VersionCounts {
  /** Start of the hour, ms. */
  readonly hour: number;
  readonly version: string;
}

const WEEK_MS = 7 * DAY_MS;
const WEEKS = 4;

/** Inputs differ on weekends, and so do the answers. */
type DayKind = "weekday" | "weekend";

/** @param time ms since the epoch, whose first day was a Thursday */
export function dayKindOf(time: number): DayKind {
  const day = Math.floor(time / DAY_MS) % 7;
  return day === 2 || day === 3 ? "weekend" : "weekday";
}

export class VersionMemory {
  readonly #weeks = new Map<number, Record<DayKind, MutableCounts>>();

  add(hour: VersionHour): void {
    const week = Math.floor(hour.hour / WEEK_MS);
    for (const each of this.#weeks.keys()) if (each <= week - WEEKS) this.#weeks.delete(each);
    const own = this.#weeks.get(week) ?? { weekday: emptyCounts(), weekend: emptyCounts() };
    this.#weeks.set(week, own);
    addCounts(own[dayKindOf(hour.hour)], hour);
  }

  /** Each week apart, of all days or of one kind. */
  weeks(kind?: DayKind): readonly VersionCounts[] {
    return [...this.#weeks.values()].map((week) =>
      kind === undefined ? sumCounts([week.weekday, week.weekend]) : week[kind],
    );
  }
}

export interface MutableCounts extends VersionCounts {
  readonly calls: Map<string, number>;
  readonly features: Map<string, Map<string, Map<number, number>>>;
}

export function emptyCounts(): MutableCounts {
  return { calls: new Map(), features: new Map() };
}

export function addCounts(into: MutableCounts, from: VersionCounts): void {
  for (const [slice, calls] of from.calls) into.calls.set(slice, (into.calls.get(slice) ?? 0) + calls);
  for (const [slice, features] of from.features) {
    const own = into.features.get(slice) ?? new Map<string, Map<number, number>>();
    into.features.set(slice, own);
    for (const [feature, histogram] of features) {
      const sums = own.get(feature) ?? new Map<number, number>();
      own.set(feature, sums);
      addHistogram(sums, histogram);
    }
  }
}

export function sumCounts(parts: readonly VersionCounts[]): MutableCounts {
  const sum = emptyCounts();
  for (const part of parts) addCounts(sum, part);
  return sum;
}

/** The feature's histogram in a slice, with the calls that lack it counted as missing. */
export function withMissing(counts: VersionCounts, slice: string, feature: string): Histogram {
  const present = counts.features.get(slice)?.get(feature) ?? new Map<number, number>();
  let rows = 0;
  for (const n of present.values()) rows += n;
  const missing = (counts.calls.get(slice) ?? 0) - rows;
  return missing > 0 ? new Map([...present, [MISSING_BIN, missing]]) : present;
}
