/** One look of the monitor: its moment, and what it asked the store, each thing once. */
import type { JudgedUnitRow, QualitySeries, Store, VersionTraffic } from "@plumbline/ports";
import { HOUR_MS, iso, REBUILD_HOURS, seriesKey } from "./series.ts";

export class Look {
  /** ms since 1970 UTC */
  readonly nowMs: number;
  readonly #store: Pick<Store, "judgedUnits" | "versionTraffic">;
  #traffic: Promise<readonly VersionTraffic[]> | null = null;
  /** Units of one use case, as last asked for: freezing a baseline and filling its watch ask in a row. */
  #units: {
    readonly use_case: string;
    readonly startMs: number;
    readonly rows: readonly JudgedUnitRow[];
  } | null = null;

  constructor(store: Pick<Store, "judgedUnits" | "versionTraffic">, nowMs: number) {
    this.#store = store;
    this.nowMs = nowMs;
  }

  /** Units of the series judged from `startMs` on. */
  async unitsSince(series: QualitySeries, startMs: number): Promise<readonly JudgedUnitRow[]> {
    if (this.#units === null || this.#units.use_case !== series.use_case || this.#units.startMs > startMs) {
      const { use_case } = series;
      const rows = await this.#store.judgedUnits({
        start: iso(startMs),
        end: iso(this.nowMs + HOUR_MS),
        use_case,
      });
      this.#units = { use_case, startMs, rows };
    }
    const key = seriesKey(series);
    const start = iso(startMs);
    return this.#units.rows.filter((row) => row.judged_at >= start && seriesKey(row) === key);
  }

  /** Calls of the use case by version. Asked once a look at most: it counts every call of four weeks. */
  async trafficOf(series: QualitySeries): Promise<readonly VersionTraffic[]> {
    this.#traffic ??= this.#store.versionTraffic({
      start: iso(this.nowMs - REBUILD_HOURS * HOUR_MS),
      end: iso(this.nowMs + 1),
    });
    return (await this.#traffic).filter(
      (row) => row.tenant === series.tenant && row.env === series.env && row.use_case === series.use_case,
    );
  }
}
