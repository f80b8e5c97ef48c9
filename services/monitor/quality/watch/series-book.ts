/** The series book: each series with its watches, its baselines, and how much of it was seen. */
import type { BaselineRow, JudgedUnitRow, QualitySeries } from "@plumbline/ports";
import { isProvisional, keptBaselines } from "./baseline.ts";
import { hourOf, type InputPairs, seriesKey, seriesOf } from "../../units/series.ts";
import type { VersionWatch } from "./version-watch.ts";

/** A series as far as it was seen. */
export interface KnownSeries {
  readonly series: QualitySeries;
  /** By version. */
  readonly watches: Map<string, Watched>;
  /** Oldest first, as many as may be asked for. */
  baselines: readonly BaselineRow[];
  readonly deployHours: Set<number>;
  is_guardrail: boolean;
  /** What the guardrail protects beyond the answer; null for the answer itself. */
  protects: NonNullable<JudgedUnitRow["protects"]> | null;
  /** Units judged later than any before them; those that come late are not counted. */
  units: number;
  /** `judged_at` of the newest unit, ISO 8601. */
  newestAt: string;
  /** When a version without a baseline tries again: at so many units, or at this time, ms. */
  readonly retries: Map<string, { readonly units: number; readonly ms: number }>;
}

interface WatchStart {
  readonly fromHour: number;
  readonly startWeight: number;
}

export interface Watched {
  readonly watch: VersionWatch;
  readonly baseline: BaselineRow;
  readonly start: WatchStart;
  /** New evidence since it was last read. */
  isDirty: boolean;
  /** Pairs of the same input; undefined until they are first asked for. */
  pairs?: InputPairs;
}

type Guards = Pick<JudgedUnitRow, "is_guardrail" | "protects">;
const NO_GUARD: Guards = { is_guardrail: false };

export class SeriesBook {
  readonly #series = new Map<string, KnownSeries>();

  all(): Iterable<KnownSeries> {
    return this.#series.values();
  }

  find(series: QualitySeries): KnownSeries | undefined {
    return this.#series.get(seriesKey(series));
  }

  /** The series of a row, begun if it is new. */
  of(row: QualitySeries, { is_guardrail, protects = null }: Guards = NO_GUARD): KnownSeries {
    const key = seriesKey(row);
    let known = this.#series.get(key);
    if (known === undefined) {
      known = {
        series: seriesOf(row),
        watches: new Map(),
        baselines: [],
        deployHours: new Set(),
        is_guardrail,
        protects,
        units: 0,
        newestAt: "",
        retries: new Map(),
      };
      this.#series.set(key, known);
    }
    return known;
  }
}

export function keepBaseline(known: KnownSeries, row: BaselineRow, nowMs: number): void {
  known.baselines = keptBaselines([...known.baselines, row], nowMs);
  known.deployHours.add(hourOf(row.deployed_at));
}

/** The baseline in force: the first fitted one, or else the provisional one. */
export function baselineOf({ baselines }: KnownSeries, version: string): BaselineRow | undefined {
  const own = baselines.filter((row) => row.prompt_version === version);
  return own.find((row) => !isProvisional(row)) ?? own[0];
}

/** A watch is read through the hour after now: judges whose clock is fast count as well. */
export function throughHour({ start }: Watched, nowMs: number): number {
  return Math.max(start.fromHour, hourOf(nowMs) + 1);
}
