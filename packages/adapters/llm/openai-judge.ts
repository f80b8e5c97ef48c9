import { randomBytes } from "node:crypto";
import { ExternalError, type Clock, type Judge, type JudgeAnswer, type JudgeRequest } from "@plumbline/ports";
import { z } from "zod";
import { answerOf, askAgain, JUDGEMENT_SCHEMA, parseJudgement, unreadable } from "./judgement.ts";
import { costOf, type JudgePrice, type Usage } from "./price.ts";
import { buildPrompt } from "./prompt.ts";
import { postJson } from "./request.ts";
import { OpenAiUsage, openAiUsage } from "./usage.ts";

interface OpenAiJudgeOptions {
  /** Up to and including the version, such as https://api.openai.com/v1. Any endpoint that speaks chat completions. */
  readonly baseUrl: string;
  /** Absent for local servers that ask for none. */
  readonly apiKey?: string;
  /** A dated model id: an alias that moves looks like a regression. */
  readonly model: string;
  readonly clock: Clock;
  /** Written on every verdict. Default: openai/<model>. */
  readonly name?: string;
  /** Longest wait for one answer, ms. Default 60,000. */
  readonly timeoutMs?: number;
  /** Default 1,500. */
  readonly outputTokensMax?: number;
  /** Absent: the cost of a verdict is null. */
  readonly price?: JudgePrice;
  /** Uniform in [0,1), for the jitter of retries. */
  readonly random?: () => number;
}

/** What an endpoint can do, learnt from its refusals, once for the life of the judge. */
interface Dialect {
  format: "json_schema" | "json_object" | "text";
  tokensField: "max_completion_tokens" | "max_tokens";
  hasTemperature: boolean;
}

const Completion = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
  usage: OpenAiUsage,
});
const Refusal = z.object({ error: z.object({ param: z.string().nullish() }) });

interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/**
 * A judge behind any OpenAI-compatible endpoint. Asks for strict JSON Schema and steps down to JSON mode and to
 * plain text where that is refused; an answer that does not parse is asked for once more, then it is `cannot_judge`.
 */
export function createOpenAiJudge(options: OpenAiJudgeOptions): Judge {
  const {
    baseUrl,
    apiKey,
    model,
    clock,
    timeoutMs = 60_000,
    outputTokensMax = 1_500,
    price = null,
  } = options;
  const random = options.random ?? Math.random;
  const url = `${baseUrl.replace(/\/+$/, "")}/chat/completions`;
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const dialect: Dialect = {
    format: "json_schema",
    tokensField: "max_completion_tokens",
    hasTemperature: true,
  };

  async function complete(
    messages: readonly Message[],
    signal: AbortSignal,
  ): Promise<z.output<typeof Completion>> {
    for (;;) {
      const asked = { ...dialect };
      const body = {
        model,
        messages,
        [asked.tokensField]: outputTokensMax,
        ...(asked.hasTemperature ? { temperature: 0 } : {}),
        ...responseFormat(asked.format),
      };
      const reply = await postJson({ url, headers, body }, { clock, timeoutMs, signal, random });
      if (reply.kind === "ok") {
        const parsed = Completion.safeParse(reply.body);
        if (parsed.success) return parsed.data;
        throw new ExternalError("external_invalid_response", "the answer is not a chat completion");
      }
      if (!stepDown(dialect, asked, reply.body)) {
        throw new ExternalError("external_invalid_response", `HTTP ${reply.status}: the request was refused`);
      }
    }
  }

  async function judge(request: JudgeRequest, { signal }: { signal: AbortSignal }): Promise<JudgeAnswer> {
    const prompt = buildPrompt(request, randomBytes(8).toString("hex"));
    const messages: Message[] = [
      { role: "system", content: prompt.system },
      { role: "user", content: prompt.user },
    ];
    const usages: (Usage | null)[] = [];
    for (let round = 0; round < 2; round++) {
      const { choices, usage } = await complete(messages, signal);
      usages.push(openAiUsage(usage));
      const { message, finish_reason } = choices[0]!;
      const cost_usd = costOf(usages, price);
      if (typeof message.refusal === "string" && message.refusal !== "") {
        return { state: "cannot_judge", reason: "the judge refused", cost_usd };
      }
      if (finish_reason === "content_filter") {
        return { state: "cannot_judge", reason: "the judge's content filter stopped the answer", cost_usd };
      }
      const content = message.content ?? "";
      const judgement = parseJudgement(content);
      if (judgement !== null) return answerOf(judgement, request.rubric, cost_usd);
      messages.push(...askAgain(content));
    }
    return unreadable(costOf(usages, price));
  }

  return { name: options.name ?? `openai/${model}`, judge };
}

function responseFormat(format: Dialect["format"]): object {
  switch (format) {
    case "json_schema":
      return {
        response_format: {
          type: "json_schema",
          json_schema: { name: "judgement", strict: true, schema: JUDGEMENT_SCHEMA },
        },
      };
    case "json_object":
      return { response_format: { type: "json_object" } };
    case "text":
      return {};
  }
}

/** Gives up what the endpoint refused. False when nothing is left, or when the request itself was at fault. */
function stepDown(dialect: Dialect, asked: Dialect, body: unknown): boolean {
  const param = Refusal.safeParse(body).data?.error.param ?? null;
  // Another judgement learnt it meanwhile.
  const hasLearnt =
    dialect.format !== asked.format ||
    dialect.tokensField !== asked.tokensField ||
    dialect.hasTemperature !== asked.hasTemperature;
  if (hasLearnt) return true;
  if (param === "temperature" && asked.hasTemperature) dialect.hasTemperature = false;
  else if (param === "max_completion_tokens" && asked.tokensField === "max_completion_tokens")
    dialect.tokensField = "max_tokens";
  else if (param !== null && !param.startsWith("response_format") && param !== "max_completion_tokens")
    return false;
  else if (asked.format === "json_schema") dialect.format = "json_object";
  else if (asked.format === "json_object") dialect.format = "text";
  // Servers older than the newer field rarely name what they refuse.
  else if (asked.tokensField === "max_completion_tokens") dialect.tokensField = "max_tokens";
  else if (asked.hasTemperature) dialect.hasTemperature = false;
  else return false;
  return true;
}
