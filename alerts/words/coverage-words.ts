/** Words of coverage, by what is missing. */
import {
  type CoverageDetection,
  type CoverageEvidence,
  MINUTE_MS,
  USE_CASES_A_DAY_MAX,
  type VERDICT_CAUSES,
  VERSIONS_A_DAY_MAX,
} from "@plumbline/schemas";
import type { MeasureWords } from "./words.ts";
import {
  callsText,
  formatCount,
  formatDuration,
  formatPercent,
  formatTime,
  formatWindow,
} from "./quantity.ts";
import { sentenceCase } from "./text.ts";

/** Places of lost records that a message names. */
const PLACES_MAX = 3;

export function coverageWords(detection: CoverageDetection): MeasureWords {
  const own = ownWords(detection);
  return {
    ...own,
    sentence: own.title,
    // A count is exact and needs no interval.
    size: `${sentenceCase(own.size)}.`,
    meaning: null,
    harm: null,
    counted: "calls",
    isMeasuredAgain: false,
  };
}

interface OwnWords extends Pick<MeasureWords, "title" | "cause" | "step" | "over"> {
  /** Without its full stop. */
  readonly size: string;
}

const UNKNOWN = "Quality is unknown while calls are not judged: no data is not good data.";
const RESTORE = "Restore judging; quality is unknown until then";

function ownWords({ evidence, window }: CoverageDetection): OwnWords {
  const when = formatWindow(window, window.end);
  switch (evidence.measure) {
    case "judged_share":
      return {
        title: `${formatCount(evidence.unjudged)} of ${formatCount(evidence.sampled)} selected calls wait for a verdict`,
        size: `${statesText(evidence)}${
          evidence.oldest_unjudged_at === null
            ? ""
            : `, the oldest since ${formatTime(evidence.oldest_unjudged_at, window.end)}`
        }, ${when}`,
        cause: UNKNOWN,
        step: RESTORE,
        over: "calls are judged again",
      };
    case "scored_share":
      return {
        title: `the judge scores ${evidence.scored === 0 ? "nothing" : `only ${formatCount(evidence.scored)}`} of ${formatCount(evidence.sampled)} selected calls`,
        size: `${statesText(evidence)}, ${when}`,
        cause: `${evidence.commonest_cause === undefined ? "" : `Most often ${WHY[evidence.commonest_cause]}. `}${UNKNOWN}`,
        step: RESTORE,
        over: "calls are scored again",
      };
    case "verdict_count":
      return {
        title: `the states of ${formatCount(evidence.sampled)} selected calls do not add up`,
        size: `${statesText(evidence)}, ${when}`,
        cause: "A verdict was lost or counted twice: every selected call ends in exactly one state.",
        step: "Compare the judge's verdicts with the store: plumbline doctor",
        over: "the counts add up again",
      };
    case "sampled_calls":
      return {
        title: `none of ${callsText(evidence.calls)} was selected for judging`,
        size: `${formatCount(evidence.sampled)} selected of ${callsText(evidence.calls)}, ${when}`,
        cause: UNKNOWN,
        step: "Check the sampling rate of the writer; quality is unknown until then",
        over: "calls are selected again",
      };
    case "traffic":
      return {
        title: `no calls for ${formatDuration(evidence.silent_minutes * MINUTE_MS)}, where about ${formatCount(evidence.usual_calls)} are usual`,
        size: `last call ${formatTime(evidence.last_call_at, window.end)}`,
        cause:
          "The application, its emitter or the collector stopped; nobody knows how good its answers are.",
        step: "Check the application and its emitter: plumbline doctor",
        over: "calls arrive again",
      };
    case "known_versions": {
      const share = evidence.calls === 0 ? 0 : evidence.overflowing / evidence.calls;
      return {
        title: `${formatPercent(share)} of calls have a prompt version beyond the ${VERSIONS_A_DAY_MAX} of the day`,
        size: `carried by ${formatCount(evidence.overflowing)} of ${callsText(evidence.calls)}, ${when}`,
        cause: `${whoText(evidence.apps)} sends more than ${VERSIONS_A_DAY_MAX} prompt versions a day, such as the hash of the rendered prompt; the rest is not told apart.`,
        step: "Send the version of the prompt's template, not a hash of the rendered prompt",
        over: "versions are told apart again",
      };
    }
    case "known_use_cases": {
      return {
        title: `${callsText(evidence.calls)} have a use case beyond the ${formatCount(USE_CASES_A_DAY_MAX)} of the day`,
        size: `${callsText(evidence.calls)}, ${when}`,
        cause: `${whoText(evidence.apps)} sends more than ${formatCount(USE_CASES_A_DAY_MAX)} use cases a day, such as one with an id in its name; nothing is measured of the rest.`,
        step: "Send the name of the feature as use_case, and ids as attributes or conversation_id",
        over: "use cases are told apart again",
      };
    }
    case "job_runs": {
      const [first] = evidence.jobs;
      return {
        title: `not watched by ${evidence.jobs.map(({ job }) => `job ${job}`).join(", ") || "the monitor"}`,
        size:
          first?.last_success_at == null
            ? "no success yet"
            : `last success ${formatTime(first.last_success_at, window.end)}`,
        cause: `The monitor could not look: ${first?.error ?? "a job has not run"}. What is not looked at is not known to be good.`,
        step: "Read the monitor's log and the store's; nothing is watched until then",
        over: "it is looked at again",
      };
    }
    case "stored_share":
      return {
        title: `${formatCount(evidence.lost_records)} records are in no table`,
        size: `${formatCount(evidence.lost_records)} records lost${placesText(evidence)}, ${when}`,
        cause: "The writer went past them and does not come back; this says nothing about quality.",
        step: "Look for what the writer went past: plumbline doctor",
        over: "every record is stored again",
      };
  }
}

