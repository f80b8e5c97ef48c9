/** A judge of the product as the replay asks it: with the service's decision code, but somebody waits for the answer. */
import { counted } from "@plumbline/schemas";
import { ExternalError, type Clock, type Judge, type Rubric } from "@plumbline/ports";
import type { Verdict } from "@plumbline/schemas";
import { Budget } from "../../judge/budget.ts";
import type { JudgeConfig } from "../../judge/config.ts";
import { judgeCall, makeVerdict } from "../../judge/judge-call.ts";
import type { Decider } from "./judge-pass.ts";

/** Attempts of one call while the judge answers others, or never answered. Each is several tries of its adapter. */
const OWN_ATTEMPTS_MAX = 3;
/** First pause after an attempt without an answer, ms; doubles. */
const PAUSE_MS = 1_000;
/** Longest pause that the provider did not ask for, ms. */
const PAUSE_MS_MAX = 10_000;
/** Longest pause that a provider may ask for, ms: beyond it the quota is used up, and nobody waits for that at a terminal. */
const PAUSE_ASKED_MS_MAX = 120_000;
/** Calls that end without an answer, one after the other with none between: the judge is gone and not the calls at fault. */
const UNANSWERED_MAX = 3;
/** Answers that are none, before the first judgement: the address or the model is wrong. */
const FIRST_FAILED_MAX = 20;

/**
 * Real time for its waits and its budget, the replay's for its verdicts.
 *
 * A call that is not answered while others are ends as failed, as in production. Where production would wait for the
 * judge to come back, this gives up with an error: half a replay would read as a quiet one.
 *
 * @param options.config budget, timeout, attempts and concurrency, as the judge service reads them
 * @returns a decider that throws ExternalError when the judge refuses the key, is not to be reached, or never judges
 */
export function createJudgeDecider(
  judge: Judge,
  options: {
    readonly rubrics: readonly Rubric[];
    readonly clock: Clock;
    readonly realClock: Clock;
    readonly config: JudgeConfig;
  },
): Decider {
  const { rubrics, clock, realClock, config } = options;
  // Money is spent now, whatever the date of the calls.
  const budget = new Budget({
    usdPerDay: config.PLUMBLINE_JUDGE_USD_PER_DAY,
    callsPerHour: config.PLUMBLINE_JUDGE_CALLS_PER_HOUR,
    isFree: judge.isFree,
  });
  const timeoutMs = config.PLUMBLINE_JUDGE_TIMEOUT_MS;
  const attemptsMax = config.PLUMBLINE_JUDGE_ATTEMPTS_MAX;
  const ownAttemptsMax = Math.min(OWN_ATTEMPTS_MAX, attemptsMax);
  const judgeClock: Clock = {
    now: () => clock.now(),
    monotonic: () => realClock.monotonic(),
    sleep: (ms, abort) => realClock.sleep(ms, abort),
  };

  /** Of all calls: replies of the provider, of whatever worth. */
  let answers = 0;
  let unanswered = 0;
  let hasJudged = false;
  let firstFailed = 0;

  const gaveUp = (what: string, { code, message }: ExternalError): ExternalError =>
    new ExternalError(
      code === "external_refused" ? "external_refused" : "external_unavailable",
      `the judge ${judge.name} ${what}: ${message}. Nothing is reported`,
    );

  function keep(verdict: Verdict): Verdict {
    answers++;
    unanswered = 0;
    hasJudged ||= verdict.state !== "failed";
    if (!hasJudged && ++firstFailed >= FIRST_FAILED_MAX) {
      const cause = new ExternalError("external_invalid_response", verdict.reason);
      throw gaveUp(`judged none of the first ${counted(firstFailed, "call")}`, cause);
    }
    return verdict;
  }

  return {
    name: judge.name,
    rubrics,
    concurrency: config.PLUMBLINE_JUDGE_CONCURRENCY,
    async decide(call, rubric, signal) {
      const decided = (state: Verdict["state"], reason: string): Verdict =>
        makeVerdict(call, rubric, judge.name, clock.now(), { state, reason });
      if (call.input === null || call.output === null)
        return decided("cannot_judge", "the file has no text for it");
      let answersBefore = answers;
      for (let attempt = 1; ; attempt++) {
        if (signal.aborted) throw stopped();
        // Known when the attempt begins: what came back during it deserves another one.
        const answersOthers = answers > answersBefore;
        const spent = budget.reserve(realClock.now());
        if (spent !== null) return decided("over_budget", spent);
        const outcome = await judgeCall(call, rubric, { judge, clock: judgeClock, timeoutMs, signal });
        // What was asked and not answered may have been paid for; nobody knows.
        budget.settle(outcome.kind === "verdict" ? outcome.verdict.cost_usd : null, realClock.now());
        if (outcome.kind === "verdict") return keep(outcome.verdict);
        if (outcome.kind === "stopped") throw stopped();
        const { error, isCallsFault } = outcome;
        if (error.code === "external_refused") throw gaveUp("refused", error);

        if (answersOthers && !isCallsFault) {
          // Slow because it is limited, not gone.
          attempt = 0;
          answersBefore = answers;
        }
        if (attempt >= (answersOthers || answers === 0 ? ownAttemptsMax : attemptsMax)) {
          const isGone = !isCallsFault || (!answersOthers && ++unanswered >= UNANSWERED_MAX);
          if (isGone) throw gaveUp("does not answer", error);
          return decided(
            "failed",
            `the judge did not answer in ${counted(attempt, "attempt")}: ${error.message}`,
          );
        }
        const { retryAfterMs } = error;
        if (retryAfterMs !== null && retryAfterMs > PAUSE_ASKED_MS_MAX)
          throw gaveUp(`asks for a pause of ${Math.ceil(retryAfterMs / 1_000)} s`, error);
        const pause = Math.min(PAUSE_MS * 2 ** Math.max(0, attempt - 1), PAUSE_MS_MAX);
        await realClock.sleep(retryAfterMs ?? pause, signal);
      }
    },
  };
}

function stopped(): ExternalError {
  return new ExternalError("external_unavailable", "stopped");
}
