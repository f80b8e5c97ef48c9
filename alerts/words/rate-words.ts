/** Success, latency, path mix and cost of all calls of a version. */
import type { RateDetection } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import { changeCertainty, changeHeadline, changeSize, promptChange, sinceDeploy } from "./change-words.ts";
import { callsText, formatAbout, formatCount, formatMoment, formatPercent, formatValue } from "./quantity.ts";
import { affected, changed, footnote, since, steps, worse } from "./sentences.ts";
import { candidateLabel } from "./text.ts";

type Uncached = Extract<RateDetection["evidence"], { readonly measure: "uncached_prefix" }>;
type Changed = Exclude<RateDetection["evidence"], Uncached>;
type OwnWords = Pick<MeasureWords, "headline" | "worse" | "step" | "affected">;

export function rateWords(detection: RateDetection, zone: string): MeasureWords {
  const { calls } = detection.candidate;
  const { evidence } = detection;
  if (evidence.measure === "uncached_prefix") return uncachedWords(detection, evidence, zone);
  const own = ownWords(detection, evidence);
  return {
    ...own,
    worse: calls > 0 ? own.worse : [],
    whom: null,
    offersRollback: evidence.at_deploy && detection.kind === "success",
    since: sinceOf(detection, evidence, zone),
    changed: evidence.at_deploy
      ? promptChange(detection)
      : [changed.ownPast(candidateLabel(detection)), changed.nobodyDeployed],
    footnote: calls > 0 ? [...changeCertainty(detection), footnote.counted(callsText(calls))] : [],
    over: "recovered",
    counted: "calls",
    isMeasuredAgain: true,
  };
}

function uncachedWords(detection: RateDetection, evidence: Uncached, zone: string): MeasureWords {
  const { candidate, window } = detection;
  const isShort = evidence.reason === "under_minimum";
  return {
    headline: worse.uncached(candidateLabel(detection)),
    whom: null,
    step: isShort ? steps.moveFixedText : steps.findUncached,
    offersRollback: false,
    worse: [],
    affected: null,
    since: since.window(formatMoment(window.start, zone), formatMoment(window.end, zone)),
    changed: [
      evidence.fixed_tokens === 0
        ? changed.beginsVarying(formatCount(evidence.minimum_tokens))
        : changed.fixedPart(formatCount(evidence.fixed_tokens), formatCount(evidence.minimum_tokens)),
      isShort ? changed.allFixed(formatCount(evidence.all_fixed_tokens)) : changed.notRead,
    ],
    footnote: [footnote.counted(callsText(candidate.calls))],
    over: "the provider's cache is read",
    counted: "calls",
    isMeasuredAgain: true,
  };
}

/** Event time: the deploy, or the hour in which the change began where that is another one. */
function sinceOf(detection: RateDetection, evidence: Changed, zone: string): string | null {
  const { version_started_at } = detection;
  const began = "since" in evidence ? evidence.since : null;
  if (!evidence.at_deploy) return began === null ? null : since.later(formatMoment(began, zone));
  const isLater =
    began !== null &&
    version_started_at !== null &&
    Math.abs(Date.parse(began) - Date.parse(version_started_at)) >= 3_600_000;
  return isLater ? since.about(formatMoment(began, zone)) : sinceDeploy(detection, zone);
}

function ownWords(detection: RateDetection, evidence: Changed): OwnWords {
  const { candidate, incumbent, effect, interval } = detection;
  type Hit = (count: string, low: string, high: string, calls: string) => string;
  const hit = (say: Hit): string | null => {
    if (effect >= 0 || candidate.calls === 0) return null;
    const calls = (each: number): string => formatAbout(-each * candidate.calls);
    return say(calls(effect), calls(interval[1]), calls(interval[0]), formatCount(candidate.calls));
  };
  const headline = changeHeadline(detection);
  switch (evidence.measure) {
    case "success_rate": {
      const { impact } = evidence;
      const hits = hit(affected.failures);
      const day =
        impact === null || impact.day_calls === 0 || hits === null
          ? []
          : [
              affected.ofTheDay(
                formatPercent(impact.degraded_calls / impact.day_calls),
                formatCount(impact.day_calls),
              ),
            ];
      return {
        headline,
        worse: [...changeSize(detection), worse.failures],
        step: steps.checkProvider,
        affected: hits === null ? null : [hits, ...day].join(" "),
      };
    }
    case "share_within": {
      const limit = `${formatCount(evidence.threshold_ms)} ms`;
      const slow = (share: number): string => formatValue(1 - share, "share");
      return {
        headline:
          incumbent === null
            ? headline
            : worse.slower(slow(candidate.mean), limit, slow(incumbent.mean), candidateLabel(detection)),
        worse: [worse.slowLimit(limit)],
        step: steps.checkLatency,
        affected: hit(affected.slow),
      };
    }
    case "primary_share":
      return {
        headline,
        worse: [
          ...changeSize(detection),
          ...(evidence.degraded_share === null
            ? []
            : [worse.degraded(formatPercent(evidence.degraded_share))]),
        ],
        step: steps.checkPrimary,
        affected: hit(affected.substitutes),
      };
    case "cached_prefix_share": {
      const { cached_tokens_min: least } = evidence;
      return {
        headline,
        worse: [
          ...changeSize(detection),
          worse.cachedCalls(
            least === undefined ? "at least half of its input" : `${formatCount(least)} tokens or more`,
          ),
        ],
        step: steps.checkPrefix,
        affected: hit(affected.uncached),
      };
    }
    case "cost_per_call": {
      const dollars = (each: number): string => formatValue(Math.max(0, each) * candidate.calls, "usd");
      return {
        headline,
        worse: [worse.typicalCost(Math.exp(evidence.log_ratio).toFixed(2))],
        step: steps.checkCost,
        affected:
          effect <= 0 || candidate.calls === 0
            ? null
            : affected.dollars(
                dollars(effect),
                dollars(interval[0]),
                dollars(interval[1]),
                callsText(candidate.calls),
              ),
      };
    }
  }
}