const WHY: Readonly<Record<(typeof VERDICT_CAUSES)[number], string>> = {
  undecided: "the judge could not tell",
  no_evidence: "the judge gave a label without evidence",
  contradiction: "the judge's label contradicted its evidence",
  unreadable: "the judge's answer did not parse",
  answer_cut: "the judge spent its output tokens before it answered (PLUMBLINE_JUDGE_OUTPUT_TOKENS)",
  refused: "the judge refused to answer",
  filtered: "the provider's content filter stopped the judge",
  text_too_long: "the texts were too long to be judged (PLUMBLINE_JUDGE_TEXT_CHARS)",
  not_captured: "the texts were not captured",
  texts_expired: "the texts had expired",
  texts_missing: "the texts were not stored",
  criterion: "the judge can't judge this criterion",
  no_answer: "the judge did not answer",
  request_refused: "the provider refused the request",
  waited_too_long: "the call waited too long for the judge",
  budget: "the budget was used up",
};

function whoText(apps: readonly string[]): string {
  return apps.length === 0 ? "An application" : `App ${apps.join(", ")}`;
}

type States = Extract<CoverageEvidence, { readonly unjudged: number }>;

/** `100 selected: 60 scored, 40 waiting`; states without a call are left out. */
function statesText(states: States): string {
  const named = [
    [states.scored, "scored"],
    [states.cannot_judge, "cannot be judged"],
    [states.failed, "failed"],
    [states.expired, "expired"],
    [states.over_budget, "over budget"],
    [states.unjudged, "waiting"],
  ] as const;
  const parts = named.flatMap(([n, name]) => (n === 0 ? [] : [`${formatCount(n)} ${name}`]));
  return `${formatCount(states.sampled)} selected${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
}

function placesText({ partitions }: Extract<CoverageEvidence, { measure: "stored_share" }>): string {
  const places = partitions
    .slice(0, PLACES_MAX)
    .map((each) => `partition ${each.log_partition}, offsets ${each.first_offset} to ${each.last_offset}`);
  return places.length === 0 ? "" : ` (${places.join("; ")})`;
}
