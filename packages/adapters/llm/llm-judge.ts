import { randomBytes } from "node:crypto";
import type { Clock, Judge, JudgeAnswer, JudgeRequest } from "@plumbline/ports";
import type { Truncated } from "@plumbline/schemas";
import {
  bestDialect,
  bodyOf,
  type Dialect,
  learn,
  namedFeature,
  type Question,
  simplerDialects,
  stepDown,
} from "./dialect.ts";
import { answerOf, askAgain, parseJudgement, readJudgement } from "./judgement.ts";
import { costOf, isFree, type PriceOf, type Usage } from "./price.ts";
import { buildPrompt } from "./prompt.ts";
import { createProvider, KNOWN_QUESTION } from "./provider.ts";
import type { Reply } from "./request.ts";
import { type Refused, subjectOf, type WireAnswer } from "./wire.ts";

export interface LlmJudgeOptions {
  /** `anthropic`: the messages endpoint; `openai`: any endpoint that speaks chat completions. */
  readonly style: "openai" | "anthropic";
  /** For openai up to and including the version, such as https://api.openai.com/v1; for anthropic without it. */
  readonly baseUrl: string;
  /** Absent for local servers that ask for none. */
  readonly apiKey?: string | undefined;
  /** A dated model id: an alias that moves looks like a regression. */
  readonly model: string;
  readonly clock: Clock;
  /** Written on every verdict. Default: <style>/<model>. */
  readonly name?: string;
  /** Longest wait for one answer, ms. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Of the first question; one that was cut is asked again with twice as many. Default 1,500. */
  readonly outputTokensMax?: number | undefined;
  /** Of each text that is judged, characters that are shown: head and tail. Default 40,000. */
  readonly textCharsMax?: number | undefined;
  /** Share of a text that may be left out; beyond it the call is `cannot_judge`. Default 0.5. */
  readonly cutShareMax?: number | undefined;
  /** Absent: the cost of a verdict is null. */
  readonly priceOf?: PriceOf | undefined;
  /** Uniform in [0,1), for the jitter of retries. */
  readonly random?: () => number;
}

/** Requests that find out what an endpoint takes: each feature alone, and all of them. */
const TRIALS_MAX = 12;

/**
 * A judge behind a model. Asks for strict JSON Schema, in temperature 0 and with a limit, and gives up only what the
 * endpoint is found to refuse. An answer that holds no judgement, or was cut, is asked for once more; then it is
 * `cannot_judge`.
 */
