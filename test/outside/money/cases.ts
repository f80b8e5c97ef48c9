import type { OutsideCase } from "../case.ts";

/** Tokens in millions would hide a wrong split: the counts below are small and uneven. */
interface TokenCase extends OutsideCase {
  readonly usage: unknown;
  /** input, cached, written, output, reasoning; null is not reported. */
  readonly counts: readonly (number | null)[];
}

export const TOKEN_CASES: readonly TokenCase[] = [
  {
    given: "OpenAI's usage with cached tokens",
    becomes: "they are part of the input",
    usage: {
      prompt_tokens: 2_006,
      completion_tokens: 300,
      total_tokens: 2_306,
      prompt_tokens_details: { cached_tokens: 1_920 },
      completion_tokens_details: { reasoning_tokens: 128 },
    },
    counts: [2_006, 1_920, null, 300, 128],
  },
  {
    given: "the same in the words of the responses API",
    becomes: "the same counts",
    usage: {
      input_tokens: 2_006,
      input_tokens_details: { cached_tokens: 1_920 },
      output_tokens: 300,
      output_tokens_details: { reasoning_tokens: 128 },
      total_tokens: 2_306,
    },
    counts: [2_006, 1_920, null, 300, 128],
  },
  {
    given: "Anthropic's usage with cached tokens",
    becomes: "they stand beside the input, and are added to it",
    usage: {
      input_tokens: 21,
      cache_read_input_tokens: 4_000,
      cache_creation_input_tokens: 188,
      output_tokens: 393,
    },
    counts: [4_209, 4_000, 188, 393, null],
  },
  {
    given: "Anthropic's usage with `null` for its cache",
    becomes: "the input as it is, and nothing known of a cache",
    usage: {
      input_tokens: 21,
      cache_read_input_tokens: null,
      cache_creation_input_tokens: null,
      output_tokens: 393,
    },
    counts: [21, null, null, 393, null],
  },
  {
    given: "a gateway that repeats Anthropic's counts beside `prompt_tokens`",
    becomes: "the input holds them already",
    usage: {
      prompt_tokens: 98_805,
      completion_tokens: 5_120,
      total_tokens: 103_925,
      cache_read_input_tokens: 66_360,
      cache_creation_input_tokens: 32_435,
      prompt_tokens_details: { cached_tokens: 66_360, cache_creation_tokens: 32_435 },
    },
    counts: [98_805, 66_360, 32_435, 5_120, null],
  },
  {
    given: "a gateway whose `prompt_tokens` are without the cached ones, by its own total",
    becomes: "they are added to the input",
    usage: {
      prompt_tokens: 40,
      completion_tokens: 10,
      total_tokens: 1_050,
      cache_read_input_tokens: 1_000,
    },
    counts: [1_040, 1_000, null, 10, null],
  },
  {
    given: "Gemini's usage with thinking",
    becomes: "the output is the total without the prompt",
    usage: {
      promptTokenCount: 15,
      candidatesTokenCount: 359,
      thoughtsTokenCount: 661,
      totalTokenCount: 1_035,
    },
    counts: [15, null, null, 1_020, 661],
  },
  {
    given: "Gemini that thought until its budget was spent",
    becomes: "the thoughts are the output",
    usage: {
      promptTokenCount: 15,
      cachedContentTokenCount: 8,
      thoughtsTokenCount: 1_024,
      totalTokenCount: 1_039,
    },
    counts: [15, 8, null, 1_024, 1_024],
  },
  {
    given: "a chat completion whose total has more tokens than its two sides",
    becomes: "the rest is reasoning, and is output",
    usage: { prompt_tokens: 20, completion_tokens: 151, total_tokens: 553 },
    counts: [20, null, null, 533, null],
  },
  {
    given: "Bedrock's usage of a conversation",
    becomes: "cached tokens stand beside the input, and are added to it",
    usage: {
      inputTokens: 12,
      cacheReadInputTokens: 900,
      cacheWriteInputTokens: 88,
      outputTokens: 50,
      totalTokens: 1_050,
    },
    counts: [1_000, 900, 88, 50, null],
  },
  {
    given: "the usage of the AI SDK",
    becomes: "cached tokens are part of the input",
    usage: {
      inputTokens: 1_000,
      inputTokenDetails: { noCacheTokens: 12, cacheReadTokens: 900, cacheWriteTokens: 88 },
      outputTokens: 50,
      outputTokenDetails: { textTokens: 20, reasoningTokens: 30 },
      totalTokens: 1_050,
    },
    counts: [1_000, 900, 88, 50, 30],
  },
  {
    given: "DeepSeek's hits and misses of its cache",
    becomes: "the hits are the cached tokens",
    usage: {
      prompt_tokens: 100,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
      completion_tokens: 7,
      total_tokens: 107,
    },
    counts: [100, 64, null, 7, null],
  },
  {
    given: "counts of a local server in its own words",
    becomes: "read as input and output",
    usage: { prompt_eval_count: 26, eval_count: 298 },
    counts: [26, null, null, 298, null],
  },
  {
    given: "counts with fractions, below zero and in quotes",
    becomes: "unknown, each of them",
    usage: { prompt_tokens: 1.5, completion_tokens: -1, prompt_tokens_details: { cached_tokens: "12" } },
    counts: [null, null, null, null, null],
  },
  {
    given: "a usage that is null",
    becomes: "nothing is known, which is not zero",
    usage: null,
    counts: [null, null, null, null, null],
  },
];

