/**
 * Compares the newest version of every use case with its incumbent, asserts a regression once, keeps its numbers
 * true while it lasts, and says when quality is back. Idempotent: run twice on the same rows, it appends nothing
 * the second time.
 */
import type { Clock, EventLog, QualityRow, Store, VersionTraffic } from "@plumbline/ports";
import type { Detection, IncidentEvent } from "@plumbline/schemas";
import type { Logger } from "@plumbline/runtime/logger";
import { incidentId, incidentKey, isOpen, type IncidentState } from "@plumbline/alerts";
import {
  choosePair,
  compareVersions,
  COMPARISON_METHOD,
  estimate,
  hasRecovered,
  type Comparison,
  type VersionQuality,
} from "./detect-regression.ts";
import type { IncidentFold } from "./incident-fold.ts";

const DAY_MS = 86_400_000;
/** Whole weeks, so that weekday and weekend weigh the same on both sides. */
const WINDOW_MS = 28 * DAY_MS;
/** A version without a call for this long, while another has calls, no longer serves. */
const GONE_MS = 15 * 60_000;
/** An open incident is asserted again when its evidence has grown by this factor: its message stays true at a bounded rate. */
const REASSERT_GROWTH = 1.25;

export interface QualityJobDeps {
  readonly store: Pick<Store, "qualityByVersion" | "versionTraffic">;
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly incidents: IncidentFold;
  /** Whether this replica works on the use case. */
  readonly holds: (useCase: string) => boolean;
  /** Chance of a false alarm over the life of one version. */
  readonly alpha: number;
  /** Smallest drop worth an alert, score points. */
  readonly margin: number;
}

/** One use case and criterion under one rubric and judge: what may be compared with one another. */
type Series = readonly [QualityRow, ...QualityRow[]];

export async function runQualityJob(deps: QualityJobDeps): Promise<void> {
  const { store, clock, incidents } = deps;
  await incidents.refresh();
  const end = clock.now();
  const window = { start: iso(end - WINDOW_MS), end: iso(end) };
  const [quality, traffic] = await Promise.all([
    store.qualityByVersion(window),
    store.versionTraffic(window),
  ]);

  for (const series of groupBySeries(quality)) {
    if (!deps.holds(series[0].use_case)) continue;
    const known = incidents.ofSeries(series[0]);
    const calls = traffic.filter((row) => isSameUseCase(row, series[0]));
    await assertRegression(series, known, calls, window, deps);
    for (const incident of known.filter(isOpen)) await assertRecovery(series, incident, calls, window, deps);
  }
}

async function assertRegression(
  series: Series,
  known: readonly IncidentState[],
  traffic: readonly VersionTraffic[],
  window: Detection["window"],
  deps: QualityJobDeps,
): Promise<void> {
  const pair = choosePair(
    series,
    new Set(known.map((incident) => incident.detection.candidate.prompt_version)),
  );
  // A version that no longer serves has been dealt with: its numbers are history, not news.
  if (pair === null || goneSince(pair.candidate.prompt_version, traffic) !== null) return;
  const comparison = compareVersions(pair.candidate, pair.incumbent, deps);
  if (comparison.verdict !== "regressed") return;
  const detection = toDetection(series[0], comparison, pair, traffic, window, deps);
  const id = incidentId(incidentKey(detection));
  const open = known.find((incident) => incident.incident_id === id && isOpen(incident));
  if (open !== undefined && detection.candidate.units < open.detection.candidate.units * REASSERT_GROWTH)
    return;
  await append({ type: "detected", incident_id: id, at: window.end, actor: "monitor", detection }, deps);
}

async function assertRecovery(
  series: Series,
  incident: IncidentState,
  traffic: readonly VersionTraffic[],
  window: Detection["window"],
  deps: QualityJobDeps,
): Promise<void> {
  const { prompt_version } = incident.detection.candidate;
  const regressed = series.find((row) => row.prompt_version === prompt_version);
  const since = goneSince(prompt_version, traffic);
  const serving = servingVersion(traffic);
  if (regressed === undefined || since === null || serving === undefined) return;

  // Only what was judged since the regressed version went: the incumbent's good past proves nothing about today.
  const judgedSince = await deps.store.qualityByVersion({ start: since, end: window.end });
  const current = judgedSince.find(
    (row) => isSameSeries(row, series[0]) && row.prompt_version === serving.prompt_version,
  );
  if (current === undefined || !hasRecovered(regressed, current, deps)) return;

  const { mean, interval, units } = estimate(current, deps.alpha / 2);
  await append(
    {
      type: "recovered",
      incident_id: incident.incident_id,
      at: window.end,
      actor: "monitor",
      how:
        serving.prompt_version === incident.detection.incumbent?.prompt_version
          ? `rolled back to ${serving.prompt_version}`
          : `fixed by ${serving.prompt_version}`,
      current: {
        prompt_version: serving.prompt_version,
        units,
        calls: serving.calls,
        mean,
        interval: [...interval],
      },
    },
    deps,
  );
}

