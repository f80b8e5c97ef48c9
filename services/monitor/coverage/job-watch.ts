/**
 * Reports jobs without a success for three periods, and use cases that a job had to leave out. Asks the
 * store nothing, so that it works when the store is what fails.
 */
import type { IncidentFold } from "@plumbline/alerts";
import type { Clock, EventLog } from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { JobHealth } from "@plumbline/runtime/schedule";
import { type CoverageDetection, MONITOR_USE_CASE } from "@plumbline/schemas";
import { appendDetectedOnce, appendRecovered, closedGap } from "../report/append-incident.ts";
import { iso, type UseCase, useCaseKey } from "../units/series.ts";
import { coverageDetection } from "./coverage-detection.ts";
import type { UseCaseFailure } from "../use-cases/use-case-guard.ts";

interface JobReport {
  readonly health: JobHealth;
  /** Use cases that its newest run left out. */
  readonly failures: readonly UseCaseFailure[];
}

interface JobWatchDeps {
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  /** holds returns true for the use cases of this replica. */
  readonly holds: (useCase: string) => boolean;
}

interface JobWatch {
  /** @param partition the lowest that this replica holds: whole jobs are told apart by it */
  run(reports: readonly JobReport[], partition: number): Promise<void>;
}

interface Unlooked {
  readonly key: UseCase;
  readonly jobs: { readonly job: string; readonly error: string; readonly last_success_at: string | null }[];
}

export function createJobWatch(deps: JobWatchDeps): JobWatch {
  const { clock, incidents, holds } = deps;
  /** True while an incident may be open: at the start nobody knows. */
  let mayBeOpen = true;

  return {
    async run(reports, partition) {
      const own: UseCase = { tenant: "", env: `partition ${partition}`, use_case: MONITOR_USE_CASE };
      const found = unlooked(reports, own);
      if (found.size === 0 && !mayBeOpen) return;
      await incidents.refresh();
      for (const each of found.values())
        await appendDetectedOnce(toDetection(each, clock.now()), clock.now(), deps);
      const standing = incidents
        .standing("coverage")
        .filter(({ detection }) => detection.evidence.measure === "job_runs");
      for (const { incident_id, detection } of standing) {
        const isOurs =
          detection.use_case === MONITOR_USE_CASE ? detection.env === own.env : holds(detection.use_case);
        // Only a success after a failure ends it; a run that is on its way says nothing yet.
        const isLooked = reports.every(({ health }) => health.last_success_at !== null && !health.is_overdue);
        if (!isOurs || !isLooked || found.has(useCaseKey(detection))) continue;
        await appendRecovered({ incident_id, detection }, "gap_closed", closedGap(0), clock.now(), deps);
      }
      mayBeOpen = standing.length > 0 || found.size > 0;
    },
  };
}

function unlooked(reports: readonly JobReport[], own: UseCase): ReadonlyMap<string, Unlooked> {
  const found = new Map<string, Unlooked>();
  const note = (key: UseCase, job: string, error: string, last_success_at: string | null): void => {
    const each = found.get(useCaseKey(key)) ?? { key, jobs: [] };
    each.jobs.push({ job, error, last_success_at });
    found.set(useCaseKey(key), each);
  };
  for (const { health, failures } of reports) {
    const { name, is_overdue, last_error, last_success_at } = health;
    if (is_overdue) note(own, name, last_error ?? "the run has not ended", last_success_at);
    for (const { useCase, error } of failures) note(useCase, name, error, last_success_at);
  }
  return found;
}

function toDetection({ key, jobs }: Unlooked, nowMs: number): CoverageDetection {
  const start = jobs.map(({ last_success_at }) => last_success_at ?? iso(nowMs)).sort()[0]!;
  return coverageDetection(key, {
    evidence: { measure: "job_runs", jobs },
    calls: 0,
    units: 0,
    value: 0,
    window: { start, end: iso(nowMs) },
    method: "runs of the monitor's jobs",
  });
}
