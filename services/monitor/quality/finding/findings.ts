/**
 * The three findings about a version, each read from rows: what the detector found, how the version did beside the one that
 * served in the same hours, and how both answered the same inputs.
 */
import type { JudgedUnitRow } from "@plumbline/ports";
import { HOUR_MS, type QualityEvidence } from "@plumbline/schemas";
import {
  type Alarm,
  type DetectorReading,
  isPairedSilent,
  logMixture,
  pairedBets,
  pairedInterval,
  type PairedReading,
} from "@plumbline/stats";
import {
  compareVersions,
  type Comparison,
  effectError,
  estimate,
  weightedTotal,
} from "../../units/compare-versions.ts";
import {
  byArrival,
  hourOf,
  type InputPair,
  type InputPairs,
  iso,
  logPairedThreshold,
  PAIRED_DELTA,
} from "../../units/series.ts";
import { snapshotOf } from "../watch/baseline.ts";
import type { Watched } from "../watch/series-book.ts";
import type { AlarmReading } from "../watch/version-watch.ts";
import type { SideBySide } from "../watch/watch-pairs.ts";

/** The numbers that raised the alarm. */
type QualityDetector = NonNullable<QualityEvidence["detector"]>;
type StreamEvidence = Extract<QualityDetector, { readonly kind: "streams" }>["streams"];

/** A fall of quality that is reported. */
export interface Finding {
  readonly method: string;
  readonly change: Pick<Alarm, "origin" | "changeHour">;
  /** Slices that the method itself names. */
  readonly affected: readonly string[];
  /** Units of the candidate in order of arrival: the sizes are about them. */
  readonly current: readonly JudgedUnitRow[];
  readonly comparison: Comparison;
  /** Standard error of the effect. */
  readonly effectSe: number;
  /** Judged since the start of the watch. */
  readonly unitsWatched: number;
  /** Measured otherwise than against the baseline, score points. */
  readonly drop?: number;
  readonly detector: QualityDetector;
}

/** Name of the stream of all units. */
const ALL = "all";
const STRONGEST_SHOWN = 5;
const AFFECTED_SHOWN_MAX = 20;

export const SIDE_BY_SIDE_METHOD = "side by side with the old version, paired e-detector";
const SAME_INPUT_METHOD = "paired by identical input, betting e-process";
const DETECTOR_METHOD = "weighted-start Shiryaev-Roberts e-detector over slices, mix-adjusted";

/**
 * The detector's finding: the sizes since the change, and everything that the alarm rests on.
 *
 * @param own units of the candidate; those before the change are left out
 * @param beside the version that served beside it, if one did
 */
export function alarmFinding(
  watched: Watched,
  alarm: AlarmReading,
  own: readonly JudgedUnitRow[],
  beside: SideBySide | null,
  options: { readonly alpha: number; readonly unitsWatched: number },
): Finding {
  const { baseline, start } = watched;
  const { origin } = alarm.alarm;
  const changeHour = origin === "deploy" ? start.fromHour : alarm.alarm.changeHour;
  const current = own.filter((row) => hourOf(row.judged_at) >= changeHour).toSorted(byArrival);
  const comparison = compareVersions(weightedTotal(current), baseline, options.alpha);
  return {
    method: DETECTOR_METHOD,
    change: { origin, changeHour: alarm.alarm.changeHour },
    affected: alarm.alarm.affected,
    current,
    comparison,
    effectSe: effectError(comparison),
    unitsWatched: options.unitsWatched,
    detector: detectorEvidence(watched, alarm, beside),
  };
}

function detectorEvidence(
  { start, baseline }: Watched,
  { level, alarm, reading }: AlarmReading,
  beside: SideBySide | null,
): QualityDetector {
  const snapshot = snapshotOf(baseline);
  const differences = differencesOf(beside);
  // The pairs as of now, which may be hours after the alarm.
  const logE = logMixture(
    pairedBets.map((_, j) => (beside?.hours ?? []).reduce((sum, { drop }) => sum + drop[j]!, 0)),
  );
  return {
    kind: "streams",
    level,
    log_m: alarm.logM,
    log_threshold: reading.logThreshold,
    from: iso(start.fromHour * HOUR_MS),
    start_weight: start.startWeight,
    alarm_hour: iso(alarm.hour * HOUR_MS),
    hours_since_start: alarm.hoursSinceStart,
    units_until_alarm: alarm.units,
    origin: alarm.origin,
    change_hour: iso(alarm.changeHour * HOUR_MS),
    paired_silent: differences.length > 0 && isPairedSilent(differences.length, logE),
    paired:
      beside === null || differences.length === 0
        ? null
        : {
            incumbent: beside.incumbent,
            pairs: differences.length,
            difference: meanOf(differences),
            log_deploy_e: logE,
            weight: reading.paired.weight,
            log_detector: finite(reading.paired.logDetector),
          },
    affected: alarm.affected,
    tempering: snapshot.eta,
    misfits_expected: snapshot.expectedViolations,
    streams: streamEvidence(alarm, reading),
  };
}

