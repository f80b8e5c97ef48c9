import { ExternalError, type Judge } from "@plumbline/ports";
import { z } from "zod";
import { JUDGEMENT_SCHEMA, parseJudgement, readJudgement } from "./judgement.ts";
import { createModelJudge, type ModelJudgeOptions, OUTPUT_TOKENS_MAX, type Turn } from "./model-judge.ts";
import { postJson } from "./request.ts";
import { AnthropicUsage, anthropicUsage } from "./usage.ts";

const API_VERSION = "2023-06-01";
const TOOL = "return_judgement";

const Message = z.object({
  content: z.array(
    z.object({
      type: z.string(),
      text: z.string().optional(),
      name: z.string().optional(),
      input: z.unknown().optional(),
    }),
  ),
  stop_reason: z.string().nullish(),
  usage: AnthropicUsage,
});

/**
 * A judge behind Anthropic's messages endpoint. Asks for structured output and steps down to a forced tool where that
 * is refused; the rubric is marked as cacheable.
 */
export function createAnthropicJudge(options: ModelJudgeOptions & { readonly apiKey: string }): Judge {
  const { apiKey, model, clock, timeoutMs = 60_000, random = Math.random } = options;
  const url = `${options.baseUrl.replace(/\/+$/, "")}/v1/messages`;
  const headers = { "x-api-key": apiKey, "anthropic-version": API_VERSION };
  let format: "output_config" | "tool" = "output_config";

  async function send(
    system: string,
    turns: readonly Turn[],
    signal: AbortSignal,
  ): Promise<z.output<typeof Message>> {
    for (;;) {
      const asked = format;
      const body = {
        model,
        max_tokens: OUTPUT_TOKENS_MAX,
        temperature: 0,
        system: [{ type: "text", text: system, cache_control: { type: "ephemeral" } }],
        messages: turns,
        ...(asked === "output_config"
          ? { output_config: { format: { type: "json_schema", schema: JUDGEMENT_SCHEMA } } }
          : {
              tools: [{ name: TOOL, description: "Returns the judgement.", input_schema: JUDGEMENT_SCHEMA }],
              tool_choice: { type: "tool", name: TOOL },
            }),
      };
      const reply = await postJson({ url, headers, body }, { clock, timeoutMs, signal, random });
      if (reply.kind === "ok") {
        const parsed = Message.safeParse(reply.body);
        if (parsed.success) return parsed.data;
        throw new ExternalError("external_invalid_response", "the answer is not a message");
      }
      if (asked === "tool") {
        throw new ExternalError("external_invalid_response", `HTTP ${reply.status}: the request was refused`);
      }
      format = "tool";
    }
  }

  return createModelJudge(
    `anthropic/${model}`,
    async (system, turns, signal) => {
      const { content, stop_reason, usage } = await send(system, turns, signal);
      const tool = content.find((block) => block.type === "tool_use" && block.name === TOOL);
      const text = content.map((block) => block.text ?? "").join("");
      return {
        usage: anthropicUsage(usage),
        refused: stop_reason === "refusal" ? "the judge refused" : null,
        text: text.trimEnd(),
        judgement: tool === undefined ? parseJudgement(text) : readJudgement(tool.input),
      };
    },
    options.price,
  );
}