export function createLlmJudge(options: LlmJudgeOptions): Judge {
  const { style, model, clock, timeoutMs = 60_000, priceOf = () => null } = options;
  const { outputTokensMax = 1_500, textCharsMax = 40_000, cutShareMax = 0.5 } = options;
  const provider = createProvider({ ...options, timeoutMs });
  let dialect: Dialect = bestDialect(style);

  /** Asks until an endpoint takes it; what was given up in vain is not given up. */
  async function search(
    question: Question,
    isKnown: boolean,
    signal: AbortSignal,
  ): Promise<
    | { readonly kind: "answer"; readonly answer: WireAnswer; readonly by: Dialect }
    | { readonly kind: "refused"; readonly first: Refused }
  > {
    const asked = dialect;
    let trial = asked;
    let first: Refused | null = null;
    let queue: readonly Dialect[] | null = null;
    for (let trials = 0; trials < TRIALS_MAX; trials++) {
      const reply: Reply = await provider.post(bodyOf(style, question, trial), signal);
      if (reply.kind === "answer") {
        dialect = learn(dialect, asked, trial);
        return { kind: "answer", answer: reply.answer, by: trial };
      }
      first ??= reply;
      const subject = subjectOf(reply);
      if (subject === "content" || subject === "length" || reply.status === 401) break;
      const named = namedFeature(reply);
      const simpler = named === null ? null : stepDown(style, trial, named);
      if (simpler !== null) {
        trial = simpler;
        continue;
      }
      // A request that any model answers is refused for what it asks for; another one perhaps for its text.
      if (named === null && queue === null && (isKnown || subject === "parameter"))
        queue = simplerDialects(style, trial);
      const [next, ...rest]: readonly Dialect[] = queue ?? [];
      if (next === undefined) break;
      trial = next;
      queue = rest;
    }
    return { kind: "refused", first: first! };
  }

  async function ask(question: Question, signal: AbortSignal): Promise<WireAnswer> {
    const sentAt = provider.now();
    const before = dialect;
    const found = await search(question, false, signal);
    if (found.kind === "answer") return found.answer;
    const refused = found.first;
    const subject = subjectOf(refused);
    if (subject === "content") return { text: "", ended: "filtered", refusal: refused.sentence, usage: null };
    if (subject === "request") {
      const known: Question = { ...question, turns: [{ role: "user", content: KNOWN_QUESTION }] };
      const probe = await search(known, true, signal);
      // The endpoint takes less than it was asked for: the text was not the matter.
      if (probe.kind === "answer" && dialect !== before && probe.by !== before) {
        const again = await search(question, false, signal);
        if (again.kind === "answer") return again.answer;
      }
    }
    const plain: Question = {
      model,
      system: "Answer briefly.",
      turns: [{ role: "user", content: KNOWN_QUESTION }],
      outputTokensMax,
    };
    throw await provider.meaningOf(refused, sentAt, bodyOf(style, plain, dialect), signal);
  }

  async function judge(request: JudgeRequest, { signal }: { signal: AbortSignal }): Promise<JudgeAnswer> {
    const prompt = buildPrompt(request, { tag: randomBytes(8).toString("hex"), textCharsMax });
    const { truncated } = prompt;
    const withCut = (answer: JudgeAnswer): JudgeAnswer =>
      truncated === null ? answer : { ...answer, truncated };
    if (truncated !== null && cutShareOf(truncated) > cutShareMax) {
      const reason = `the text is too long: ${cutWords(truncated)}`;
      return withCut({ state: "cannot_judge", cause: "text_too_long", reason, cost_usd: 0 });
    }
    const turns: Question["turns"][number][] = [{ role: "user", content: prompt.user }];
    const usages: (Usage | null)[] = [];
    let budget = outputTokensMax;
    let wasCut = false;
    for (let round = 0; round < 2; round++) {
      const question = { model, system: prompt.system, turns, outputTokensMax: budget };
      const answer = await ask(question, signal);
      usages.push(answer.usage);
      const cost_usd = costOf(usages, priceOf, new Date(clock.now()));
      if (answer.ended === "refused" || answer.ended === "filtered")
        return withCut(refusalOf(answer, cost_usd));
      const judgement = answer.tool === undefined ? parseJudgement(answer.text) : readJudgement(answer.tool);
      if (judgement !== null) return withCut(answerOf(judgement, request.rubric, cost_usd));
      wasCut = answer.ended === "length";
      // An answer that was cut needs room, not another question.
      if (wasCut) budget = 2 * outputTokensMax;
      else turns.push(...askAgain(answer.text.trimEnd()));
    }
    const cost_usd = costOf(usages, priceOf, new Date(clock.now()));
    return withCut(unreadAnswer(wasCut ? budget : null, cost_usd));
  }

  return {
    name: options.name ?? `${style}/${model}`,
    isFree: isFree(priceOf, new Date(clock.now())),
    judge,
  };
}

/** @param cutAfter output tokens after which it was cut; null when it was whole */
function unreadAnswer(cutAfter: number | null, cost_usd: number | null): JudgeAnswer {
  if (cutAfter === null) {
    const reason = "the judge's answer did not parse";
    return { state: "cannot_judge", cause: "unreadable", reason, cost_usd };
  }
  const reason = `the judge's answer was cut after ${cutAfter} output tokens`;
  return { state: "cannot_judge", cause: "answer_cut", reason, cost_usd };
}

function refusalOf({ ended, refusal }: WireAnswer, cost_usd: number | null): JudgeAnswer {
  const said = refusal === undefined ? "" : `: ${refusal}`;
  return ended === "refused"
    ? { state: "cannot_judge", cause: "refused", reason: `the judge refused${said}`, cost_usd }
    : {
        state: "cannot_judge",
        cause: "filtered",
        reason: `the judge's content filter stopped the answer${said}`,
        cost_usd,
      };
}

function cutShareOf(shown: Truncated): number {
  const shareOf = (chars: number, judged: number): number => (chars === 0 ? 0 : 1 - judged / chars);
  return Math.max(
    shareOf(shown.input_chars, shown.input_judged_chars),
    shareOf(shown.output_chars, shown.output_judged_chars),
  );
}

function cutWords(shown: Truncated): string {
  return `${shown.input_judged_chars} of ${shown.input_chars} characters of the input and ${shown.output_judged_chars} of ${shown.output_chars} of the output could be judged`;
}
