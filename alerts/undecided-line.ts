import type { QualityDetection } from "@plumbline/schemas";
import { formatCount } from "./quantity.ts";

/** With fewer judged units the monitor calls nothing uniform, whatever the baseline: it may be too small or not. */
const UNIFORM_UNITS_MIN = 100;

/**
 * Why nobody can say whether everybody is affected or some, and what would help. Evidence without these numbers, as old
 * incidents have it, only says how many were judged.
 */
export function undecidedLine(detection: QualityDetection): string {
  const { explanation, reference } = detection.evidence;
  const { units, mean } = detection.candidate;
  const head = "Uniform or concentrated: unclear";
  const judged = `${formatCount(units)} judged`;
  const tooFew = `${head} (n too small: ${judged}).`;

  if (explanation === null) return tooFew;
  const needed = explanation.units_needed;
  if (needed !== null) {
    return `${head} so far (${judged}); about ${formatCount(needed)} more judged units to say where.`;
  }
  if (explanation.p_heterogeneity === null) return `${head} (no slice to compare in ${judged} units).`;
  const hasFallen = explanation.expected_mean > mean;
  if (reference === null || !hasFallen) return tooFew;
  if (reference.units === 0) return `${head} (${judged}, and no baseline yet that could tell where).`;
  const baseline = `baseline of ${formatCount(reference.units)} units`;
  if (units < UNIFORM_UNITS_MIN) return `${head} (n too small: ${judged} against a ${baseline}).`;
  return (
    `${head}, and more judging will not tell: the ${baseline} is too small to say where. ` +
    "Let the next version have a longer reference, or judge at a higher rate before its deploy."
  );
}
