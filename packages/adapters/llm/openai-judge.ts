import { ExternalError, type Judge } from "@plumbline/ports";
import { z } from "zod";
import { JUDGEMENT_SCHEMA, parseJudgement } from "./judgement.ts";
import { createModelJudge, type ModelJudgeOptions, OUTPUT_TOKENS_MAX } from "./model-judge.ts";
import { postJson } from "./request.ts";
import { OpenAiUsage, openAiUsage } from "./usage.ts";

/** The abilities of an endpoint, learnt from its refusals, once for the life of the judge. */
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

/**
 * A judge behind any endpoint that speaks chat completions. Asks for strict JSON Schema and steps down to JSON mode and to
 * plain text where that is refused.
 *
 * @param options `baseUrl` up to and including the version, such as https://api.openai.com/v1
 */
export function createOpenAiJudge(options: ModelJudgeOptions): Judge {
  const { baseUrl, apiKey, model, clock, timeoutMs = 60_000, random = Math.random } = options;
  const url = `${baseUrl.replace(/\/+$/, "")}/chat/completions`;
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  const dialect: Dialect = {
    format: "json_schema",
    tokensField: "max_completion_tokens",
    hasTemperature: true,
  };

  async function complete(
    messages: readonly object[],
    signal: AbortSignal,
  ): Promise<z.output<typeof Completion>> {
    for (;;) {
      const asked = { ...dialect };
      const body = {
        model,
        messages,
        [asked.tokensField]: OUTPUT_TOKENS_MAX,
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

  return createModelJudge(
    `openai/${model}`,
    async (system, turns, signal) => {
      const { choices, usage } = await complete([{ role: "system", content: system }, ...turns], signal);
      const { message, finish_reason } = choices[0]!;
      const text = message.content ?? "";
      return {
        usage: openAiUsage(usage),
        refused: refusalOf(message, finish_reason),
        text,
        judgement: parseJudgement(text),
      };
    },
    options.price,
  );
}

function refusalOf(
  { refusal }: { readonly refusal?: string | null | undefined },
  finishReason: string | null | undefined,
): string | null {
  if (typeof refusal === "string" && refusal !== "") return "the judge refused";
  return finishReason === "content_filter" ? "the judge's content filter stopped the answer" : null;
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
