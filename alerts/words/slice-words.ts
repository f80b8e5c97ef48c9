/** For whom a change is: everybody, or some, and who else. */
import type { Detection, QualityDetection } from "@plumbline/schemas";
import { formatCount, formatPercent, formatValue } from "./quantity.ts";
import { whom } from "./sentences.ts";
import { requestsOf, requestsOfSlice } from "./text.ts";

type Slice = Detection["slices"][number];
type Stream = Extract<QualityDetection["evidence"]["detector"], { kind: "streams" }>["streams"][number];

/** Slices named beside the one of the verdict. */
const ALSO_MAX = 3;
/** A slice with more of the calls is everybody. */
const EVERYBODY_SHARE = 0.9;
/** Standard errors by which a slice has fallen further than the rest. */
const DIFFERS_SE = 2;
/** Name of the stream of all units. */
const ALL = "all";

/** What follows the headline of the notification. */
export function whomOf(detection: QualityDetection): string | null {
  const [worst] = byExplanation(detection);
  switch (detection.verdict) {
    case "DISTRIBUTIONAL":
      return worst === undefined ? whom.unknown : whom.only(requestsOfSlice(detection, worst.name));
    case "MIXED":
      return worst === undefined ? whom.unknown : whom.most(requestsOfSlice(detection, worst.name));
    case "UNIFORM":
      return whom.everybody;
    case "INCONCLUSIVE":
    case null:
      return whom.unknown;
  }
}

/** `requests that mention money` where those are worst, else `requests`. */
export function affectedRequests(detection: QualityDetection): string {
  const { verdict } = detection;
  const [worst] = verdict === "DISTRIBUTIONAL" || verdict === "MIXED" ? byExplanation(detection) : [];
  return worst === undefined ? requestsOf(detection) : requestsOfSlice(detection, worst.name);
}

/** The question that decides the next step: all requests, or some? */
export function whomSentences(detection: Detection): readonly string[] {
  if (detection.kind !== "quality") return [];
  const [worst] = byExplanation(detection);
  switch (detection.verdict) {
    case "DISTRIBUTIONAL":
    case "MIXED":
      return worst === undefined ? [] : worstSentences(detection, worst);
    case "UNIFORM":
      return [whom.uniform];
    case "INCONCLUSIVE":
      return undecided(detection);
    case null:
      return [whom.computing];
  }
}

function worstSentences(detection: QualityDetection, worst: Slice): readonly string[] {
  const requests = requestsOfSlice(detection, worst.name);
  const isOnly = detection.verdict === "DISTRIBUTIONAL";
  if (!isMeasured(worst)) return [isOnly ? whom.onlyName(requests) : whom.mostName(requests)];
  const values = [formatValue(worst.reference, "share"), formatValue(worst.current, "share")] as const;
  return [
    isOnly ? whom.onlySentence(requests, ...values) : whom.mostSentence(requests, ...values),
    whom.carries(formatPercent(worst.share_of_traffic), shareText(worst.share_of_drop)),
  ];
}

/** No number of a slice without judged units behind it. */
function isMeasured({ current, units }: Slice): boolean {
  return units >= 1 && current >= 0 && current <= 1;
}

function shareText(share: number): string {
  return share >= 0.995 ? "all" : `about ${formatPercent(share)}`;
}

/**
 * Slices that fell besides the one that the verdict names; null when there is none. What holds for nearly every call is
 * everybody, and what fell no further than the rest fell with it: neither is told.
 */
export function alsoSentence(detection: Detection): string | null {
  if (detection.kind !== "quality") return null;
  const { verdict } = detection;
  const isLocated = verdict === "DISTRIBUTIONAL" || verdict === "MIXED";
  // Where all fell alike, the slices fell with it; where that is not known, none is known to have fallen by itself.
  if (!isLocated) return null;
  const [worst, ...further] = byExplanation(detection);
  const measured = further.filter(
    ({ share_of_drop, share_of_traffic }) =>
      share_of_traffic <= EVERYBODY_SHARE && share_of_drop > share_of_traffic,
  );
  const { detector } = detection.evidence;
  const listed =
    detector?.kind === "streams"
      ? detector.affected.filter((name) => fellFurther(name, detector.streams))
      : [];
  const names = [...new Set([...measured.map(({ name }) => name), ...listed])].filter(
    (name) => name !== worst?.name,
  );
  if (names.length === 0) return null;
  const shown = names.slice(0, ALSO_MAX).map((name) => requestsOfSlice(detection, name));
  const more = names.length - shown.length;
  return whom.also([...shown, ...(more === 0 ? [] : [whom.moreKinds(formatCount(more))])].join("; "));
}

/** fellFurther returns true for a slice of not nearly all calls that lost more than the calls outside of it. */
function fellFurther(name: string, streams: readonly Stream[]): boolean {
  const own = streams.find((stream) => stream.name === name);
  const all = streams.find((stream) => stream.name === ALL);
  if (own === undefined || all === undefined || own.units <= 0 || all.units <= own.units) return false;
  if (own.units / all.units > EVERYBODY_SHARE) return false;
  const rest = {
    units: all.units - own.units,
    score_sum: all.score_sum - own.score_sum,
    expected_sum: all.expected_sum - own.expected_sum,
  };
  // A score in [0,1] varies by no more than mean · (1 − mean).
  const variance = (side: typeof rest): number => {
    const mean = Math.min(1, Math.max(0, side.score_sum / side.units));
    return (mean * (1 - mean)) / side.units;
  };
  const drop = (side: typeof rest): number => (side.expected_sum - side.score_sum) / side.units;
  return drop(own) - drop(rest) > DIFFERS_SE * Math.sqrt(variance(own) + variance(rest));
}

/** With fewer judged units the monitor calls nothing uniform. */
const UNIFORM_UNITS_MIN = 100;

/**
 * Why it is undecided, and what would help. Evidence without these numbers, as old incidents have it, only says how many
 * were judged.
 */
function undecided(detection: QualityDetection): readonly string[] {
  const { explanation, reference } = detection.evidence;
  const { units, mean } = detection.candidate;
  const tooFew = [whom.tooFew(formatCount(units))];
  if (explanation === null) return tooFew;
  const needed = explanation.units_needed;
  if (needed !== null) return [whom.moreNeeded(formatCount(needed))];
  if (explanation.p_heterogeneity === null) return [whom.noKinds];
  const hasFallen = explanation.expected_mean > mean;
  if (reference === null || !hasFallen) return tooFew;
  if (reference.units === 0) return [whom.noBaseline];
  if (units < UNIFORM_UNITS_MIN) return tooFew;
  return [whom.smallBaseline(formatCount(reference.units)), whom.judgeMore];
}

/**
 * Slices that explain most first. A slice with nearly all of the traffic carries nearly all of any drop, so what
 * counts is how far its share of the drop exceeds its share of the traffic.
 */
function byExplanation({ slices }: Pick<Detection, "slices">): Detection["slices"] {
  const excess = (slice: Slice): number => slice.share_of_drop - slice.share_of_traffic;
  return slices.toSorted((a, b) => excess(b) - excess(a));
}
