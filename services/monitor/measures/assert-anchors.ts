/** Asserts a judge that no longer agrees with itself on the frozen anchors, and its end. */
import { groupBy, iso } from "../units/series.ts";
import type { IncidentState } from "@plumbline/alerts";
import type { AnchorDay } from "@plumbline/ports";
import { DAY_MS, type Detection, type DetectionOf, type RecoveryCause } from "@plumbline/schemas";
import { confidenceSequence } from "@plumbline/stats";
import { appendRecovered } from "../report/append-incident.ts";
import { severityOf } from "../report/severity.ts";
import { type AnchorVerdict, judgeAnchors } from "../judge/judge-anchors.ts";
import { type AssertDeps, BASE, detect, standingOf } from "./open-incident.ts";

/** A judge without a judged anchor for so long is no longer asked. */
const REPLACED_MS = 7 * DAY_MS;
/** Judged anchors that a recovery must show: of the judge that came back, or of its successor. */
const SHOWN_ITEMS_MIN = 100;

interface AnchorSeries {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly metric: string;
  readonly judge: string;
  readonly rubric_hash: string;
  readonly days: readonly AnchorDay[];
}

/**
 * Asserts a judge that drifted, and its end: it agrees with its frozen verdicts again, or another judge took its place.
 *
 * @param days of all use cases, ascending
 */
export async function assertAnchors(
  days: readonly AnchorDay[],
  now: number,
  deps: AssertDeps,
): Promise<void> {
  const all = seriesOf(days).filter(({ use_case }) => deps.holds(use_case));
  for (const series of all) {
    const verdict = judgeAnchors(
      series.days.map(({ day, items, agreements }) => ({ day: Date.parse(day), items, agreements })),
    );
    const standing = standingOf(series, "judge_drift", deps).filter(({ detection }) =>
      isAbout(detection, series),
    );
    if (verdict.state === "drifted" && standing.length === 0)
      await detect(toDetection(series, verdict, now), [], now, deps);
    // No data is no recovery: a judge that judges no anchors has not shown anything.
    if (verdict.state === "steady" && verdict.current.items >= SHOWN_ITEMS_MIN) {
      for (const state of standing) await end(state, "by_itself", series.judge, verdict.current, now, deps);
    }
  }
  for (const state of deps.incidents.standing("judge_drift")) {
    const { detection } = state;
    const lastDay = all.find((series) => isAbout(detection, series))?.days.at(-1)?.day;
    const isAsked = lastDay !== undefined && now - Date.parse(lastDay) < REPLACED_MS;
    const successor = all.find((series) => isSuccessor(detection, series, now));
    if (isAsked || successor === undefined) continue;
    await end(state, "new_version", successor.judge, totalOf(successor), now, deps);
  }
}

function seriesOf(days: readonly AnchorDay[]): readonly AnchorSeries[] {
  const groups = groupBy(days, (day) =>
    JSON.stringify([day.tenant, day.env, day.criterion, day.rubric_hash, day.judge]),
  );
  return [...groups.values()].map((own) => {
    const { tenant, env, criterion, judge, rubric_hash } = own[0]!;
    const slash = criterion.indexOf("/");
    const use_case = slash === -1 ? criterion : criterion.slice(0, slash);
    return { tenant, env, use_case, metric: criterion.slice(slash + 1), judge, rubric_hash, days: own };
  });
}

function isAbout(detection: Detection, series: AnchorSeries): boolean {
  return (
    isSameCriterion(detection, series) &&
    detection.judge === series.judge &&
    detection.rubric_hash === series.rubric_hash
  );
}

function isSameCriterion(detection: Detection, series: AnchorSeries): boolean {
  const { tenant, env, use_case, metric } = detection;
  return (
    tenant === series.tenant &&
    env === series.env &&
    use_case === series.use_case &&
    metric.name === series.metric
  );
}

/** Another judge, or the same under another rubric, that judges the anchors of the criterion by now. */
function isSuccessor(detection: Detection, series: AnchorSeries, now: number): boolean {
  return (
    isSameCriterion(detection, series) &&
    !isAbout(detection, series) &&
    totalOf(series).items >= SHOWN_ITEMS_MIN &&
    now - Date.parse(series.days.at(-1)!.day) < REPLACED_MS
  );
}

interface Agreement {
  readonly items: number;
  /** Share in [0,1]. */
  readonly agreement: number;
}

function totalOf({ days }: AnchorSeries): Agreement {
  const items = days.reduce((sum, day) => sum + day.items, 0);
  return { items, agreement: days.reduce((sum, day) => sum + day.agreements, 0) / Math.max(1, items) };
}

async function end(
  state: IncidentState,
  cause: RecoveryCause,
  judge: string,
  agreement: Agreement,
  now: number,
  deps: AssertDeps,
): Promise<void> {
  await appendRecovered(state, cause, sideOf(judge, agreement), now, deps);
}

/** Two intervals at 97.5%, so that the difference has 95%. */
function sideOf(judge: string, { items, agreement }: Agreement): Detection["candidate"] {
  const { lower, upper } = confidenceSequence(Math.min(items, items * agreement), items, { alpha: 0.025 });
  return { prompt_version: judge, units: items, calls: 0, mean: agreement, interval: [lower, upper] };
}

function toDetection(series: AnchorSeries, verdict: AnchorVerdict, now: number): DetectionOf<"judge_drift"> {
  const { tenant, env, use_case, metric, judge, rubric_hash, days } = series;
  const [candidate, incumbent] = [sideOf(judge, verdict.current), sideOf(judge, verdict.baseline)];
  const draft = {
    ...BASE,
    kind: "judge_drift" as const,
    tenant,
    env,
    use_case,
    metric: {
      name: metric,
      unit: "share" as const,
      label: `its agreement with its frozen verdicts on ${metric}`,
    },
    candidate,
    incumbent,
    effect: candidate.mean - incumbent.mean,
    interval: [
      candidate.interval[0] - incumbent.interval[1],
      candidate.interval[1] - incumbent.interval[0],
    ] as const,
    method: "Shiryaev–Roberts e-detector on frozen anchors",
    judge,
    rubric_hash,
    window: { start: days[0]!.day, end: iso(now) },
    version_started_at: null,
    evidence: {
      measure: "judge_agreement" as const,
      null_mean: verdict.nullMean,
      log_level: verdict.logLevel,
    },
  };
  return { ...draft, severity: severityOf(draft) };
}
