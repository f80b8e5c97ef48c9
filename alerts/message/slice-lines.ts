/** The slices of a change: everywhere or in some, and which others show it. */
import type { Detection, QualityDetection } from "@plumbline/schemas";
import { wilsonInterval } from "@plumbline/stats";
import {
  formatCount,
  formatPercent,
  formatInterval,
  formatValue,
  type Interval,
  isInterval,
} from "../words/quantity.ts";
import { clip } from "../words/text.ts";

type Slice = Detection["slices"][number];

/** Slices with numbers, the one of the verdict included. */
const SLICES_MAX = 3;
/** Slices by name only. */
const NAMES_MAX = 5;
const NAME_LENGTH_MAX = 60;

/** Uniform or concentrated: the question that decides the next step. */
export function concentrationLine(detection: Detection): string | null {
  if (detection.kind !== "quality") return null;
  const [worst] = byExplanation(detection);
  switch (detection.verdict) {
    case "DISTRIBUTIONAL":
      return worst === undefined
        ? null
        : `Concentrated, not uniform: ${sliceText(detection, worst)}; it carries about ${formatPercent(worst.share_of_drop)} of the drop.`;
    case "MIXED":
      return worst === undefined
        ? null
        : `Mixed: some of the drop is everywhere, most of it in ${sliceText(detection, worst)}; it carries about ${formatPercent(worst.share_of_drop)} of the drop.`;
    case "UNIFORM":
      return `Uniform: no slice explains the drop (n = ${formatCount(detection.candidate.units)} judged).`;
    case "INCONCLUSIVE":
      return undecidedLine(detection);
    case null:
      return "Uniform or concentrated: still computing.";
  }
}

/**
 * Slices that fell besides the one that the verdict names, in one statement. Two sources: further slices of the
 * explanation, which carry some of the drop beyond the first and have numbers; and what the detector lists, where a
 * slice stands as soon as it overlaps the cause, so it gets a name and no number.
 */
export function alsoAffectedLine(detection: Detection): string | null {
  if (detection.kind !== "quality") return null;
  const { verdict } = detection;
  const isLocated = verdict === "DISTRIBUTIONAL" || verdict === "MIXED";
  const [worst, ...further] = isLocated ? byExplanation(detection).slice(0, SLICES_MAX) : [];
  const measured = further.filter((slice) => slice.share_of_drop > 0);
  const named = new Set([worst, ...measured].map((slice) => slice?.name));
  const { detector } = detection.evidence;
  const affected = detector?.kind === "streams" ? detector.affected : [];
  const names = nameList([...new Set(affected)].filter((name) => !named.has(name)));

  if (measured.length > 0) {
    const texts = measured.map(
      (slice) => `${sliceText(detection, slice)}, about ${formatPercent(slice.share_of_drop)} of the drop`,
    );
    const rest = names === "" ? "" : `; not separate causes: ${names}`;
    return `Also affected (slices overlap; their intervals are fixed-n and exploratory): ${texts.join("; ")}${rest}.`;
  }
  if (names === "") return null;
  return `${overlapText(verdict, worst?.name)}: ${names}.`;
}

function overlapText(verdict: Detection["verdict"], worst: string | undefined): string {
  if (verdict === "UNIFORM") return "Affected with everything else, not separate causes (slices overlap)";
  if (worst === undefined) return "Affected slices (they overlap; none is known to be the cause)";
  const place = `overlap with ${clip(worst, NAME_LENGTH_MAX)}`;
  return verdict === "MIXED"
    ? `Also affected (they ${place} or share the drop that is everywhere; not separate causes)`
    : `Also affected (they ${place}; not separate causes)`;
}

/** `a, b, c, d, e and 3 more`; "" without a name. */
function nameList(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX).map((name) => clip(name, NAME_LENGTH_MAX));
  const more = names.length - shown.length;
  return `${shown.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}

/** With fewer judged units the monitor calls nothing uniform. */
const UNIFORM_UNITS_MIN = 100;

/**
 * Why uniform or concentrated is undecided, and what would help. Evidence without these numbers, as old
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

function sliceText(detection: QualityDetection, slice: Slice): string {
  const interval = detection.evidence.slice_intervals[slice.name] ?? fixedInterval(slice);
  const share = `${slice.name} (${formatPercent(slice.share_of_traffic)} of traffic)`;
  if (interval === null || !isInterval(interval)) return share;
  return `${share} ${formatValue(slice.reference, "share")} → ${formatValue(slice.current, "share")} (95% interval ${formatInterval(interval, "share")}, n = ${formatCount(slice.units)})`;
}

/**
 * Slices that explain most first. A slice with nearly all of the traffic carries nearly all of any drop, so what
 * counts is how far its share of the drop exceeds its share of the traffic.
 */
export function byExplanation({ slices }: Pick<Detection, "slices">): Detection["slices"] {
  const excess = (slice: Slice): number => slice.share_of_drop - slice.share_of_traffic;
  return slices.toSorted((a, b) => excess(b) - excess(a));
}

/** 95% interval of an old incident's slice, for showing it; null where there is none: no interval, no number. */
function fixedInterval({ current, units }: Slice): Interval | null {
  if (!(units >= 1) || !(current >= 0 && current <= 1)) return null;
  const { lower, upper } = wilsonInterval(current * units, units);
  return [lower, upper];
}
