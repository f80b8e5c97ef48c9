/** A number of two versions in words: what quality, rates and the judge's agreement have in common. */
import type { Detection, MixEvidence } from "@plumbline/schemas";
import {
  formatDifferenceInterval,
  formatInterval,
  formatMoment,
  formatPercent,
  formatSize,
  formatValue,
  isInterval,
} from "./quantity.ts";
import { changed, footnote, since, worse } from "./sentences.ts";
import { candidateLabel, requestsOfSlice, sentenceCase, spaced } from "./text.ts";

/** `faithfulness fell from 94.1% to 78.9% on v15`; without an incumbent `faithfulness is 78.9% on v15`. */
export function changeHeadline(detection: Detection): string {
  const { metric, candidate, incumbent, effect } = detection;
  const { unit } = metric;
  const what = spaced(metric.label);
  const version = candidateLabel(detection);
  const now = formatValue(candidate.mean, unit);
  if (incumbent === null) return worse.stands(what, now, version);
  const before = formatValue(incumbent.mean, unit);
  return effect < 0 ? worse.fell(what, before, now, version) : worse.rose(what, before, now, version);
}

/** By how much; none without an interval to show: no interval, no claim. */
export function changeSize({ metric, incumbent, candidate, effect, interval }: Detection): readonly string[] {
  const what = sentenceCase(spaced(metric.label));
  if (incumbent === null) {
    return isInterval(candidate.interval)
      ? [worse.stillIs(what, formatValue(candidate.mean, metric.unit))]
      : [];
  }
  if (!isInterval(interval)) return [];
  const size = formatSize(effect, metric.unit);
  return [effect < 0 ? worse.fellBy(what, size) : worse.roseBy(what, size)];
}

/** How sure the size is. */
export function changeCertainty(detection: Detection): readonly string[] {
  const { metric, incumbent, candidate, interval, level } = detection;
  const certainty = `${Number((100 * level).toFixed(1))}%`;
  if (incumbent === null) {
    return isInterval(candidate.interval)
      ? [footnote.level(formatInterval(candidate.interval, metric.unit), certainty)]
      : [];
  }
  if (!isInterval(interval)) return [];
  const includesNone = interval[0] <= 0 && interval[1] >= 0;
  return [
    footnote.certainty(formatDifferenceInterval(interval, metric.unit), certainty),
    ...(includesNone ? [footnote.notSureYet] : []),
  ];
}

/** The deploy as the beginning; null when the version's start is not known. */
export function sinceDeploy(detection: Detection, zone: string): string | null {
  const { version_started_at } = detection;
  if (version_started_at === null) return null;
  return since.deploy(formatMoment(version_started_at, zone), candidateLabel(detection));
}

/** What the prompt's change is, by the registry; none where it does not hold both prompts. */
export function promptChange(detection: Detection): readonly string[] {
  const { change } = detection;
  if (change === undefined) return [];
  if (change.is_same) return [changed.samePrompt];
  const commit = change.commit === null ? "" : changed.commit(change.commit.slice(0, 7));
  const parts = [
    changed.lines(change.lines_added, change.lines_removed),
    ...(change.fields.length === 0 ? [] : [changed.fields(change.fields.slice(0, 3).join(", "))]),
  ].filter((each) => each !== "");
  return [changed.prompt(sentenceCase(candidateLabel(detection)), change.author, commit, parts.join(", "))];
}

/**
 * Other inputs as the cause of a fall, in numbers; none unless the mix explains
 * most of a fall, and by more than chance.
 */
export function inputShift(detection: Pick<Detection, "labels">, mix: MixEvidence | null): readonly string[] {
  if (mix === null || !mix.input_shift || mix.mix >= 0 || -mix.mix < 2 * mix.se_mix) return [];
  const [shift] = mix.shifts.toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
  if (shift === undefined) return [];
  const points = (value: number): string => Math.abs(100 * value).toFixed(1);
  const explained =
    mix.mix <= mix.total
      ? changed.wholeFall(points(mix.total))
      : changed.partOfFall(points(mix.mix), points(mix.total));
  const hasHeld = mix.within >= -2 * mix.se_within;
  return [
    changed.inputs,
    changed.inputShift(
      sentenceCase(requestsOfSlice(detection, shift.name)),
      formatPercent(shift.before),
      formatPercent(shift.after),
      explained,
    ),
    hasHeld ? changed.sliceHeld : changed.sliceFellToo,
  ];
}
