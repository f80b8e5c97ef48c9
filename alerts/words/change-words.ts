/** A number of two versions in words: what quality, rates and the judge's agreement have in common. */
import { DAY_MS, type Detection, type MixEvidence } from "@plumbline/schemas";
import {
  formatDifference,
  formatDifferenceInterval,
  formatDuration,
  formatInterval,
  formatPercent,
  formatSize,
  formatTime,
  formatValue,
  formatWindow,
  isInterval,
} from "./quantity.ts";
import { sentenceCase, candidateLabel } from "./text.ts";

/** `faithfulness down 15.2 pp on v15`; without an incumbent `faithfulness at 78.9% on v15`. */
export function changeTitle(detection: Detection): string {
  const { metric, candidate, incumbent, effect } = detection;
  const { unit, label } = metric;
  const version = candidateLabel(detection);
  return incumbent === null
    ? `${label} at ${formatValue(candidate.mean, unit)} on ${version}`
    : `${label} ${effect < 0 ? "down" : "up"} ${formatSize(effect, unit)} on ${version}`;
}

/** `faithfulness fell 15.2 pp on v15 (94.1% → 78.9%)`. */
export function changeSentence(detection: Detection): string {
  const { metric, candidate, incumbent, effect } = detection;
  const { unit, label } = metric;
  const version = candidateLabel(detection);
  if (incumbent === null) return `${label} is ${formatValue(candidate.mean, unit)} on ${version}`;
  return (
    `${label} ${effect < 0 ? "fell" : "rose"} ${formatSize(effect, unit)} on ${version} ` +
    `(${formatValue(incumbent.mean, unit)} → ${formatValue(candidate.mean, unit)})`
  );
}

/**
 * Both values, the difference with its interval, how much was looked at and when. Null without an interval to show: no
 * interval, no claim.
 *
 * @param counted such as 1,127 judged of 22,540 calls; null when nothing was counted
 */
export function changeSize(detection: Detection, counted: string | null): string | null {
  const { metric, candidate, incumbent, effect, interval, window, level } = detection;
  const { unit, label } = metric;
  const when = formatWindow(window, window.end);
  const levelText = `${Number((100 * level).toFixed(1))}% always-valid interval`;
  if (incumbent === null) {
    if (counted === null || !isInterval(candidate.interval))
      return `${sentenceCase(counted ?? "nothing counted")}, ${when}.`;
    return `${label} is ${formatValue(candidate.mean, unit)} (${levelText} ${formatInterval(candidate.interval, unit)}), ${counted}, ${when}.`;
  }
  if (counted === null || !isInterval(interval)) return null;
  return (
    `${formatValue(incumbent.mean, unit)} → ${formatValue(candidate.mean, unit)} ` +
    `(Δ ${formatDifference(effect, unit)}, ${levelText} ${formatDifferenceInterval(interval, unit)}), ${counted}, ${when}.`
  );
}

/** The deploy as the likely cause; null when the version's start is not known. */
export function deployText({ version_started_at, window }: Detection, version: string): string | null {
  if (version_started_at === null) return null;
  const ageMs = Date.parse(window.end) - Date.parse(version_started_at);
  return `Likely cause: the change to ${version}, first called ${formatTime(version_started_at, window.end)}, ${formatDuration(ageMs)} before the end of the window.`;
}

/** isOldVersion returns true for a version that began more than a day before the window's end. */
export function isOldVersion({ version_started_at, window }: Detection): boolean {
  return version_started_at !== null && Date.parse(window.end) - Date.parse(version_started_at) > DAY_MS;
}

/**
 * Other inputs as the cause of a fall, in numbers; null unless the mix explains
 * most of a fall, and by more than chance.
 */
export function inputShiftLine(mix: MixEvidence | null): string | null {
  if (mix === null || !mix.input_shift || mix.mix >= 0 || -mix.mix < 2 * mix.se_mix) return null;
  const [shift] = mix.shifts.toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
  if (shift === undefined) return null;
  const points = (value: number): string => Math.abs(100 * value).toFixed(1);
  const explained =
    mix.mix <= mix.total
      ? `more than the whole fall of ${points(mix.total)} points`
      : `${points(mix.mix)} of ${points(mix.total)} points`;
  const hasHeld = mix.within >= -2 * mix.se_within;
  const what = hasHeld
    ? "Inputs shifted, quality per slice did not"
    : "Inputs shifted more than quality per slice";
  return `${what}: ${shift.name} ${formatPercent(shift.before)} → ${formatPercent(shift.after)} of calls explains ${explained}.`;
}
