/** From the numbers of a canary to its state and the sentence that explains it. Pure. */
import { type CanaryDecision, type CanarySeries, counted } from "@plumbline/schemas";
import {
  alarmThreshold,
  isPairedSilent,
  LOG_CLEARED,
  logClearanceOfPairs,
  logEvidenceOfPairs,
  logMixture,
  plannedClearancePairs,
} from "@plumbline/stats";
import type { JudgedUnitRow } from "@plumbline/ports";
import { groupBy, pairsOfWindow } from "../units/series.ts";

/** The evidence that a page asks for right after a deploy, C/W = 104: wrong for one canary in a hundred. */
export const LOG_REGRESSED = Math.log(alarmThreshold() / 168);
/** Evidence of the pairs at which a page of the historical detector is put down to the version: e ≥ 20. */
export const LOG_AGREES = LOG_CLEARED;

export interface CanaryNumbers extends Pick<
  CanaryDecision,
  "step_offset" | "started_at" | "step_at" | "read_at" | "incumbent" | "share" | "margin" | "delta"
> {
  /** Every criterion, guardrail or not. */
  readonly series: readonly CanarySeries[];
  /** Open page about the quality of the candidate. */
  readonly page: Page | null;
}

export interface Page {
  readonly incident_id: string;
  readonly criterion: string;
}

type Said = Pick<CanaryDecision, "state" | "why" | "waits_for">;

/** Guardrails decide; when a use case has none, every criterion does. */
export function decideCanary({ series: all, page, ...numbers }: CanaryNumbers): CanaryDecision {
  const guardrails = all.filter((each) => each.is_guardrail);
  const series = guardrails.length > 0 ? guardrails : [...all];
  const needed = 2 * Math.max(0, ...series.map(({ pairs_needed }) => pairs_needed));
  const said =
    regressed(series) ?? paged(series, page) ?? cleared(series) ?? waiting(numbers.share, series, needed);
  return {
    ...said,
    ...numbers,
    units: series.length === 0 ? 0 : 2 * Math.min(...series.map(({ pairs }) => pairs)),
    units_needed: said.state === "WATCHING" ? needed : 0,
    incident_id: page?.incident_id ?? null,
    series,
  };
}

function regressed(series: readonly CanarySeries[]): Said | null {
  const worst = series.find(({ log_e_worse }) => log_e_worse >= LOG_REGRESSED);
  if (worst === undefined) return null;
  return {
    state: "REGRESSED",
    waits_for: null,
    why: `Worse on ${worst.criterion} than the old version at the same time: e = ${eValue(worst.log_e_worse)} of ${worst.pairs_now} pairs, ${eValue(LOG_REGRESSED)} decides.`,
  };
}

/** A page compares with the past; the pairs say whether the old version fell as well. */
function paged(series: readonly CanarySeries[], page: Page | null): Said | null {
  const own = series.find(({ criterion }) => criterion === page?.criterion);
  if (page === null || own === undefined) return null;
  const { incident_id } = page;
  if (own.units_old === 0) {
    return {
      state: "REGRESSED",
      waits_for: null,
      why: `Paged (${incident_id}), and no answer of the old version was judged that could say otherwise.`,
    };
  }
  if (own.log_e_worse_now >= LOG_AGREES) {
    return {
      state: "REGRESSED",
      waits_for: null,
      why: `Paged (${incident_id}), and worse than the old version at the same time: e = ${eValue(own.log_e_worse_now)} of ${own.pairs_now} pairs.`,
    };
  }
  return isPairedSilent(own.pairs_now, own.log_e_worse_now)
    ? {
        state: "WATCHING",
        waits_for: "person",
        why: `Paged (${incident_id}), but the old version fell as much in ${counted(own.pairs_now, "pair")}: coincides with the deploy, not caused by it. Held until the incident is over.`,
      }
    : {
        state: "WATCHING",
        waits_for: "evidence",
        why: `Paged (${incident_id}); ${counted(own.pairs_now, "pair")} with the old version ${own.pairs_now === 1 ? "doesn't" : "don't"} yet tell whether it fell as well.`,
      };
}

function cleared(series: readonly CanarySeries[]): Said | null {
  if (series.length === 0 || !series.every(({ log_e_cleared }) => log_e_cleared >= LOG_CLEARED)) return null;
  const pairs = Math.min(...series.map((each) => each.pairs));
  const weakest = Math.min(...series.map((each) => each.log_e_cleared));
  return {
    state: "CLEARED",
    waits_for: null,
    why: `Not materially worse on ${series.map(({ criterion }) => criterion).join(", ")}: e = ${eValue(weakest)} of ${pairs} pairs at this step, 20 decides.`,
  };
}

