/** One call, judged once by one rubric: a terminal verdict, or the reason to try again. */
import {
  ExternalError,
  type Clock,
  type Judge,
  type JudgeAnswer,
  type PendingCall,
  type Rubric,
} from "@plumbline/ports";
import { clip, inputFingerprint } from "@plumbline/features";
import type { Verdict } from "@plumbline/schemas";

/** As the verdict's schema has it. */
const REASON_CHARS_MAX = 2000;

type Outcome =
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  /** The judge is not to be reached, whichever call is asked: everything waits. */
  | { readonly kind: "unreachable"; readonly error: ExternalError; readonly isCallsFault: boolean }
  /** We are stopping. */
  | { readonly kind: "stopped" };

export async function judgeCall(
  call: PendingCall,
  rubric: Rubric,
  deps: {
    readonly judge: Judge;
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  },
): Promise<Outcome> {
  const { judge, clock, timeoutMs, signal } = deps;
  const { input, output } = call;
  if (input === null || output === null) throw new RangeError(`judgeCall: ${call.call_id} has no text`);
  const started = clock.monotonic();
  const verdictOf = (fields: Partial<Verdict> & Pick<Verdict, "state" | "reason">): Outcome => ({
    kind: "verdict",
    verdict: makeVerdict(call, rubric, judge.name, clock.now(), {
      ...fields,
      latency_ms: clock.monotonic() - started,
    }),
  });

  const abort = new AbortController();
  const stop = (): void => abort.abort();
  signal.addEventListener("abort", stop);
  try {
    const answer = await Promise.race([
      judge.judge({ rubric, input, output }, { signal: abort.signal }),
      clock.sleep(timeoutMs, abort.signal).then(() => "too_late" as const),
    ]);
    if (signal.aborted) return { kind: "stopped" };
    if (answer === "too_late") {
      const error = new ExternalError(
        "external_unavailable",
        `the judge did not answer within ${timeoutMs} ms`,
      );
      return { kind: "unreachable", error, isCallsFault: true };
    }
    const contradiction = contradictionIn(answer, rubric);
    if (contradiction !== null)
      return verdictOf({ state: "failed", cause: "unreadable", reason: contradiction });
    return verdictOf(answer);
  } catch (error) {
    if (signal.aborted) return { kind: "stopped" };
    if (!(error instanceof ExternalError)) throw error;
    // A refused key or a full quota says nothing about this call; a timeout may be due to its text.
    if (error.code === "external_rate_limited" || error.code === "external_refused") {
      return { kind: "unreachable", error, isCallsFault: false };
    }
    if (error.retryable) return { kind: "unreachable", error, isCallsFault: true };
    return verdictOf({
      state: "failed",
      cause: "request_refused",
      reason: `the judge failed: ${error.message}`,
    });
  } finally {
    signal.removeEventListener("abort", stop);
    // Ends the timer. With a reason, because without one each abort makes an exception with a stack.
    abort.abort("settled");
  }
}

/** What tells the attempts at one call on one rubric from those at others. */
export function attemptKey(call: PendingCall, rubric: Rubric): string {
  return `${rubric.hash}:${call.call_id}`;
}

/** A verdict with everything that is copied from the call; without a score unless `fields` brings one. */
export function makeVerdict(
  call: PendingCall,
  rubric: Rubric,
  judge: string,
  now: number,
  fields: Partial<Verdict> & Pick<Verdict, "state" | "reason">,
): Verdict {
  return {
    call_id: call.call_id,
    tenant: call.tenant,
    env: call.env,
    use_case: call.use_case,
    prompt_version: call.prompt_version,
    model: call.model,
    conversation_id: call.conversation_id,
    started_at: call.started_at,
    criterion: rubric.name,
    is_guardrail: rubric.is_guardrail,
    ...(rubric.protects === undefined ? {} : { protects: rubric.protects }),
    rubric_hash: rubric.hash,
    judge,
    label: null,
    score: null,
    failure_type: null,
    judged_at: new Date(now).toISOString(),
    latency_ms: 0,
    cost_usd: null,
    slices: [...call.slices],
    sample_rate: call.sample_rate,
    ...(call.input === null ? {} : { input_fingerprint: inputFingerprint(call.use_case, call.input) }),
    ...fields,
    reason: clip(fields.reason, REASON_CHARS_MAX),
  };
}

/** Why an answer can't be believed, or null. A judge is somebody else's program. */
function contradictionIn(answer: JudgeAnswer, rubric: Rubric): string | null {
  const { cost_usd } = answer;
  if (cost_usd !== null && !(cost_usd >= 0 && Number.isFinite(cost_usd))) {
    return "the judge's answer has an impossible cost";
  }
  if (answer.state === "cannot_judge") return null;
  if (!(answer.score >= 0 && answer.score <= 1)) return "the judge's score is outside of 0 to 1";
  if ((answer.label === "pass") !== answer.score >= rubric.pass_if) {
    return "the judge's label contradicts its score";
  }
  return null;
}
