/** The sentences under a message's title. Each returns null rather than a claim without evidence. */
import type { Detection } from "@plumbline/schemas";
import { messageEvidence } from "./message-evidence.ts";
import {
  formatCount,
  formatDifference,
  formatDifferenceInterval,
  formatDuration,
  formatInterval,
  formatTime,
  formatValue,
  formatWindow,
  unitOf,
} from "./quantity.ts";
import { sliceInterval } from "./slice-interval.ts";

const DAY_MS = 86_400_000;
const SLICES_MAX = 3;

/** What changed, by how much, how sure, out of how many. */
export function sizeLine(detection: Detection): string | null {
  const { candidate, incumbent, effect, interval } = detection;
  const unit = unitOf(detection);
  const counted = `${counts(detection)}, ${windowText(detection)}`;
  if (incumbent === null) {
    // A count is exact and needs no interval; an estimate does.
    if (!hasEvidence(detection) || !isInterval(candidate.interval)) return `${sentenceCase(counted)}.`;
    return `${detection.metric} is ${formatValue(candidate.mean, unit)} (${levelText(detection)} ${formatInterval(candidate.interval, unit)}), ${counted}.`;
  }
  if (!hasEvidence(detection) || !isInterval(interval)) return null;
  return (
    `${formatValue(incumbent.mean, unit)} → ${formatValue(candidate.mean, unit)} ` +
    `(Δ ${formatDifference(effect, unit)}, ${levelText(detection)} ${formatDifferenceInterval(interval, unit)}), ${counted}` +
    `${/^lexical/i.test(detection.judge ?? "") ? "; scores are lexical, no LLM" : ""}.`
  );
}

/** Whether everybody is affected or some: the question that decides what to do. */
export function concentrationLine(detection: Detection): string | null {
  if (detection.kind === "output_drift") return changedSliceLine(detection);
  if (detection.kind !== "quality") return null;
  const [worst] = byExplanation(detection);
  switch (detection.verdict) {
    case "DISTRIBUTIONAL":
      return worst === undefined
        ? null
        : `Concentrated, not uniform: ${sliceText(detection, worst)}; it carries about ${percent(worst.share_of_drop)} of the drop.`;
    case "MIXED":
      return worst === undefined
        ? null
        : `Mixed: some of the drop is everywhere, most of it in ${sliceText(detection, worst)}; it carries about ${percent(worst.share_of_drop)} of the drop.`;
    case "UNIFORM":
      return `Uniform: no slice explains the drop (n = ${formatCount(detection.candidate.units)} judged).`;
    case "INCONCLUSIVE":
      return `Uniform or concentrated: unclear (n too small: ${formatCount(detection.candidate.units)} judged).`;
    case null:
      return "Uniform or concentrated: still computing.";
  }
}

/** Where outputs moved most, by the slice that decided; the feature's own mean before and after. */
function changedSliceLine({ evidence, slices, metric }: Detection): string | null {
  const slice = slices.find(({ name }) => name === evidence["slice"]);
  if (slice === undefined) return null;
  const mean = (value: number): string => Number(value.toPrecision(3)).toString();
  return (
    `Clearest in ${slice.name} (${percent(slice.share_of_traffic)} of calls, n = ${formatCount(slice.units)}): ` +
    `${metric} ${mean(slice.reference)} → ${mean(slice.current)} on average.`
  );
}

/** What probably did it, going by what changed and when. Says so when nothing of ours changed. */
export function causeLine(detection: Detection, version: string): string | null {
  switch (detection.kind) {
    case "quality":
      return inputShiftLine(detection) ?? deployLine(detection, version);
    case "latency":
    case "cost":
    case "success":
    case "path_mix":
      return deployLine(detection, version);
    case "input_drift":
      return (
        inputShiftLine(detection) ??
        `The inputs moved, not the prompt${movedShare(detection)}. This says nothing about quality yet.`
      );
    case "output_drift":
      return detection.evidence["at_deploy"] === true
        ? "The answers changed with the version. Outputs changed; this says nothing about quality yet."
        : "The answers changed shape. This says nothing about quality yet.";
    case "coverage":
      return "Quality is unknown while calls are not judged: no data is not good data.";
    case "judge_drift":
      return "The judge moved on answers that did not change. Its scores before and after do not compare.";
  }
}

/**
 * That users send something else rather than that the prompt does worse on it, in numbers; null unless the mix explains
 * most of a fall, and by more than chance.
 */
export function inputShiftLine(detection: Detection): string | null {
  const mix = messageEvidence(detection).explanation?.mix;
  if (mix === undefined || !mix.input_shift || mix.mix >= 0 || -mix.mix < 2 * mix.se_mix) return null;
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
  return `${what}: ${shareText(shift)} explains ${explained}.`;
}

function shareText({ name, before, after }: { name: string; before: number; after: number }): string {
  return `${name} ${percent(before)} → ${percent(after)} of calls`;
}

/** ": mentions_money 18% → 41% of calls" when a slice moved, else nothing. */
function movedShare({ evidence, metric }: Detection): string {
  const { names, reference, current } = evidence;
  const isSlice = Array.isArray(names) && names.join() === "no,yes";
  const [before, after] = [yesShare(reference), yesShare(current)];
  if (!isSlice || before === null || after === null) return "";
  return `: ${shareText({ name: metric, before, after })}`;
}

