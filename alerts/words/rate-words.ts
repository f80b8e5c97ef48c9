/** Success, latency, path mix and cost of all calls of a version. */
import type { RateDetection } from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import { changeSentence, changeSize, changeTitle, deployText } from "./change-words.ts";
import { callsText, formatCount, formatPercent, formatTime, formatValue, formatWindow } from "./quantity.ts";
import { candidateLabel } from "./text.ts";

export function rateWords(detection: RateDetection): MeasureWords {
  const { calls } = detection.candidate;
  if (detection.evidence.measure === "uncached_prefix") return uncachedWords(detection, detection.evidence);
  // A share of fast calls that falls is a latency that rises.
  const lead = detection.kind === "latency" ? "slower: " : "";
  return {
    title: `${lead}${changeTitle(detection)}`,
    sentence: `${lead}${changeSentence(detection)}`,
    size: changeSize(detection, calls > 0 ? callsText(calls) : null),
    cause: causeOf(detection),
    over: "recovered",
    counted: "calls",
    isMeasuredAgain: true,
    ...ownWords(detection, detection.evidence),
  };
}

type Uncached = Extract<RateDetection["evidence"], { readonly measure: "uncached_prefix" }>;

function uncachedWords(detection: RateDetection, evidence: Uncached): MeasureWords {
  const { candidate, window } = detection;
  const title = `nothing of ${candidateLabel(detection)} is read from the provider's cache`;
  const about = (tokens: number): string => `about ${formatCount(tokens)} tokens`;
  const fixed = `What never varies at its beginning is ${about(evidence.fixed_tokens)}, and the provider caches from ${formatCount(evidence.minimum_tokens)} on`;
  const isShort = evidence.reason === "under_minimum";
  return {
    title,
    sentence: title,
    size: `0 of ${callsText(candidate.calls)} read from it, ${formatWindow(window, window.end)}.`,
    meaning: isShort
      ? `${fixed}; with the fixed text behind what varies it would be ${about(evidence.all_fixed_tokens)}.`
      : `${fixed}: something that varies is sent ahead of it, or the request does not ask for the cache.`,
    cause: null,
    step: isShort
      ? "Move the fixed text of the prompt ahead of what varies"
      : "Look for what the application sends ahead of the prompt, and for its cache marks",
    harm: null,
    over: "the provider's cache is read",
    counted: "calls",
    isMeasuredAgain: true,
  };
}

type OwnWords = Pick<MeasureWords, "meaning" | "step" | "harm">;
type Changed = Exclude<RateDetection["evidence"], Uncached>;

function ownWords({ candidate, effect, interval }: RateDetection, evidence: Changed): OwnWords {
  const worse = (what: string): string | null => {
    if (effect >= 0 || candidate.calls === 0) return null;
    const calls = (each: number): string => formatCount(Math.max(0, -each * candidate.calls));
    return `≈ ${calls(effect)} more ${what} (${calls(interval[1])} to ${calls(interval[0])}) of ${formatCount(candidate.calls)}`;
  };
  switch (evidence.measure) {
    case "success_rate": {
      const { impact } = evidence;
      const day =
        impact === null || impact.day_calls === 0
          ? ""
          : `; about ${formatPercent(impact.degraded_calls / impact.day_calls)} of the day's ${formatCount(impact.day_calls)}`;
      const harm = worse("failed calls");
      return {
        meaning: "The rest ended in an error, a timeout, a rate limit, an invalid output or a refusal.",
        step: "Check the provider, then roll back",
        harm: harm === null ? null : `${harm}${day}`,
      };
    }
    case "share_within":
      return {
        meaning: `Before, 95% of calls stayed within ${formatCount(evidence.threshold_ms)} ms.`,
        step: "Check the provider, then the prompt's length",
        harm: worse("slow calls"),
      };
    case "primary_share":
      return {
        meaning:
          evidence.degraded_share === null
            ? null
            : `${formatPercent(evidence.degraded_share)} of the calls since then got a fallback model, a stale answer, a template or an error.`,
        step: "Check the primary model; users get degraded answers",
        harm: worse("answers from elsewhere"),
      };
    case "cached_prefix_share":
      return {
        meaning: `A call counts when the provider's cache gave ${evidence.cached_tokens_min === undefined ? "at least half of its input" : `about as much as before, ${formatCount(evidence.cached_tokens_min)} tokens or more`}; without it the input is paid in full and read anew.`,
        step: "Find what changes ahead of the prompt's stable part",
        harm: worse("calls without it"),
      };
    case "cost_per_call": {
      const dollars = (each: number): string => formatValue(Math.max(0, each) * candidate.calls, "usd");
      return {
        meaning: `A typical call costs ${Math.exp(evidence.log_ratio).toFixed(2)} times as much as before.`,
        step: "Check token counts and the cached share",
        harm:
          effect <= 0 || candidate.calls === 0
            ? null
            : `≈ ${dollars(effect)} more (${dollars(interval[0])} to ${dollars(interval[1])}) for ${callsText(candidate.calls)}`,
      };
    }
  }
}

function causeOf(detection: RateDetection): string | null {
  const { evidence, window } = detection;
  const version = candidateLabel(detection);
  const since = "since" in evidence ? formatTime(evidence.since, window.end) : null;
  if (!evidence.at_deploy) {
    return `No deploy: ${version} is compared with its own first weeks${since === null ? "" : `, and it began about ${since}`}. Look upstream: provider, model, inputs.`;
  }
  const deploy = deployText(detection, version);
  if (deploy === null || since === null || isSameHour(detection.version_started_at, evidence)) return deploy;
  return `${deploy} It began about ${since}.`;
}

function isSameHour(startedAt: string | null, evidence: RateDetection["evidence"]): boolean {
  if (startedAt === null || !("since" in evidence)) return false;
  return Math.abs(Date.parse(evidence.since) - Date.parse(startedAt)) < 3_600_000;
}