/** The version with the newest call. */
function servingVersion(traffic: readonly VersionTraffic[]): VersionTraffic | undefined {
  return traffic.toSorted((a, b) => a.last_started_at.localeCompare(b.last_started_at)).at(-1);
}

/** When the version had its last call, if it no longer serves; else null. */
function goneSince(promptVersion: string, traffic: readonly VersionTraffic[]): string | null {
  const own = traffic.find((row) => row.prompt_version === promptVersion);
  const serving = servingVersion(traffic);
  if (own === undefined || serving === undefined) return null;
  return Date.parse(serving.last_started_at) - Date.parse(own.last_started_at) >= GONE_MS
    ? own.last_started_at
    : null;
}

function toDetection(
  first: QualityRow,
  comparison: Comparison,
  pair: { readonly candidate: VersionQuality; readonly incumbent: VersionQuality },
  traffic: readonly VersionTraffic[],
  window: Detection["window"],
  { alpha, margin }: QualityJobDeps,
): Detection {
  const evidence = (version: Comparison["candidate"]): Detection["candidate"] => ({
    prompt_version: version.prompt_version,
    units: version.units,
    calls: traffic.find((row) => row.prompt_version === version.prompt_version)?.calls ?? 0,
    mean: version.mean,
    interval: [...version.interval],
  });
  return {
    kind: "quality",
    severity: first.is_guardrail ? "SEV2" : "SEV3",
    tenant: first.tenant,
    env: first.env,
    use_case: first.use_case,
    metric: first.criterion,
    is_guardrail: first.is_guardrail,
    candidate: evidence(comparison.candidate),
    incumbent: evidence(comparison.incumbent),
    effect: comparison.effect,
    interval: [...comparison.interval],
    level: comparison.level,
    method: COMPARISON_METHOD,
    judge: first.judge,
    rubric_hash: first.rubric_hash,
    window,
    version_started_at: pair.candidate.first_started_at,
    slices: [],
    verdict: null,
    evidence: {
      alpha,
      margin,
      candidate: { units: pair.candidate.units, score_sum: pair.candidate.score_sum },
      incumbent: { units: pair.incumbent.units, score_sum: pair.incumbent.score_sum },
      success: outcomeOf(traffic, [comparison.incumbent.prompt_version, comparison.candidate.prompt_version]),
    },
  };
}

/** Success rate of each version, so that the message can say what is *not* wrong. */
function outcomeOf(traffic: readonly VersionTraffic[], versions: readonly string[]): readonly object[] {
  return versions.flatMap((version) =>
    traffic
      .filter((row) => row.prompt_version === version)
      .map(({ calls, ok_calls, latency_ms_p95 }) => ({
        prompt_version: version,
        calls,
        ok_calls,
        latency_ms_p95,
      })),
  );
}

async function append(event: IncidentEvent, { log, logger }: QualityJobDeps): Promise<void> {
  await log.append("plumbline.incidents", [
    { key: event.incident_id, value: new TextEncoder().encode(JSON.stringify(event)) },
  ]);
  logger.info({ incident_id: event.incident_id, type: event.type }, "monitor.asserted");
}

function groupBySeries(rows: readonly QualityRow[]): readonly Series[] {
  const groups = new Map<string, [QualityRow, ...QualityRow[]]>();
  for (const row of rows) {
    const key = JSON.stringify([
      row.tenant,
      row.env,
      row.use_case,
      row.criterion,
      row.rubric_hash,
      row.judge,
    ]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

type UseCase = Pick<QualityRow, "tenant" | "env" | "use_case">;

function isSameUseCase(a: UseCase, b: UseCase): boolean {
  return a.tenant === b.tenant && a.env === b.env && a.use_case === b.use_case;
}

function isSameSeries(a: QualityRow, b: QualityRow): boolean {
  return (
    isSameUseCase(a, b) &&
    a.criterion === b.criterion &&
    a.rubric_hash === b.rubric_hash &&
    a.judge === b.judge
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
