/** What probably did it. */
import type { Detection } from "@plumbline/schemas";
import { coverageCause } from "./coverage-words.ts";
import { messageEvidence } from "./message-evidence.ts";
import { formatDuration, formatPercent, formatTime } from "./quantity.ts";
import { lostRecordsLine, STORED_SHARE } from "./stored-share.ts";

const DAY_MS = 86_400_000;
const NOT_THE_DEPLOY = "Coincides with the deploy, not caused by it";

/** What probably did it, going by what changed and when. Says so when nothing of ours changed. */
export function causeLine(detection: Detection, version: string): string | null {
  switch (detection.kind) {
    case "quality":
      return shiftedInputsLine(detection) ?? deployLine(detection, version);
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
      if (detection.metric === STORED_SHARE) return lostRecordsLine(detection);
      return coverageCause(detection);
    case "judge_drift":
      return "The judge moved on answers that did not change. Its scores before and after do not compare.";
  }
}

/** Other inputs as the cause. A version beside another one gets the same inputs, so pairs may have told as much. */
function shiftedInputsLine(detection: Detection): string | null {
  const line = inputShiftLine(detection);
  const isSilent = messageEvidence(detection).detector?.paired_silent === true;
  return line === null || !isSilent ? line : `${NOT_THE_DEPLOY}. ${line}`;
}

/**
 * That users send something else rather than that the prompt does worse on it, in numbers; null unless the mix explains
 * most of a fall, and by more than chance.
 */
export function inputShiftLine(detection: Detection): string | null {
  const mix = messageEvidence(detection).explanation?.mix;
  if (mix === undefined || mix === null || !mix.input_shift || mix.mix >= 0 || -mix.mix < 2 * mix.se_mix)
    return null;
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
  return `${name} ${formatPercent(before)} → ${formatPercent(after)} of calls`;
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

function deployLine(detection: Detection, version: string): string | null {
  const { version_started_at, window } = detection;
  if (version_started_at === null) return null;
  const { cause, detector } = messageEvidence(detection);
  if (detector?.paired_silent === true) {
    return `${NOT_THE_DEPLOY}: the old version, called beside ${version}, fell as well. Look upstream: model, provider, inputs.`;
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
  // A small drop of a quiet use case is found days after the deploy that carries it.
  if (ageMs > DAY_MS && cause === undefined) {
    return `No deploy in the last 24 h: ${version} is live since ${since}. Look upstream: model, provider, inputs.`;
  }
  return `Likely cause: the change to ${version}, first called ${since}, ${formatDuration(ageMs)} before the end of the window.`;
}
