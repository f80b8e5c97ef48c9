/** Token counts in the words of providers, gateways and SDKs, as events count them. */

/** Null is not reported, which is not zero. */
export interface TokenUsage {
  /** Including those read from and written to the provider's cache. */
  readonly input_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly cache_write_input_tokens: number | null;
  /** Including those of reasoning. */
  readonly output_tokens: number | null;
  readonly reasoning_output_tokens: number | null;
}

/** Where each count stands, the first that is there counts. Dots lead into an object. */
const INPUT = [
  "prompt_tokens",
  "input_tokens",
  "inputTokens",
  "promptTokenCount",
  "prompt_token_count",
  "prompt_eval_count",
];
const TOOL_INPUT = ["toolUsePromptTokenCount", "tool_use_prompt_token_count"];
const OUTPUT = ["completion_tokens", "output_tokens", "outputTokens", "eval_count"];
/** Gemini's: without the tokens of thinking. */
const ANSWER_ONLY = ["candidatesTokenCount", "candidates_token_count"];
const TOTAL = ["total_tokens", "totalTokens", "totalTokenCount", "total_token_count"];
const CACHED_INSIDE = [
  "prompt_tokens_details.cached_tokens",
  "input_tokens_details.cached_tokens",
  "input_token_details.cache_read",
  "inputTokenDetails.cacheReadTokens",
  "cachedInputTokens",
  "cachedContentTokenCount",
  "cached_content_token_count",
  "prompt_cache_hit_tokens",
];
const WRITTEN_INSIDE = [
  "prompt_tokens_details.cache_write_tokens",
  "prompt_tokens_details.cache_creation_tokens",
  "input_tokens_details.cache_write_tokens",
  "input_token_details.cache_creation",
  "inputTokenDetails.cacheWriteTokens",
];
/** Anthropic and Bedrock count them beside the input. */
const CACHED_BESIDE = ["cache_read_input_tokens", "cacheReadInputTokens"];
const WRITTEN_BESIDE = ["cache_creation_input_tokens", "cacheWriteInputTokens"];
const REASONING = [
  "completion_tokens_details.reasoning_tokens",
  "output_tokens_details.reasoning_tokens",
  "output_tokens_details.thinking_tokens",
  "output_token_details.reasoning",
  "outputTokenDetails.reasoningTokens",
  "reasoningTokens",
  "thoughtsTokenCount",
  "thoughts_token_count",
];

/**
 * Reads the usage of an answer: of OpenAI's two APIs and whatever speaks them, Anthropic, Gemini, Bedrock, Ollama,
 * LiteLLM, LangChain and the AI SDK.
 *
 * @param usage the `usage` of an answer, `usageMetadata` of Gemini; anything else gives counts that are null
 */
export function tokenUsage(usage: unknown): TokenUsage {
  const at = (paths: readonly string[]): number | null => firstCount(usage, paths);
  const [total, said, reasoning] = [at(TOTAL), at(INPUT), at(REASONING)];
  const besideRead = at(CACHED_BESIDE);
  const besideWritten = at(WRITTEN_BESIDE);
  const beside = (besideRead ?? 0) + (besideWritten ?? 0);
  const saidOutput = at(OUTPUT);
  const isBeside =
    beside > 0 &&
    said !== null &&
    (total === null ? !isGateway(usage) : isSum(total, said, beside, saidOutput));
  const input = said === null ? null : said + (at(TOOL_INPUT) ?? 0) + (isBeside ? beside : 0);
  return {
    input_tokens: input,
    cached_input_tokens: at(CACHED_INSIDE) ?? besideRead,
    cache_write_input_tokens: at(WRITTEN_INSIDE) ?? besideWritten,
    output_tokens: outputOf({ input, total, reasoning, output: saidOutput, answer: at(ANSWER_ONLY) }),
    reasoning_output_tokens: reasoning,
  };
}

/** Gateways that speak OpenAI's words repeat Anthropic's counts and have them in `prompt_tokens` already. */
function isGateway(usage: unknown): boolean {
  return firstCount(usage, ["prompt_tokens"]) !== null;
}

/** Whether the total has the cached tokens in addition to the input. */
function isSum(total: number, input: number, beside: number, output: number | null): boolean {
  return total >= input + beside + (output ?? 0);
}

/** Tokens of thinking that are in the total only are output all the same: they are billed as that. */
function outputOf({
  input,
  total,
  reasoning,
  output,
  answer,
}: Readonly<Record<"input" | "total" | "reasoning" | "output" | "answer", number | null>>): number | null {
  const rest = total === null || input === null || total < input ? null : total - input;
  const counted = output ?? (answer === null ? null : answer + (reasoning ?? 0));
  return counted === null ? rest : Math.max(counted, rest ?? 0);
}

function firstCount(usage: unknown, paths: readonly string[]): number | null {
  for (const path of paths) {
    const value = path.split(".").reduce<unknown>((from, name) => fieldOf(from, name), usage);
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  }
  return null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
