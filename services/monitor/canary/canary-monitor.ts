/**
 * Reads every version that serves a share beside another one: pairs of judged conversations from the same windows say
 * whether it is worse, or not materially worse, whatever hits both arms alike. What was read is appended to the registry
 * topic, where the registry folds it and the controller of rollouts finds it.
 *
 * All state follows from rows and the log: a run repeated on the same rows appends nothing.
 */
import { createHash } from "node:crypto";
import { type IncidentFold, isOpen } from "@plumbline/alerts";
import {
  type BaselineRow,
  type Clock,
  type EventLog,
  type JudgedUnitRow,
  type Store,
  type VersionActivity,
  writeEvent,
} from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import {
  type CanaryDecision,
  DAY_MS,
  HOUR_MS,
  isVersion,
  REGISTRY_TOPIC,
  type RegistryEvent,
} from "@plumbline/schemas";
import { type UseCaseFailure, UseCaseGuard } from "../use-cases/use-case-guard.ts";
import { snapshotOf } from "../quality/watch/baseline.ts";
import { groupBy, iso, otherArm } from "../units/series.ts";
import { decideCanary, type Page, readSeries } from "./decide-canary.ts";
import type { RegistryView, RolloutShare } from "../deploys/registry-view.ts";

/** After the end of a window its last verdicts may still be on their way: a part of the window, within bounds. */
const SETTLE_SHARE = 1 / 12;
const SETTLE_MS_MIN = 5_000;
const SETTLE_MS_MAX = 5 * 60_000;
/** A share given longer ago is no longer a canary that anybody waits for. */
const REACH_MS = 28 * DAY_MS;
const BASELINES_REACH_MS = 395 * DAY_MS;
/** A reading is appended again when its pairs have grown by this factor. */
const GROWTH = 1.25;

export interface CanaryMonitorDeps {
  readonly store: Pick<Store, "judgedUnits" | "versionActivity" | "baselines">;
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  readonly registry: RegistryView;
  /** holds returns true for the use cases of this replica. */
  readonly holds: (useCase: string) => boolean;
  readonly options: CanaryOptions;
}

export interface CanaryOptions {
  /** A cleared version is worse by less than this, score points in (0, 1). */
  readonly margin: number;
  /** Nothing is called worse below this drop, score points in [0, 1). */
  readonly delta: number;
  /** Conversations judged in the same window make pairs; ms, a divisor of an hour. */
  readonly windowMs: number;
}

export interface CanaryMonitor {
  /** One look at every version that was given a share. @returns the use cases that were left out */
  run(): Promise<readonly UseCaseFailure[]>;
}

