import { randomBytes } from "node:crypto";
import { ExternalError, type Clock, type Judge, type JudgeAnswer, type JudgeRequest } from "@plumbline/ports";
import { z } from "zod";
import {
  answerOf,
  askAgain,
  JUDGEMENT_SCHEMA,
  parseJudgement,
  readJudgement,
  unreadable,
} from "./judgement.ts";
import { costOf, type JudgePrice, type Usage } from "./price.ts";
import { buildPrompt } from "./prompt.ts";
import { postJson } from "./request.ts";
import { AnthropicUsage, anthropicUsage } from "./usage.ts";

interface AnthropicJudgeOptions {
  /** Default https://api.anthropic.com. */
  readonly baseUrl?: string;
  readonly apiKey: string;
  /** A dated model id: an alias that moves looks like a regression. */
  readonly model: string;
  readonly clock: Clock;
  /** Written on every verdict. Default: anthropic/<model>. */
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

interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/**
 * A judge behind Anthropic's messages endpoint. Asks for structured output and steps down to a forced tool where that
 * is refused; the rubric is marked as cacheable. An answer that does not parse is asked for once more.
 */
export function createAnthropicJudge(options: AnthropicJudgeOptions): Judge {
  const { apiKey, model, clock, timeoutMs = 60_000, outputTokensMax = 1_500, price = null } = options;
  const random = options.random ?? Math.random;
  const url = `${(options.baseUrl ?? "https://api.anthropic.com").replace(/\/+$/, "")}/v1/messages`;
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
        max_tokens: outputTokensMax,
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

  async function judge(request: JudgeRequest, { signal }: { signal: AbortSignal }): Promise<JudgeAnswer> {
    const prompt = buildPrompt(request, randomBytes(8).toString("hex"));
    const turns: Turn[] = [{ role: "user", content: prompt.user }];
    const usages: (Usage | null)[] = [];
    for (let round = 0; round < 2; round++) {
      const message = await send(prompt.system, turns, signal);
      usages.push(anthropicUsage(message.usage));
      const cost_usd = costOf(usages, price);
      if (message.stop_reason === "refusal") {
        return { state: "cannot_judge", reason: "the judge refused", cost_usd };
      }
      const tool = message.content.find((block) => block.type === "tool_use" && block.name === TOOL);
      const text = message.content.map((block) => block.text ?? "").join("");
      const judgement = tool === undefined ? parseJudgement(text) : readJudgement(tool.input);
      if (judgement !== null) return answerOf(judgement, request.rubric, cost_usd);
      turns.push(...askAgain(text.trimEnd()));
    }
    return unreadable(costOf(usages, price));
  }

  return { name: options.name ?? `anthropic/${model}`, judge };
}