/** All traffic, the streams with the most evidence, and every slice that is named as affected, each once. */
function streamEvidence(
  { strongest, affected }: AlarmReading["alarm"],
  { streams }: AlarmReading["reading"],
): StreamEvidence {
  const named = [ALL, ...strongest.slice(0, STRONGEST_SHOWN), ...affected.slice(0, AFFECTED_SHOWN_MAX)];
  return [...new Set(named)].flatMap((name) =>
    streams
      .filter((stream) => stream.name === name)
      .map(({ weight, logDetector, logDeployE, n, sum, expected }) => ({
        name,
        weight,
        log_detector: finite(logDetector),
        log_deploy_e: finite(logDeployE),
        units: n,
        score_sum: sum,
        expected_sum: expected,
      })),
  );
}

/** JSON has no infinity. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The finding of pairs of the same input; null while they have never reached their threshold. */
export function pairsFinding(
  { baseline, start }: Watched,
  inputs: InputPairs,
  options: { readonly alpha: number; readonly unitsWatched: number },
): Finding | null {
  const { alpha, unitsWatched } = options;
  const { eta, threshold } = snapshotOf(baseline);
  const pairs = inputs.pairs(start);
  const reading = inputs.read({ fromHour: start.fromHour, eta });
  const logThreshold = logPairedThreshold(threshold, start.startWeight);
  if (reading.logEMax < logThreshold) return null;

  const current = pairs.map((pair) => pair.current);
  const candidate = estimate(weightedTotal(current), alpha / 2);
  const incumbent = estimate(
    weightedTotal(pairs.map(({ old, current: { sample_rate } }) => ({ score: old, sample_rate }))),
    alpha / 2,
  );
  const { lower, upper } = pairedInterval(pairs, { alpha, eta });
  return {
    method: SAME_INPUT_METHOD,
    change: { origin: "deploy", changeHour: start.fromHour },
    affected: [],
    current,
    comparison: {
      candidate,
      incumbent,
      effect: candidate.mean - incumbent.mean,
      interval: [-upper, -lower],
    },
    effectSe: errorOf(pairs.map(({ difference }) => difference)),
    unitsWatched,
    detector: {
      kind: "same_input_pairs",
      level: "ticket",
      ...pairsEvidence(reading, pairs),
      log_threshold: logThreshold,
      delta: PAIRED_DELTA,
      bets: pairedBets,
      tempering: eta,
      from: iso(start.fromHour * HOUR_MS),
      start_weight: start.startWeight,
    },
  };
}

function pairsEvidence({ logE, logEMax, pairsAtMax }: PairedReading, pairs: readonly InputPair[]) {
  const differences = pairs.map(({ difference }) => difference);
  return {
    pairs: pairs.length,
    log_e: logE,
    log_e_max: logEMax,
    pairs_at_max: pairsAtMax,
    worse: differences.filter((difference) => difference > 0).length,
    better: differences.filter((difference) => difference < 0).length,
    difference_sum: differences.reduce((sum, difference) => sum + difference, 0),
    difference_square_sum: differences.reduce((sum, difference) => sum + difference ** 2, 0),
  };
}

/** isFoundByPairs returns true when the pairs hold at least half of the evidence: then people should read those. */
export function isFoundByPairs({ paired, logM }: DetectorReading): boolean {
  return paired.weight > 0 && Math.log(paired.weight) + paired.logDetector >= logM - Math.LN2;
}

/** The finding with the sizes of the same hours in place of those against the history, which may differ. */
export function besideFinding(
  finding: Finding,
  { incumbent, hours }: SideBySide,
  units: readonly JudgedUnitRow[],
  candidate: string,
  { alpha, eta }: { readonly alpha: number; readonly eta: number },
): { readonly finding: Finding; readonly reference: readonly JudgedUnitRow[] } {
  const shared = new Set(hours.map(({ hour }) => hour));
  const rows = units.filter(({ judged_at }) => shared.has(hourOf(judged_at))).toSorted(byArrival);
  const current = rows.filter((row) => row.prompt_version === candidate);
  const reference = rows.filter((row) => row.prompt_version === incumbent);
  const differences = differencesOf({ incumbent, hours });
  const drop = meanOf(differences);
  const { lower, upper } = pairedInterval(
    differences.map((difference) => ({ difference, weight: 1 })),
    { alpha, eta },
  );
  const reported: Finding = {
    ...finding,
    method: SIDE_BY_SIDE_METHOD,
    current,
    comparison: {
      candidate: estimate(weightedTotal(current), alpha / 2),
      incumbent: estimate(weightedTotal(reference), alpha / 2),
      effect: -drop,
      interval: [-upper, -lower],
    },
    effectSe: errorOf(differences),
    drop,
  };
  return { finding: reported, reference };
}

function differencesOf(beside: SideBySide | null): readonly number[] {
  return beside === null ? [] : beside.hours.flatMap(({ differences }) => differences);
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard error of the mean. */
function errorOf(values: readonly number[]): number {
  const n = values.length;
  if (n < 2) return 1;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1) / n);
}
