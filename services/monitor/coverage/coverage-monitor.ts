/**
 * Reports where quality is unknown: verdicts that don't come, a judge that scores nothing, traffic of which nothing is
 * selected, a use case without traffic. No data is never read as good, as bad or as zero.
 */
import { type IncidentFold, incidentId, incidentKey } from "@plumbline/alerts";
import type { Clock, EventLog, Store, VersionActivity } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { DAY_MS, HOUR_MS, OVERFLOW_USE_CASE, OVERFLOW_VERSION } from "@plumbline/schemas";
import { appendDetectedOnce, appendRecovered, closedGap } from "../report/append-incident.ts";
import { coverageDetection } from "./coverage-detection.ts";
import { iso, type UseCase, useCaseKey } from "../units/series.ts";
import {
  type Gap,
  judgingGaps,
  samplingGaps,
  SILENCE_MS,
  silenceGap,
  useCaseGaps,
  VERDICT_DUE_MS,
  versionGaps,
} from "./find-gaps.ts";
import { readUsualCalls, type UsualCallsDeps } from "./read-usual-calls.ts";

/** Calls that arrived in this time are counted: longer than a night. */
const WINDOW_MS = DAY_MS;
/** The last part of the window, which shows whether scoring works now. */
const RECENT_MS = 2 * HOUR_MS;
/** A week of history before a silence, and as much again for the silence itself. */
const SILENCE_REACH_MS = 15 * DAY_MS;
/** Counts are this far apart, however often the job runs: each covers a day of calls. */
const EVERY_MS = 5 * 60_000;

export interface CoverageMonitorDeps {
  readonly store: Pick<
    Store,
    "arrivalQuarters" | "judgingProgress" | "silentUseCases" | "versionActivity" | "versionOverflow"
  >;
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  /** Knows the configured time zones. */
  readonly zones: UsualCallsDeps["zones"];
  readonly holds: (useCase: string) => boolean;
}

export interface CoverageMonitor {
  run(): Promise<void>;
}

interface FoundGap extends Gap {
  readonly useCase: UseCase;
  readonly start: string;
}

export function createCoverageMonitor(deps: CoverageMonitorDeps): CoverageMonitor {
  const { store, clock, incidents, holds } = deps;
  /** Monotonic, ms. */
  let lookedAt = -Infinity;

  return {
    async run() {
      const nowMs = clock.now();
      if (clock.monotonic() - lookedAt < EVERY_MS) return;
      const startedAt = clock.monotonic();
      await incidents.refresh();
      const start = iso(nowMs - WINDOW_MS);
      const end = iso(nowMs - VERDICT_DUE_MS);
      const [progress, recent, activity, silent] = await Promise.all([
        store.judgingProgress({ start, end }),
        store.judgingProgress({ start: iso(nowMs - VERDICT_DUE_MS - RECENT_MS), end }),
        store.versionActivity({ since: start }),
        store.silentUseCases({
          start: iso(nowMs - SILENCE_REACH_MS),
          end: iso(nowMs + 1),
          since: iso(nowMs - SILENCE_MS),
        }),
      ]);
      const held = silent.filter(({ use_case }) => holds(use_case));
      const usual = await readUsualCalls(held, nowMs, deps);
      const recentOf = new Map(recent.map((row) => [useCaseKey(row), row]));
      const apps = await overflowApps(activity, start, nowMs);
      const gaps: readonly FoundGap[] = [
        ...progress.flatMap((row) =>
          judgingGaps(row, recentOf.get(useCaseKey(row))).map((gap) => ({ ...gap, useCase: row, start })),
        ),
        ...countByUseCase(activity).flatMap(({ useCase, calls, sampled, overflowing }) =>
          [
            ...samplingGaps(calls, sampled),
            ...(useCase.use_case === OVERFLOW_USE_CASE
              ? useCaseGaps(calls, apps.get(useCaseKey(useCase)) ?? [])
              : versionGaps(calls, overflowing, apps.get(useCaseKey(useCase)) ?? [])),
          ].map((gap) => ({
            ...gap,
            useCase,
            start,
          })),
        ),
        ...held.flatMap((row) => {
          // Its silence is the cure.
          if (row.use_case === OVERFLOW_USE_CASE) return [];
          const gap = silenceGap(row, usual.get(useCaseKey(row)) ?? null, nowMs);
          return gap === null ? [] : [{ ...gap, useCase: row, start: row.last_at }];
        }),
      ].filter(({ useCase }) => holds(useCase.use_case));

      await assertGaps(gaps, nowMs);
      await assertEnds(gaps, activity, nowMs);
      lookedAt = startedAt;
    },
  };

  /** Apps that send too many versions; the store is only asked while some do. */
  async function overflowApps(
    activity: readonly VersionActivity[],
    start: string,
    nowMs: number,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const apps = new Map<string, string[]>();
    if (!activity.some(({ prompt_version }) => prompt_version === OVERFLOW_VERSION)) return apps;
    for (const row of await store.versionOverflow({ start, end: iso(nowMs + 1) }))
      apps.set(useCaseKey(row), [...(apps.get(useCaseKey(row)) ?? []), row.app]);
    return apps;
  }

  async function assertGaps(gaps: readonly FoundGap[], nowMs: number): Promise<void> {
    for (const gap of gaps) await appendDetectedOnce(toDetection(gap, nowMs), nowMs, deps);
  }

  /** A gap ends when it is no longer found while calls arrive; silence alone never ends one. */
  async function assertEnds(
    gaps: readonly FoundGap[],
    activity: readonly VersionActivity[],
    nowMs: number,
  ): Promise<void> {
    const found = new Set(gaps.map((gap) => incidentId(incidentKey(toDetection(gap, nowMs)))));
    for (const incident of incidents.standing("coverage")) {
      const { detection } = incident;
      // Calls do not show whether jobs run; the job watch ends it.
      if (detection.evidence.measure === "job_runs") continue;
      if (found.has(incident.incident_id) || !holds(detection.use_case)) continue;
      const key = useCaseKey(detection);
      const newest = activity.filter((row) => useCaseKey(row) === key);
      const calls = newest.reduce((sum, row) => sum + row.calls, 0);
      const lastMs = Math.max(...newest.map((row) => Date.parse(row.last_ingested_at)));
      if (calls === 0 || nowMs - lastMs >= SILENCE_MS) continue;
      await appendRecovered(incident, "gap_closed", closedGap(calls), nowMs, deps);
    }
  }
}

interface UseCaseCounts {
  readonly useCase: UseCase;
  readonly calls: number;
  readonly sampled: number;
  /** Calls whose version is one too many on its day. */
  readonly overflowing: number;
}

function countByUseCase(activity: readonly VersionActivity[]): readonly UseCaseCounts[] {
  const counts = new Map<string, UseCaseCounts>();
  for (const row of activity) {
    const known = counts.get(useCaseKey(row)) ?? { useCase: row, calls: 0, sampled: 0, overflowing: 0 };
    counts.set(useCaseKey(row), {
      ...known,
      calls: known.calls + row.calls,
      sampled: known.sampled + row.sampled,
      overflowing: known.overflowing + (row.prompt_version === OVERFLOW_VERSION ? row.calls : 0),
    });
  }
  return [...counts.values()];
}

function toDetection({ useCase, start, ...gap }: FoundGap, nowMs: number) {
  return coverageDetection(useCase, { ...gap, window: { start, end: iso(nowMs) } });
}
