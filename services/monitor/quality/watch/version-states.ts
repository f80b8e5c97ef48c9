/** The state of each version: watching, cleared or regressed. A state only moves forward. */
import { insertApart, type UseCaseGuard } from "../../use-cases/use-case-guard.ts";
import type { BaselineRow, QualitySeries, QualityStateRow, Store } from "@plumbline/ports";
import { bernoulliDivergence, LOG_CLEARED } from "@plumbline/stats";
import { type SeriesBook, throughHour, type Watched } from "./series-book.ts";
import { iso, seriesKey, seriesOf } from "../../units/series.ts";
import type { WatchReading } from "./version-watch.ts";

/** The state of a version now; there is no "no difference". */
export interface VersionState extends QualitySeries {
  readonly prompt_version: string;
  readonly state: "WATCHING" | "CLEARED" | "REGRESSED";
  /** When the state was reached; ISO 8601 UTC. */
  readonly at: string;
  /** Judged since the start of the watch. */
  readonly units: number;
  /** While watching: about how many more until an unchanged version is cleared. */
  readonly units_needed: number | null;
}

const RANK = { WATCHING: 0, CLEARED: 1, REGRESSED: 2 } as const;

export class VersionStates {
  readonly #states = new Map<string, QualityStateRow>();
  /** Progress of versions that are no longer watched. */
  readonly #left = new Map<string, Pick<VersionState, "units" | "units_needed">>();
  #unstored: QualityStateRow[] = [];

  /** Takes in the states stored before a restart. */
  restore(rows: readonly QualityStateRow[]): void {
    for (const row of rows) this.#states.set(stateKey(row), row);
  }

  /** Notes a state, unless the version has reached it before. */
  note(
    baseline: BaselineRow,
    state: QualityStateRow["state"],
    { units, logM, logThreshold }: WatchReading,
    nowMs: number,
  ): void {
    const row: QualityStateRow = {
      ...seriesOf(baseline),
      prompt_version: baseline.prompt_version,
      snapshot_id: baseline.snapshot_id,
      state,
      at: iso(nowMs),
      units,
      log_m: Number.isFinite(logM) ? logM : 0,
      log_threshold: logThreshold,
    };
    const previous = this.#states.get(stateKey(row));
    if (previous !== undefined && RANK[previous.state] >= RANK[state]) return;
    this.#states.set(stateKey(row), row);
    this.#unstored.push(row);
  }

  /** Remembers the progress of a version that is about to be dropped. */
  leave(watched: Watched, nowMs: number): void {
    const { baseline } = watched;
    this.#left.set(stateKey(baseline), progressOf(watched, nowMs));
  }

  /** Stores the states noted since the last call, in one block. */
  async store(store: Pick<Store, "insertQualityStates">, guard: UseCaseGuard): Promise<void> {
    this.#unstored = await insertApart(this.#unstored, (rows) => store.insertQualityStates(rows), guard);
  }

  /** Every version watched or decided since the start, oldest first. */
  now(book: SeriesBook, nowMs: number): readonly VersionState[] {
    return [...this.#states.values()]
      .map((row): VersionState => {
        const { prompt_version, state, at } = row;
        const said = { ...seriesOf(row), prompt_version, state, at };
        if (state !== "WATCHING") return { ...said, units: row.units, units_needed: null };
        const watched = book.find(row)?.watches.get(prompt_version);
        const last = this.#left.get(stateKey(row)) ?? { units: row.units, units_needed: null };
        return { ...said, ...(watched === undefined ? last : progressOf(watched, nowMs)) };
      })
      .sort((a, b) => a.at.localeCompare(b.at));
  }
}

function stateKey(row: QualitySeries & { readonly prompt_version: string }): string {
  return `${seriesKey(row)} ${row.prompt_version}`;
}

function progressOf(watched: Watched, nowMs: number): Pick<VersionState, "units" | "units_needed"> {
  const reading = watched.watch.read(throughHour(watched, nowMs));
  return { units: reading.units, units_needed: unitsNeeded(watched, reading) };
}

/**
 * Units until an unchanged version is cleared: the evidence needed over what one unit gives on average. Later than that the
 * version is not quite unchanged, and what its own units gave so far stands in; the plan again, if they gave nothing.
 */
function unitsNeeded({ watch, baseline }: Watched, { units, logClearance }: WatchReading): number {
  const { clearanceMargin } = watch.prepared.snapshot.streams[0]!;
  const mean = Math.min(0.98, baseline.units > 0 ? baseline.score_sum / baseline.units : 0.5);
  const gain = bernoulliDivergence(mean, Math.max(0.01, mean - clearanceMargin));
  const { gains, eta } = watch.prepared.snapshot;
  const planned = Math.ceil((LOG_CLEARED + Math.log(gains.length)) / (gain * eta));
  if (units < planned) return planned - units;
  if (logClearance <= 0) return planned;
  return Math.max(1, Math.min(UNITS_NEEDED_MAX, Math.ceil(units * (LOG_CLEARED / logClearance - 1))));
}

/** A larger number is shown as this one. */
const UNITS_NEEDED_MAX = 10_000_000;
