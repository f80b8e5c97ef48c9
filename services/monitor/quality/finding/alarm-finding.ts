/** What the detector found, read from rows: the sizes since the change, and everything that the alarm rests on. */
import type { JudgedUnitRow } from "@plumbline/ports";
import { HOUR_MS } from "@plumbline/schemas";
import { snapshotOf } from "../watch/baseline.ts";
import { compareVersions, effectError, weightedTotal } from "../../units/compare-versions.ts";
import { byArrival } from "../../units/input-pairs.ts";
import type { Watched } from "../watch/series-book.ts";
import type { Finding, QualityDetector } from "./make-detection.ts";
import type { AlarmReading } from "../watch/read-detector.ts";
import { readBeside, type SideBySide } from "./side-by-side.ts";
import { hourOf, iso } from "../../units/series.ts";

const METHOD = "weighted-start Shiryaev-Roberts e-detector over slices, mix-adjusted";

/**
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
    method: METHOD,
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
  const now = readBeside(beside);
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
    paired_silent: now?.isSilent === true,
    paired:
      beside === null || now === null
        ? null
        : {
            incumbent: beside.incumbent,
            pairs: now.pairs,
            difference: now.difference,
            log_deploy_e: now.logE,
            weight: reading.paired.weight,
            log_detector: finite(reading.paired.logDetector),
          },
    affected: alarm.affected,
    tempering: snapshot.eta,
    misfits_expected: snapshot.expectedViolations,
    streams: alarm.strongest.slice(0, 5).flatMap((name) =>
      reading.streams
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
    ),
  };
}

/** JSON has no infinity. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
