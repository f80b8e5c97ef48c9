/** The numbers of one criterion from which the state of a canary follows. Pure. */
import type { JudgedUnitRow } from "@plumbline/ports";
import type { CanarySeries } from "@plumbline/schemas";
import { logClearanceOfPairs, logEvidenceOfPairs, logMixture, plannedClearancePairs } from "@plumbline/stats";
import { groupBy } from "../units/series.ts";
import { pairsOfWindow } from "../units/pairs.ts";

interface SeriesInput {
  /** Of one criterion, rubric and judge, of both arms, judged since the candidate got its first share. */
  readonly rows: readonly JudgedUnitRow[];
  readonly candidate: string;
  readonly incumbent: string | null;
  /** When the step began, ms. */
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