interface PriceCase extends OutsideCase {
  readonly names: {
    readonly provider?: string;
    readonly model: string;
    readonly response_model?: string;
  };
  /** What the same tokens cost under this plain name; null when they have no price. */
  readonly as: readonly [provider: string, model: string] | null;
}

export const PRICE_CASES: readonly PriceCase[] = [
  { given: "`azure/gpt-4o`", becomes: "priced", names: { model: "azure/gpt-4o" }, as: ["azure", "gpt-4o"] },
  {
    given: "`azure/eu/gpt-4o-2024-08-06`, with a region",
    becomes: "priced",
    names: { model: "azure/eu/gpt-4o-2024-08-06" },
    as: ["azure", "gpt-4o"],
  },
  {
    given: "a deployment's own name on Azure, beside the model that answered",
    becomes: "priced by what answered",
    names: { provider: "azure", model: "support-prod", response_model: "gpt-4o-2024-11-20" },
    as: ["azure", "gpt-4o"],
  },
  {
    given: "`openai/gpt-5-mini` with the provider `openai`",
    becomes: "priced",
    names: { provider: "openai", model: "openai/gpt-5-mini" },
    as: ["openai", "gpt-5-mini"],
  },
  {
    given: "`openai:chat:gpt-5-mini`",
    becomes: "priced",
    names: { model: "openai:chat:gpt-5-mini" },
    as: ["openai", "gpt-5-mini"],
  },
  {
    given: "an inference profile of Bedrock with its prefix",
    becomes: "priced as Bedrock bills its region",
    names: { model: "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0" },
    as: ["aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
  },
  {
    given: "a model of Bedrock that an Anthropic client asked for",
    becomes: "priced as Bedrock's",
    names: { provider: "anthropic", model: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0" },
    as: ["aws", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"],
  },
  {
    given: "the ARN of an inference profile",
    becomes: "priced by the profile it ends with",
    names: {
      model: "arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.amazon.nova-lite-v1:0",
    },
    as: ["aws", "eu.amazon.nova-lite-v1:0"],
  },
  {
    given: "`vertex_ai/claude-sonnet-4-5@20250929`",
    becomes: "priced",
    names: { model: "vertex_ai/claude-sonnet-4-5@20250929" },
    as: ["google", "claude-sonnet-4-5"],
  },
  {
    given: "`models/gemini-2.5-flash`, as Gemini's own list has it",
    becomes: "priced",
    names: { provider: "google", model: "models/gemini-2.5-flash" },
    as: ["google", "gemini-2.5-flash"],
  },
  {
    given: "a gateway's name for a provider",
    becomes: "priced by the model",
    names: { provider: "my-gateway", model: "gpt-4o" },
    as: ["openai", "gpt-4o"],
  },
  {
    given: "a gateway's name before the model",
    becomes: "priced by the model",
    names: { provider: "my-gateway", model: "my-gateway/claude-haiku-4-5" },
    as: ["anthropic", "claude-haiku-4-5"],
  },
  {
    given: "another maker's model that was asked for with OpenAI's client",
    becomes: "priced as its maker's",
    names: { provider: "openai", model: "deepseek-chat" },
    as: ["deepseek", "deepseek-chat"],
  },
  {
    given: "an answer of a dated model that no list has",
    becomes: "priced as what was asked for",
    names: { provider: "openai", model: "gpt-5-mini", response_model: "gpt-5-mini-2099-01-01" },
    as: ["openai", "gpt-5-mini"],
  },
  {
    given: "a dated model that no list has, asked for by its date",
    becomes: "priced as the model without its date",
    names: { provider: "openai", model: "gpt-5-mini-2099-01-01" },
    as: ["openai", "gpt-5-mini"],
  },
  {
    given: "an empty name of the model that answered, and of the provider",
    becomes: "priced as what was asked for",
    names: { provider: "", model: "gpt-5-mini", response_model: "" },
    as: ["openai", "gpt-5-mini"],
  },
  {
    given: "names in capitals and with blanks around them",
    becomes: "priced",
    names: { provider: " OpenAI ", model: " GPT-4o " },
    as: ["openai", "gpt-4o"],
  },
  {
    given: "a model on one's own machine that has a known name",
    becomes: "no price, which is not zero",
    names: { provider: "ollama", model: "deepseek-chat" },
    as: null,
  },
  {
    given: "a deployment's own name and nothing else",
    becomes: "no price; the call is counted, and named in `unpriced_calls_v1`",
    names: { provider: "azure", model: "support-prod" },
    as: null,
  },
  {
    given: "a model that its provider's list does not have",
    becomes: "no price",
    names: { provider: "groq", model: "gpt-5-mini" },
    as: null,
  },
];

interface CallCase extends OutsideCase {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cost_usd: number | null;
}

const OPUS = { provider: "anthropic", model: "claude-opus-4-5" };

/** Calls as the writer stores them. Opus 4.5: $5 a million, $0.50 from the cache, $6.25 into it, $25 out. */
export const CALL_CASES: readonly CallCase[] = [
  {
    given: "a call that read most of its input from the cache",
    becomes: "what was read costs what the cache costs",
    fields: { ...OPUS, input_tokens: 4_209, cached_input_tokens: 4_000, output_tokens: 100 },
    cost_usd: (209 * 5 + 4_000 * 0.5 + 100 * 25) / 1e6,
  },
  {
    given: "a call that wrote to the cache",
    becomes: "what was written costs what writing costs",
    fields: { ...OPUS, input_tokens: 4_209, cache_write_input_tokens: 4_000, output_tokens: 100 },
    cost_usd: (209 * 5 + 4_000 * 6.25 + 100 * 25) / 1e6,
  },
  {
    given: "an answer that was thrown away, most of it from the cache",
    becomes: "its cached tokens cost what the cache costs, too",
    fields: {
      ...OPUS,
      path: "retry",
      input_tokens: 1_000,
      output_tokens: 100,
      attempts: [
        {
          ...OPUS,
          path: "primary",
          status: "invalid_output",
          latency_ms: 5,
          input_tokens: 1_000,
          cached_input_tokens: 1_000,
          output_tokens: 10,
        },
        { ...OPUS, path: "retry", status: "ok", latency_ms: 5, input_tokens: 1_000, output_tokens: 100 },
      ],
    },
    cost_usd: (1_000 * 0.5 + 10 * 25 + 1_000 * 5 + 100 * 25) / 1e6,
  },
  {
    given: "a call of which only the input is counted",
    becomes: "no cost, which is not the cost of its input",
    fields: { ...OPUS, input_tokens: 1_000 },
    cost_usd: null,
  },
  {
    given: "a call with a cost of its own",
    becomes: "that cost, whatever the list says",
    fields: { ...OPUS, input_tokens: 1_000, output_tokens: 100, cost_usd: 0.000_001 },
    cost_usd: 0.000_001,
  },
];