export function createCanaryMonitor(deps: CanaryMonitorDeps): CanaryMonitor {
  const { store, log, clock, logger, incidents, registry, holds } = deps;
  const { windowMs, ...bounds } = deps.options;
  const guard = new UseCaseGuard("canary", deps);
  /** The end of the windows behind the last look, by step: between two ends only a page is news. */
  const lookedMs = new Map<number, number>();

  return {
    async run() {
      guard.begin();
      const nowMs = clock.now();
      await registry.refresh();
      const given = registry
        .shares()
        .filter(({ use_case, stepMs }) => holds(use_case) && stepMs > nowMs - REACH_MS);
      if (given.length === 0) return [];
      await incidents.refresh();
      const activity = await store.versionActivity({ since: iso(nowMs - HOUR_MS) });
      for (const share of given) await guard.run(share, () => look(share, activity, nowMs));
      return guard.failures();
    },
  };

  async function look(
    share: RolloutShare,
    activity: readonly VersionActivity[],
    nowMs: number,
  ): Promise<void> {
    const served = shareOfCalls(share, activity);
    const page = pageOf(share);
    const endedMs = Math.floor((nowMs - settleMsOf(windowMs)) / windowMs) * windowMs;
    const { read, stepOffset } = share;
    if (read?.state === "REGRESSED") return;
    const isServed = served !== null && served > 0;
    if (!isServed && read !== null && (read.waits_for === "traffic" || read.state === "CLEARED")) return;
    const hasNews =
      read === null || page !== null || (isServed ? endedMs > (lookedMs.get(stepOffset) ?? 0) : true);
    if (!hasNews) return;
    const decision = await readCanary(share, served, page, endedMs, nowMs);
    lookedMs.set(stepOffset, endedMs);
    if (isNews(decision, read)) await publish(share, decision);
  }

  async function readCanary(
    { tenant, use_case, env, prompt_version, startedMs, stepMs, stepOffset }: RolloutShare,
    served: number | null,
    page: Page | null,
    endedMs: number,
    nowMs: number,
  ): Promise<CanaryDecision> {
    const window = { start: iso(startedMs), end: iso(nowMs + 1), use_cases: [{ tenant, use_case }] };
    const rows = (await store.judgedUnits(window)).filter((row) => row.tenant === tenant && row.env === env);
    const baselines = await store.baselines({ since: iso(nowMs - BASELINES_REACH_MS) });
    const incumbent = otherArm(rows, prompt_version);
    return decideCanary({
      step_offset: stepOffset,
      started_at: iso(startedMs),
      step_at: iso(stepMs),
      read_at: iso(nowMs),
      incumbent,
      share: served,
      ...bounds,
      page,
      series: newestSeries(rows).map((own) =>
        readSeries({
          rows: own,
          candidate: prompt_version,
          incumbent,
          stepMs,
          endedMs,
          eta: etaOf(own[0]!, baselines, [prompt_version, incumbent]),
          windowMs,
          ...bounds,
        }),
      ),
    });
  }

  function pageOf({ tenant, use_case, env, prompt_version }: RolloutShare): Page | null {
    for (const incident of incidents.open("quality")) {
      const { detection, incident_id } = incident;
      const isOwn =
        detection.tenant === tenant &&
        detection.use_case === use_case &&
        detection.env === env &&
        detection.candidate.prompt_version === prompt_version;
      if (isOwn && isOpen(incident) && detection.evidence.detector?.level === "page") {
        return { incident_id, criterion: detection.metric.name };
      }
    }
    return null;
  }

  async function publish(share: RolloutShare, decision: CanaryDecision): Promise<void> {
    const { tenant, use_case, env, prompt_version } = share;
    const content = createHash("sha256").update(JSON.stringify(decision)).digest("hex");
    const event: RegistryEvent = {
      event_id: `canary_${content.slice(0, 32)}`,
      use_case,
      env,
      type: "canary_read",
      expected_revision: 0,
      prompt_version,
      actor: "monitor",
      reason: decision.why,
      at: decision.read_at,
      body: { decision },
    };
    const value = writeEvent(event);
    await log.append(REGISTRY_TOPIC, [{ key: use_case, value, headers: { tenant } }]);
    logger.info({ use_case, env, prompt_version, state: decision.state }, "monitor.canary_read");
  }
}

function settleMsOf(windowMs: number): number {
  return Math.min(SETTLE_MS_MAX, Math.max(SETTLE_MS_MIN, windowMs * SETTLE_SHARE));
}

/** A state never goes back; while watching, what is waited for and the growth of the evidence are news. */
function isNews(decision: CanaryDecision, read: CanaryDecision | null): boolean {
  if (read === null) return true;
  if (read.state === "CLEARED") return decision.state === "REGRESSED";
  if (decision.state !== "WATCHING") return true;
  const isOther = decision.waits_for !== read.waits_for || decision.incident_id !== read.incident_id;
  return isOther || decision.units > read.units * GROWTH;
}

/** Share of the last hour's calls of all tagged versions; null without calls. */
function shareOfCalls(
  { tenant, use_case, env, prompt_version }: RolloutShare,
  activity: readonly VersionActivity[],
): number | null {
  const own = activity.filter(
    (row) =>
      row.tenant === tenant && row.use_case === use_case && row.env === env && isVersion(row.prompt_version),
  );
  const calls = own.reduce((sum, row) => sum + row.calls, 0);
  if (calls === 0) return null;
  return (
    own.filter((row) => row.prompt_version === prompt_version).reduce((sum, row) => sum + row.calls, 0) /
    calls
  );
}

/** The rows of each criterion under the rubric and judge in force: after a change the earlier ones no longer grow. */
function newestSeries(rows: readonly JudgedUnitRow[]): readonly (readonly JudgedUnitRow[])[] {
  return [...groupBy(rows, ({ criterion }) => criterion).values()].map((own) => {
    const newest = own.reduce((last, row) => (row.judged_at > last.judged_at ? row : last));
    return own.filter((row) => row.rubric_hash === newest.rubric_hash && row.judge === newest.judge);
  });
}

/** Tempering for verdicts that clump, measured when a baseline was frozen; 1 while there is none. */
function etaOf(
  unit: JudgedUnitRow,
  baselines: readonly BaselineRow[],
  versions: readonly (string | null)[],
): number {
  const own = baselines.filter(
    (row) =>
      row.env === unit.env &&
      row.use_case === unit.use_case &&
      row.criterion === unit.criterion &&
      row.rubric_hash === unit.rubric_hash &&
      row.judge === unit.judge &&
      versions.includes(row.prompt_version),
  );
  return own.reduce((least, row) => Math.min(least, snapshotOf(row).eta), 1);
}