function waiting(share: number | null, series: readonly CanarySeries[], needed: number): Said {
  if (share === null || share === 0) {
    return {
      state: "WATCHING",
      waits_for: "traffic",
      why: "No call of this version in the last hour: a step without traffic never advances. Check that clients ask the registry.",
    };
  }
  if (series.length === 0) {
    return {
      state: "WATCHING",
      waits_for: "evidence",
      why: "Calls arrive, but none was judged since the version got its share. Look at the coverage of the judge.",
    };
  }
  return {
    state: "WATCHING",
    waits_for: "evidence",
    why: `About ${needed} more judged conversations, half of each version, until an unchanged version is cleared.`,
  };
}

function eValue(log: number): string {
  const e = Math.exp(log);
  return e >= 1e6 ? e.toExponential(1) : String(Number(e.toPrecision(3)));
}

/** The numbers of one criterion from which the state of a canary follows. Pure. */

interface SeriesInput {
  /** Units of one criterion, rubric and judge, of both arms, judged since the candidate got its first share. */
  readonly rows: readonly JudgedUnitRow[];
  readonly candidate: string;
  readonly incumbent: string | null;
  /** Start of the step, ms. */
  readonly stepMs: number;
  /** Windows before this have ended, with all their verdicts; ms. */
  readonly endedMs: number;
  /** Only units of one window make pairs; ms, aligned with the hour. */
  readonly windowMs: number;
  readonly eta: number;
  readonly margin: number;
  readonly delta: number;
}

/**
 * Only windows that have ended decide: the partner of a unit is known when its window is over. That a version is worse counts
 * since its first share, that it is not counts since the step began, so that every step is cleared by its own evidence.
 */
export function readSeries(input: SeriesInput): CanarySeries {
  const { rows, stepMs, endedMs, eta, margin, delta } = input;
  const judgedMs = (row: JudgedUnitRow): number => Date.parse(row.judged_at);
  const ofStep = rows.filter((row) => judgedMs(row) >= stepMs);
  const ended = rows.filter((row) => judgedMs(row) < endedMs);
  const stepPairs = allPairs(
    ofStep.filter((row) => judgedMs(row) < endedMs),
    input,
  );
  const allNow = allPairs(rows, input);
  const worse = (pairs: readonly number[]): number => logMixture(logEvidenceOfPairs(pairs, { delta, eta }));
  const first = rows[0]!;
  return {
    criterion: first.criterion,
    rubric_hash: first.rubric_hash,
    judge: first.judge,
    is_guardrail: rows.some((row) => row.is_guardrail),
    units_old: ofStep.filter((row) => row.prompt_version === input.incumbent).length,
    units_new: ofStep.filter((row) => row.prompt_version === input.candidate).length,
    pairs: stepPairs.length,
    difference:
      stepPairs.length === 0 ? null : stepPairs.reduce((sum, each) => sum + each, 0) / stepPairs.length,
    log_e_cleared: logMixture(logClearanceOfPairs(stepPairs, { margin, eta })),
    log_e_worse: worse(allPairs(ended, input)),
    log_e_worse_now: worse(allNow),
    pairs_now: allNow.length,
    eta,
    pairs_needed: pairsNeeded(input, stepPairs.length),
  };
}

function allPairs(
  rows: readonly JudgedUnitRow[],
  { candidate, incumbent, windowMs }: Pick<SeriesInput, "candidate" | "incumbent" | "windowMs">,
): number[] {
  const windows = groupBy(rows, ({ judged_at }) => String(Math.floor(Date.parse(judged_at) / windowMs)));
  return [...windows.values()].flatMap((units) =>
    pairsOfWindow(
      units.filter((row) => row.prompt_version === incumbent),
      units.filter((row) => row.prompt_version === candidate),
    ),
  );
}

/** Without a judged unit the usual quality of a prompt in production stands in. */
const MEAN_UNKNOWN = 0.9;
const PAIRS_NEEDED_MAX = 10_000_000;

function pairsNeeded({ rows, incumbent, eta, margin }: SeriesInput, pairs: number): number {
  const scores = rows.filter((row) => row.prompt_version === incumbent).map(({ score }) => score);
  const mean = scores.length === 0 ? MEAN_UNKNOWN : scores.reduce((sum, x) => sum + x, 0) / scores.length;
  const planned = plannedClearancePairs(Math.min(0.99, Math.max(0.01, mean)), { margin, eta });
  return Math.max(1, Math.min(PAIRS_NEEDED_MAX, planned) - pairs);
}
