/** The loop of every judge on a language model: an answer without a judgement is asked for once more. */
import { randomBytes } from "node:crypto";
import type { Clock, Judge, JudgeAnswer, JudgeRequest } from "@plumbline/ports";
import { answerOf, type Judgement } from "./judgement.ts";
import { costOf, type JudgePrice, type Usage } from "./price.ts";
import { buildPrompt } from "./prompt.ts";

/** Answers asked for in one judgement. */
const ROUNDS_MAX = 2;
/** Tokens of one answer. */
export const OUTPUT_TOKENS_MAX = 1_500;

export interface ModelJudgeOptions {
  readonly baseUrl: string;
  /** Absent for local servers that ask for none. */
  readonly apiKey?: string | undefined;
  /** A dated model id: an alias that moves looks like a regression. */
  readonly model: string;
  readonly clock: Clock;
  /** Longest wait for one answer, ms. Default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Absent: the cost of a verdict is null. */
  readonly price?: JudgePrice | undefined;
  /** Uniform in [0,1), for the jitter of retries. */
  readonly random?: () => number;
}

export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** One answer of the model. */
interface ModelReply {
  readonly usage: Usage | null;
  /** Reason why there is no answer, such as `the judge refused`; null when there is one. */
  readonly refused: string | null;
  readonly text: string;
  readonly judgement: Judgement | null;
}

type AskModel = (system: string, turns: readonly Turn[], signal: AbortSignal) => Promise<ModelReply>;

/** @param name written on every verdict, such as openai/gpt-5-mini-2026-08 */
export function createModelJudge(name: string, ask: AskModel, price: JudgePrice | null = null): Judge {
  async function judge(request: JudgeRequest, { signal }: { signal: AbortSignal }): Promise<JudgeAnswer> {
    const { system, user } = buildPrompt(request, randomBytes(8).toString("hex"));
    const turns: Turn[] = [{ role: "user", content: user }];
    const usages: (Usage | null)[] = [];
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { usage, refused, text, judgement } = await ask(system, turns, signal);
      usages.push(usage);
      const cost_usd = costOf(usages, price);
      if (refused !== null) return { state: "cannot_judge", reason: refused, cost_usd };
      if (judgement !== null) return answerOf(judgement, request.rubric, cost_usd);
      turns.push(
        { role: "assistant", content: text === "" ? "(nothing)" : text },
        {
          role: "user",
          content: "That is not the object. Return only the JSON object, complete and shorter.",
        },
      );
    }
    const reason = "the judge's answer did not parse";
    return { state: "cannot_judge", reason, cost_usd: costOf(usages, price) };
  }

  return { name, judge };
}
