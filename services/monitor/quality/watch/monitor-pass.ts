/** One pass of the monitor: its moment, and what it asked the store, each thing once. */
import type { JudgedUnitRow, QualitySeries, Store, VersionTraffic } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import { iso, REBUILD_HOURS, seriesKey, useCaseKey } from "../../units/series.ts";

export class MonitorPass {
  /** ms since 1970 UTC */
  readonly nowMs: number;
  readonly #store: Pick<Store, "judgedUnits" | "versionTraffic">;
  /** Calls by span and use case, as far as asked for. */
  readonly #traffic = new Map<string, Promise<readonly VersionTraffic[]>>();
  /** Units of one use case, as last asked for: freezing a baseline and filling its watch ask in a row. */
  #units: {
    readonly useCase: string;
    readonly startMs: number;
    readonly rows: readonly JudgedUnitRow[];
  } | null = null;

  constructor(store: Pick<Store, "judgedUnits" | "versionTraffic">, nowMs: number) {
    this.#store = store;
    this.nowMs = nowMs;
  }

  /** Units of the series judged from `startMs` on. */
  async unitsSince(series: QualitySeries, startMs: number): Promise<readonly JudgedUnitRow[]> {
    const useCase = useCaseKey(series);
    if (this.#units === null || this.#units.useCase !== useCase || this.#units.startMs > startMs) {
      const use_cases = [{ tenant: series.tenant, use_case: series.use_case }];
      const endMs = this.nowMs + HOUR_MS;
      const rows = await this.#store.judgedUnits({ start: iso(startMs), end: iso(endMs), use_cases });
      this.#units = { useCase, startMs, rows };
    }
    const key = seriesKey(series);
    const start = iso(startMs);
    return this.#units.rows.filter((row) => row.judged_at >= start && seriesKey(row) === key);
  }

  /**
   * Calls of the use case by version, of four weeks when left out. Each span is asked for once a pass: it counts every
   * call.
   */
  async trafficOf(
    series: QualitySeries,
    spanMs: number = REBUILD_HOURS * HOUR_MS,
  ): Promise<readonly VersionTraffic[]> {
    const { tenant, env, use_case } = series;
    const key = `${spanMs} ${useCaseKey(series)}`;
    const asked =
      this.#traffic.get(key) ??
      this.#store.versionTraffic({
        start: iso(this.nowMs - spanMs),
        end: iso(this.nowMs + 1),
        use_cases: [{ tenant, use_case }],
      });
    this.#traffic.set(key, asked);
    return (await asked).filter((row) => row.env === env);
  }
}