/** Share of yes in counts of no and yes; null when they are no such counts. */
function yesShare(counts: unknown): number | null {
  if (!Array.isArray(counts)) return null;
  const [no, yes] = counts as readonly unknown[];
  if (typeof no !== "number" || typeof yes !== "number" || !(no + yes > 0)) return null;
  return yes / (no + yes);
}

/** What was looked at and did not change. */
export function normalLine(detection: Detection): string | null {
  const { normal = [] } = messageEvidence(detection);
  if (normal.length === 0) return null;
  const parts = normal.map(
    ({ name, value, unit, interval, n }) =>
      `${name} ${formatValue(value, unit)} (95% interval ${formatInterval(interval, unit)}, n = ${formatCount(n)})`,
  );
  return `Normal: ${parts.join("; ")}.`;
}

/** The worst slices after the one that the verdict names. */
export function sliceLines(detection: Detection): string[] {
  if (detection.kind !== "quality") return [];
  if (detection.verdict !== "DISTRIBUTIONAL" && detection.verdict !== "MIXED") return [];
  const others = byExplanation(detection)
    .slice(1, SLICES_MAX)
    .filter((slice) => slice.share_of_drop > 0);
  if (others.length === 0) return [];
  const texts = others.map(
    (slice) => `${sliceText(detection, slice)}, about ${percent(slice.share_of_drop)} of the drop`,
  );
  return [
    `Also affected (slices overlap; their intervals are fixed-n and exploratory): ${texts.join("; ")}.`,
  ];
}

function deployLine(detection: Detection, version: string): string | null {
  const { version_started_at, window } = detection;
  if (version_started_at === null) return null;
  const { cause, detector } = messageEvidence(detection);
  if (detector?.paired_silent === true) {
    return `Coincides with the deploy, not caused by it: the old version, called beside ${version}, fell as well. Look upstream: model, provider, inputs.`;
  }
  if (cause !== undefined && cause.kind !== "own_change") {
    const at = formatTime(cause.changed_at, window.end);
    const models = `${cause.models_since.join(", ")} instead of ${cause.models_before.join(", ")}`;
    return cause.kind === "provider_change"
      ? `No deploy then, but the provider's model changed: ${models}, since about ${at}.`
      : `No deploy then: ${version} fell about ${at}. Look upstream: model, provider, inputs.`;
  }
  const ageMs = Date.parse(window.end) - Date.parse(version_started_at);
  const since = formatTime(version_started_at, window.end);
  if (ageMs > DAY_MS) {
    return `No deploy in the last 24 h: ${version} is live since ${since}. Look upstream: model, provider, inputs.`;
  }
  return `Likely cause: the change to ${version}, first called ${since}, ${formatDuration(ageMs)} before the end of the window.`;
}

function sliceText(detection: Detection, slice: Detection["slices"][number]): string {
  const interval =
    messageEvidence(detection).slice_intervals?.[slice.name] ?? sliceInterval(slice.current, slice.units);
  const share = `${slice.name} (${percent(slice.share_of_traffic)} of traffic)`;
  if (interval === null || !isInterval(interval)) return share;
  return `${share} ${formatValue(slice.reference, "share")} → ${formatValue(slice.current, "share")} (95% interval ${formatInterval(interval, "share")}, n = ${formatCount(slice.units)})`;
}

function counts(detection: Detection): string {
  const { kind, candidate } = detection;
  const calls = `${formatCount(candidate.calls)} calls`;
  const sameInputs = messageEvidence(detection).same_inputs;
  switch (kind) {
    case "quality":
      return sameInputs === undefined
        ? `${formatCount(candidate.units)} judged of ${calls}`
        : `${formatCount(sameInputs)} inputs judged under both versions, of ${calls}`;
    case "judge_drift":
    case "coverage":
      return `${formatCount(candidate.units)} judged of ${calls}`;
    case "input_drift":
    case "output_drift":
    case "latency":
    case "cost":
    case "success":
    case "path_mix":
      return calls;
  }
}

function hasEvidence({ kind, candidate }: Detection): boolean {
  return kind === "quality" || kind === "judge_drift" ? candidate.units > 0 : candidate.calls > 0;
}

function windowText({ window }: Detection): string {
  return formatWindow(window, window.end);
}

function levelText({ level }: Detection): string {
  return `${Number((100 * level).toFixed(1))}% always-valid interval`;
}

/**
 * Slices that explain most first. A slice with nearly all of the traffic carries nearly all of any drop, so what
 * counts is how far its share of the drop exceeds its share of the traffic.
 */
export function byExplanation({ slices }: Pick<Detection, "slices">): Detection["slices"] {
  const excess = (slice: Detection["slices"][number]): number => slice.share_of_drop - slice.share_of_traffic;
  return slices.toSorted((a, b) => excess(b) - excess(a));
}

function isInterval([low, high]: readonly [number, number]): boolean {
  return Number.isFinite(low) && Number.isFinite(high) && low <= high;
}

function percent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
