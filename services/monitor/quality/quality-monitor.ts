/**
 * Watches the quality of every version that serves: freezes its baseline, folds each hour of verdicts into the
 * detector, asserts an alarm once, keeps its numbers true, and says when quality is back.
 *
 * A use case that fails is left out of the pass, named, and its watches are rebuilt from rows later; the others are
 * looked at.
 *
 * All state follows from rows and the log. A run repeated on the same rows appends nothing; a restart rebuilds the
 * watches from stored baselines and verdicts.
 */
import type { IncidentFold } from "@plumbline/alerts";
import type { BaselineInsert, Clock, EventLog, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { DAY_MS, type NormalMeasure } from "@plumbline/schemas";
import { insertApart, type UseCaseFailure, UseCaseGuard } from "../use-cases/use-case-guard.ts";
import { type AssertAlarmOptions, assertAlarms } from "./assert-alarm.ts";
import { assertRecoveries } from "./recovery.ts";
import type { RegistryView } from "../deploys/registry-view.ts";
import type { BaselineOptions } from "./watch/baseline.ts";
import { keepBaseline, SeriesBook } from "./watch/series-book.ts";
import { MonitorPass } from "./watch/monitor-pass.ts";
import { iso, type UseCase, useCaseKey } from "../units/series.ts";
import { ServedVersions } from "../deploys/served-versions.ts";
import { VerdictReader } from "./verdict-reader.ts";
import { type VersionState, VersionStates } from "./watch/version-states.ts";
import { resumeWatches, watchServing } from "./watch-serving.ts";

/** Calls may reach the store this much out of order. */
const ACTIVITY_OVERLAP_MS = 10 * 60_000;
/** Versions are known this far back. */
const ACTIVITY_REACH_MS = 90 * DAY_MS;
const BASELINES_REACH_MS = 395 * DAY_MS;

export type QualityStore = Pick<
  Store,
  | "judgedUnits"
  | "judgedUnitCounts"
  | "versionActivity"
  | "versionTraffic"
  | "affectedPeople"
  | "sliceMix"
  | "responseModels"
  | "judgeLabels"
  | "baselines"
  | "insertBaselines"
  | "insertEvidence"
  | "insertQualityStates"
  | "qualityStates"
>;

interface QualityMonitorDeps {
  readonly store: QualityStore;
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  /** holds returns true for the use cases of this replica. */
  readonly holds: (useCase: string) => boolean;
  readonly options: QualityOptions;
  readonly registry: RegistryView;
  /** normal returns the measures of a version that did not change, for messages. */
  readonly normal?: (useCase: UseCase, version: string) => readonly NormalMeasure[];
}

export interface QualityOptions extends BaselineOptions, AssertAlarmOptions {}

export interface QualityMonitor {
  /** Reads what was judged since the last pass. @returns the use cases that were left out */
  run(): Promise<readonly UseCaseFailure[]>;
  /** Every version watched or decided since the start, oldest first. */
  states(): readonly VersionState[];
}

export function createQualityMonitor(deps: QualityMonitorDeps): QualityMonitor {
  const { store, clock, incidents, holds } = deps;
  const book = new SeriesBook();
  const served = new ServedVersions();
  const states = new VersionStates();
  /** Frozen and not stored yet; kept when a pass fails, since a baseline is never frozen twice. */
  let frozen: BaselineInsert[] = [];
  const guard = new UseCaseGuard("quality", deps);
  const freeze = (row: BaselineInsert): void => void frozen.push(row);
  const parts = { ...deps, book, served, states, freeze, guard };
  let reader: VerdictReader | null = null;
  let nowMs = 0;

  return {
    async run() {
      guard.begin();
      const pass = new MonitorPass(store, clock.now());
      nowMs = pass.nowMs;
      await incidents.refresh();
      reader ??= await start();
      const since = served.newestMs ?? nowMs - ACTIVITY_REACH_MS;
      served.merge(await store.versionActivity({ since: iso(since - ACTIVITY_OVERLAP_MS) }));

      await reader.read(nowMs);
      await reader.dropStale(nowMs);
      const held = [...book.all()].filter(({ series }) => holds(series.use_case));
      const verdicts = reader;
      for (const known of held)
        await guard.run(known.series, () => watchServing(known, pass, verdicts, parts));
      // Baselines are stored before an alarm quotes them.
      frozen = await insertApart(frozen, (rows) => store.insertBaselines(rows), guard);
      const left = new Set(guard.failures().map(({ useCase }) => useCaseKey(useCase)));
      for (const known of held.filter(({ series }) => !left.has(useCaseKey(series)))) {
        await guard.run(known.series, async () => {
          await assertAlarms(known, pass, parts);
          await assertRecoveries(known, pass, parts);
        });
      }
      await states.store(store, guard);
      return guard.failures();
    },
    states: () => states.now(book, nowMs),
  };

  /** Reads stored baselines and states first: a baseline is never frozen twice. */
  async function start(): Promise<VerdictReader> {
    const since = iso(nowMs - BASELINES_REACH_MS);
    served.merge(await store.versionActivity({ since: iso(nowMs - ACTIVITY_REACH_MS) }));
    states.restore(await store.qualityStates({ since }));
    for (const row of await store.baselines({ since })) keepBaseline(book.of(row), row, nowMs);
    for (const known of book.all()) resumeWatches(known, nowMs, parts);
    return new VerdictReader(parts, nowMs);
  }
}
