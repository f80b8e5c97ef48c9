/**
 * Watches the quality of every version that serves: freezes its baseline, folds each hour of verdicts into the
 * detector, asserts an alarm once, keeps its numbers true, and says when quality is back.
 *
 * A use case that fails is left out of the look, named, and its watches are rebuilt from rows later; the others are
 * looked at.
 *
 * All state follows from rows and the log. A run repeated on the same rows appends nothing; a restart rebuilds the
 * watches from stored baselines and verdicts.
 */
import type { IncidentFold } from "@plumbline/alerts";
import type { BaselineInsert, Clock, EventLog, Store } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { DAY_MS, type NormalMeasure } from "@plumbline/schemas";
import { insertApart } from "../use-cases/insert-apart.ts";
import type { VersionNames } from "../report/version-names.ts";
import { UseCaseGuard, type UseCaseFailure } from "../use-cases/use-case-guard.ts";
import { assertAlarms, type AssertAlarmOptions } from "./assert-alarm.ts";
import { assertRecoveries } from "./ending/assert-recovery.ts";
import { GivenShares } from "../deploys/rollout-shares.ts";
import type { BaselineOptions } from "./watch/baseline.ts";
import { keepBaseline, SeriesBook } from "./watch/series-book.ts";
import { Look } from "./watch/monitor-pass.ts";
import { PromptTexts } from "../deploys/prompt-texts.ts";
import { iso, type UseCase, useCaseKey } from "../units/series.ts";
import { ServedVersions } from "../deploys/served-versions.ts";
import { VerdictReader } from "./verdict-reader.ts";
import { type VersionState, VersionStates } from "./watch/version-states.ts";
import { resumeWatches, watchServing } from "./watch-serving.ts";

/** Calls may reach the store this much out of order. */
const ACTIVITY_OVERLAP_MS = 10 * 60_000;
/** How far back versions are known. */
const ACTIVITY_REACH_MS = 90 * DAY_MS;
const BASELINES_REACH_MS = 395 * DAY_MS;

export type QualityStore = Pick<
  Store,
  | "judgedUnits"
  | "judgedUnitCounts"
  | "versionActivity"
  | "versionTraffic"
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
  readonly log: Pick<EventLog, "append" | "read">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  /** Whether this replica works on the use case. */
  readonly holds: (useCase: string) => boolean;
  readonly options: QualityOptions;
  /** Numbers of versions and owners; without it versions are called by their hash. */
  readonly names?: VersionNames;
  /** What the measures find normal about a version, for messages; nothing when left out. */
  readonly normal?: (useCase: UseCase, version: string) => readonly NormalMeasure[];
}

export interface QualityOptions extends BaselineOptions, AssertAlarmOptions {}

export interface QualityMonitor {
  /** One look at what was judged since the last one. @returns the use cases that were left out */
  run(): Promise<readonly UseCaseFailure[]>;
  /** Every version watched or decided since the start, oldest first. */
  states(): readonly VersionState[];
}

export function createQualityMonitor(deps: QualityMonitorDeps): QualityMonitor {
  const { store, clock, incidents, holds } = deps;
  const book = new SeriesBook();
  const served = new ServedVersions();
  const states = new VersionStates();
  /** Not stored yet; kept when a look fails, since what was frozen is never frozen anew. */
  let frozen: BaselineInsert[] = [];
  const guard = new UseCaseGuard("quality", deps);
  const prompts = new PromptTexts(deps.log);
  const shares = new GivenShares(deps.log);
  const freeze = (row: BaselineInsert): void => void frozen.push(row);
  const parts = { ...deps, book, served, states, freeze, prompts, shares, guard };
  let reader: VerdictReader | null = null;
  let nowMs = 0;

  return {
    async run() {
      guard.begin();
      const look = new Look(store, clock.now());
      nowMs = look.nowMs;
      await incidents.refresh();
      reader ??= await start();
      const since = served.newestMs ?? nowMs - ACTIVITY_REACH_MS;
      served.merge(await store.versionActivity({ since: iso(since - ACTIVITY_OVERLAP_MS) }));

      await reader.read(nowMs);
      await reader.dropStale(nowMs);
      const held = [...book.all()].filter(({ series }) => holds(series.use_case));
      const verdicts = reader;
      for (const known of held)
        await guard.run(known.series, () => watchServing(known, look, verdicts, parts));
      // What an alarm quotes is stored before it is asserted.
      frozen = await insertApart(frozen, (rows) => store.insertBaselines(rows), guard);
      const left = new Set(guard.failures().map(({ useCase }) => useCaseKey(useCase)));
      for (const known of held.filter(({ series }) => !left.has(useCaseKey(series)))) {
        await guard.run(known.series, async () => {
          await assertAlarms(known, look, parts);
          await assertRecoveries(known, look, parts);
        });
      }
      await states.store(store, guard);
      return guard.failures();
    },
    states: () => states.now(book, nowMs),
  };

  /** Stored baselines and states first: what was frozen before a restart is never frozen anew. */
  async function start(): Promise<VerdictReader> {
    const since = iso(nowMs - BASELINES_REACH_MS);
    served.merge(await store.versionActivity({ since: iso(nowMs - ACTIVITY_REACH_MS) }));
    states.restore(await store.qualityStates({ since }));
    for (const row of await store.baselines({ since })) keepBaseline(book.of(row), row, nowMs);
    for (const known of book.all()) resumeWatches(known, nowMs, parts);
    return new VerdictReader(parts, nowMs);
  }
}
