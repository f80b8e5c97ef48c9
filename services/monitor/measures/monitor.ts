/**
 * The measures: jobs over 100% of the calls that need no judge. Input drift, output fingerprint, latency, cost, success,
 * path mix and the judge's anchors.
 *
 * Every run folds the hours that closed since the last one. It asks first when there were calls; where there were, it takes
 * two queries a page of use cases for counts, and one a use case and day for a sample of its texts. Time passes for every
 * use case in any case: windows and days close also when no call follows them. A use case that fails is left out of the
 * run, named, and folded from where it was left later; the others are looked at.
 *
 * State is a fold of stored rows: the first run, and one after the held use cases changed, folds the last eight weeks
 * again. What is open is read from the incidents topic, so running twice appends nothing the second time.
 */
import type { IncidentFold } from "@plumbline/alerts";
import type { AnchorDay, Clock, Store } from "@plumbline/ports";
import { DAY_MS, HOUR_MS, type NormalMeasure } from "@plumbline/schemas";
import { zoneOrUtc } from "../counts/local-hours.ts";
import type { AppendDeps } from "../report/append-incident.ts";
import { iso, type UseCase } from "../units/series.ts";
import { type UseCaseFailure, UseCaseGuard } from "../use-cases/use-case-guard.ts";
import { assertAnchors } from "./assert-anchors.ts";
import { assertDrift, assertOutputs } from "./assert-drift.ts";
import { assertHealth } from "./assert-health.ts";
import { assertUncachedPrefix } from "./assert-uncached-prefix.ts";
import { CallFold, type CallFoldDeps } from "./call-fold.ts";
import { normalMeasures } from "./use-case-measures.ts";

const ANCHOR_LOOKBACK_MS = 90 * DAY_MS;

export interface MeasuresDeps extends AppendDeps {
  readonly store: CallFoldDeps["store"] & Pick<Store, "anchorDays" | "judgedUnits">;
  readonly clock: Clock;
  readonly incidents: IncidentFold;
  /** holds returns true for the use cases of this replica. */
  readonly holds: (useCase: string) => boolean;
  /** An hour is complete this long after its end, ms; default 10 minutes. Later calls are not seen. */
  readonly settleMs?: number;
}

export interface MeasuresMonitor {
  /** One cycle; run at least once an hour. Not reentrant. @returns the use cases that were left out */
  run(): Promise<readonly UseCaseFailure[]>;
  /** Measures of a version that did not change as of the last run, for messages; empty when none were read. */
  normal(key: UseCase, version: string): readonly NormalMeasure[];
}

export function createMeasuresMonitor(deps: MeasuresDeps): MeasuresMonitor {
  const { store, clock, logger, incidents, settleMs = 600_000 } = deps;
  const guard = new UseCaseGuard("measures", deps);
  const calls = new CallFold({
    ...deps,
    guard,
    timeZoneOf: (key) => zoneOrUtc(deps.registry?.timeZone(key) ?? null),
  });
  let anchors: { readonly askedAt: number; readonly days: readonly AnchorDay[] } | null = null;

  async function run(): Promise<readonly UseCaseFailure[]> {
    guard.begin();
    const end = Math.floor((clock.now() - settleMs) / HOUR_MS) * HOUR_MS;
    await deps.registry?.refresh();
    const folded = await calls.foldUntil(end);
    if (folded === null) return guard.failures();
    await incidents.refresh();
    for (const { key, measures } of calls.foldedUntil(end)) {
      await guard.run(key, async () => {
        await assertDrift(key, measures, end, deps);
        await assertOutputs(key, measures, end, deps);
        await assertHealth(key, measures, end, deps);
        await assertUncachedPrefix(key, measures, end, deps, async (version) => {
          await deps.registry?.refresh();
          return deps.registry?.document(key, version) ?? null;
        });
      });
    }
    if (areAnchorsDue(end, folded.hasCalls)) {
      const days = await store.anchorDays({ start: iso(end - ANCHOR_LOOKBACK_MS), end: iso(end) });
      anchors = { askedAt: end, days };
    }
    await assertAnchors(anchors?.days ?? [], end, deps);
    const failures = guard.failures();
    logger.info({ use_cases: calls.size, hours: folded.hours, failed: failures.length }, "monitor.measures");
    return failures;
  }

  /**
   * With every hour that has calls. While none arrive, once a day is enough: agreement is counted by day, and a drift
   * of the judge is about the verdicts on calls. Nothing to watch over is no reason to ask.
   */
  function areAnchorsDue(end: number, hasCalls: boolean): boolean {
    if (hasCalls) return true;
    const isNewDay = anchors === null || Math.floor(anchors.askedAt / DAY_MS) < Math.floor(end / DAY_MS);
    return isNewDay && (calls.size > 0 || incidents.open("judge_drift").length > 0);
  }

  return {
    run,
    normal(key, version) {
      const known = calls.get(key);
      return known === undefined ? [] : normalMeasures(known.measures, version);
    },
  };
}
