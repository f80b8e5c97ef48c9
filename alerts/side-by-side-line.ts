import type { Detection } from "@plumbline/schemas";
import { formatCount } from "./quantity.ts";
import { versionLabel } from "./version-labels.ts";

/**
 * How both versions did in the same hours, while they served side by side. Null without pairs or without a difference.
 *
 * The pairs have an e-value and no interval. Under "not worse than the version beside it" an e-value of 1/(1 − level) or
 * more has a chance of at most 1 − level, at whatever time one looks; one below 1 speaks against a fall.
 */
export function sideBySideLine(detection: Detection): string | null {
  if (detection.kind !== "quality") return null;
  const { detector } = detection.evidence;
  const paired = detector?.kind === "streams" ? detector.paired : null;
  if (paired === null || paired.pairs === 0) return null;
  const { pairs, difference, log_deploy_e } = paired;
  const where = `in ${formatCount(pairs)} pair${pairs === 1 ? "" : "s"} of conversations from the same hours`;
  const head = `Side by side with ${versionLabel(detection, paired.incumbent)}:`;
  const points = Math.abs(100 * difference).toFixed(1);
  if (points === "0.0") return `${head} no difference ${where}.`;
  if (difference < 0) return `${head} ${points} points better ${where}.`;
  return `${head} ${points} points worse ${where}${chanceText(log_deploy_e, detection.level)}.`;
}

function chanceText(logE: number | null, level: number): string {
  if (logE === null) return "";
  if (logE >= -Math.log(1 - level)) return ", more than chance explains";
  return logE < 0 ? ", which chance may explain" : "";
}
