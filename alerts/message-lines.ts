/** What the numbers say. Each sentence is null rather than a claim without evidence. */
import type { Detection } from "@plumbline/schemas";
import { messageEvidence } from "./message-evidence.ts";
import {
  formatCount,
  formatDifference,
  formatDifferenceInterval,
  formatInterval,
  formatValue,
  formatWindow,
  isInterval,
  unitOf,
} from "./quantity.ts";
import { STORED_SHARE } from "./stored-share.ts";
import { sentenceCase } from "./text.ts";

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
      if (detection.metric === STORED_SHARE)
        return `${formatCount(candidate.units)} stored of ${formatCount(candidate.calls)} records`;
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
