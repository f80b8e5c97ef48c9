/** Words of coverage, by what is missing. */
import {
  clip,
  type CoverageDetection,
  type CoverageEvidence,
  MINUTE_MS,
  USE_CASES_A_DAY_MAX,
  type VERDICT_CAUSES,
  VERSIONS_A_DAY_MAX,
} from "@plumbline/schemas";
import { callsText, formatCount, formatDuration, formatMoment, formatPercent } from "./quantity.ts";
import { footnote, since, steps, unknown } from "./sentences.ts";
import type { MeasureWords } from "./words.ts";

/** Places of lost records, and jobs, that a message names. */
const NAMED_MAX = 3;

export function coverageWords(detection: CoverageDetection, zone: string): MeasureWords {
  const { candidate } = detection;
  return {
    ...ownWords(detection, zone),
    whom: null,
    offersRollback: false,
    affected: null,
    // A count is exact and needs no interval.
    footnote: candidate.calls > 0 ? [footnote.counted(callsText(candidate.calls))] : [],
    counted: "calls",
    isMeasuredAgain: false,
  };
}

/** What each job of the monitor does. */
const JOBS: Readonly<Record<string, string>> = {
  quality: "compare versions by judged answers",
  coverage: "look for answers that nobody judged",
  ingest: "look for records that were not stored",
  canary: "compare versions that serve side by side",
  measures: "look at failures, speed, cost, inputs and answers",
};
const ERROR_LENGTH_MAX = 200;

type OwnWords = Pick<MeasureWords, "headline" | "worse" | "since" | "changed" | "step" | "over">;

function ownWords({ evidence, window }: CoverageDetection, zone: string): OwnWords {
  const at = (iso: string): string => formatMoment(iso, zone);
  switch (evidence.measure) {
    case "judged_share":
      return {
        headline: unknown.waiting(formatCount(evidence.unjudged), formatCount(evidence.sampled)),
        worse: [unknown.qualityUnknown],
        since: evidence.oldest_unjudged_at === null ? null : unknown.oldest(at(evidence.oldest_unjudged_at)),
        changed: statesOf(evidence),
        step: steps.restoreJudging,
        over: "calls are judged again",
      };
    case "scored_share":
      return {
        headline: unknown.unscored(
          evidence.scored === 0 ? "none" : `only ${formatCount(evidence.scored)}`,
          formatCount(evidence.sampled),
        ),
        worse: [unknown.qualityUnknown],
        since: null,
        changed: [
          ...statesOf(evidence),
          ...(evidence.commonest_cause === undefined
            ? []
            : [unknown.mostOften(WHY[evidence.commonest_cause])]),
        ],
        step: steps.restoreJudging,
        over: "calls are scored again",
      };
    case "verdict_count":
      return {
        headline: unknown.notAddingUp(formatCount(evidence.sampled)),
        worse: [unknown.lostVerdict],
        since: null,
        changed: statesOf(evidence),
        step: steps.doctorVerdicts,
        over: "the counts add up again",
      };
    case "sampled_calls":
      return {
        headline: unknown.noneSelected(callsText(evidence.calls)),
        worse: [unknown.qualityUnknown],
        since: null,
        changed: [],
        step: steps.checkSampling,
        over: "calls are picked again",
      };
    case "traffic":
      return {
        headline: unknown.silent(
          formatDuration(evidence.silent_minutes * MINUTE_MS),
          formatCount(evidence.usual_calls),
        ),
        worse: [unknown.silence, ...clockOf(evidence)],
        since: unknown.lastCall(at(evidence.last_call_at)),
        changed: [unknown.stopped],
        step: steps.doctorTraffic,
        over: "calls arrive again",
      };
    case "known_versions":
      return {
        headline: unknown.manyVersions(
          formatPercent(evidence.calls === 0 ? 0 : evidence.overflowing / evidence.calls),
          formatCount(VERSIONS_A_DAY_MAX),
        ),
        worse: [unknown.carriedBy(formatCount(evidence.overflowing), callsText(evidence.calls))],
        since: null,
        changed: [unknown.sentBy(whoText(evidence.apps), unknown.versionsWithoutEnd)],
        step: steps.sendTemplateVersion,
        over: "versions are told apart again",
      };
    case "known_use_cases":
      return {
        headline: unknown.manyUseCases(callsText(evidence.calls), formatCount(USE_CASES_A_DAY_MAX)),
        worse: [unknown.nothingMeasured],
        since: null,
        changed: [unknown.sentBy(whoText(evidence.apps), unknown.useCasesWithoutEnd)],
        step: steps.sendFeatureName,
        over: "use cases are told apart again",
      };
    case "job_runs": {
      const [first] = evidence.jobs;
      const jobs = evidence.jobs.slice(0, NAMED_MAX).map(({ job }) => JOBS[job] ?? job);
      return {
        headline: unknown.notWatched,
        worse: jobs.length === 0 ? [] : [unknown.jobs(jobs.join("; "))],
        since:
          first?.last_success_at == null
            ? unknown.neverSucceeded
            : unknown.lastSuccess(at(first.last_success_at)),
        changed:
          first === undefined || first.error === ""
            ? []
            : [unknown.error(clip(first.error, ERROR_LENGTH_MAX))],
        step: steps.readMonitorLog,
        over: "it is looked at again",
      };
    }
    case "stored_share":
      return {
        headline: unknown.notStored(formatCount(evidence.lost_records)),
        worse: [unknown.writerWentPast],
        since: since.window(at(window.start), at(window.end)),
        changed: placesOf(evidence),
        step: steps.doctorStore,
        over: "every record is stored again",
      };
  }
}

const WHY: Readonly<Record<(typeof VERDICT_CAUSES)[number], string>> = {
  undecided: "the judge could not tell",
  no_evidence: "the judge gave a label without evidence",
  contradiction: "the judge's label contradicted its evidence",
  unreadable: "the judge's answer did not parse",
  answer_cut: "the judge spent its output tokens before it answered",
  refused: "the judge refused to answer",
  filtered: "the provider's content filter stopped the judge",
  text_too_long: "the texts were too long to be judged",
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
  return apps.length === 0 ? "An application" : `The application ${apps.join(", ")}`;
}

type States = Extract<CoverageEvidence, { readonly unjudged: number }>;

/** `Of them 60 scored, 40 waiting.`; states without a call are left out. */
function statesOf(states: States): readonly string[] {
  const named = [
    [states.scored, "are scored"],
    [states.cannot_judge, "cannot be judged"],
    [states.failed, "failed"],
    [states.expired, "waited too long"],
    [states.over_budget, "were over the budget"],
    [states.unjudged, "wait"],
  ] as const;
  const parts = named.flatMap(([n, name]) => (n === 0 ? [] : [`${formatCount(n)} ${name}`]));
  return parts.length === 0 ? [] : [unknown.states(parts.join(", "))];
}

function placesOf({ partitions }: Extract<CoverageEvidence, { measure: "stored_share" }>): readonly string[] {
  const places = partitions
    .slice(0, NAMED_MAX)
    .map((each) => `partition ${each.log_partition}, offsets ${each.first_offset} to ${each.last_offset}`);
  return places.length === 0 ? [] : [unknown.places(places.join("; "))];
}

/** By whose clock the hours of a silence are usual. Nothing in the first week, and in incidents of before it was said. */
function clockOf({
  time_zone,
  time_zone_source,
}: Extract<CoverageEvidence, { readonly measure: "traffic" }>): readonly string[] {
  if (time_zone === undefined || time_zone_source === undefined) return [];
  return [unknown.usualHours[time_zone_source](time_zone)];
}
