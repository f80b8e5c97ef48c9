import { httpUrl, LogAndStoreConfig } from "@plumbline/runtime/process/process-config";
import {
  createPricing,
  type Pricing,
  setPricing,
  type TokenCounts,
} from "@plumbline/gate/price/create-pricing";
import { z } from "zod";

/** Environment of the judge, in every mode. */
export const JudgeConfig = z.object({
  PLUMBLINE_JUDGE_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .max(256)
    .default(8)
    .describe("judgements in flight at once"),
  PLUMBLINE_JUDGE_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(120_000)
    .describe("longest wait for one judgement, its retries included, ms"),
  PLUMBLINE_JUDGE_USD_PER_DAY: z.coerce
    .number()
    .nonnegative()
    .default(15)
    .describe("budget, US dollars a UTC day; calls beyond it end as over_budget"),
  PLUMBLINE_JUDGE_CALLS_PER_HOUR: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(20_000)
    .describe(
      "most judgements an hour that cost money or whose cost is unknown; beyond it calls end as over_budget",
    ),
  PLUMBLINE_JUDGE_AGE_HOURS_MAX: z.coerce
    .number()
    .positive()
    .default(24)
    .describe("calls that wait longer for a judgement end as expired, hours"),
  PLUMBLINE_JUDGE_LOOKBACK_DAYS: z.coerce
    .number()
    .positive()
    .default(40)
    .describe(
      "how far back calls without a verdict are looked for, days of call time; the writer takes calls of up to 29",
    ),
  PLUMBLINE_JUDGE_ATTEMPTS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .default(10)
    .describe("tries of one call whose judgement is not answered, before it ends as failed"),
  PLUMBLINE_JUDGE_IDLE_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(2_000)
    .describe("first wait when there is nothing to judge, ms"),
  PLUMBLINE_JUDGE_IDLE_MS_MAX: z.coerce
    .number()
    .int()
    .positive()
    .default(5_000)
    .describe("longest wait when there is nothing to judge, ms"),
});
export type JudgeConfig = z.output<typeof JudgeConfig>;

/** Who judges: the same in local mode and in a process of its own. */
export const JudgeChoiceConfig = z.object({
  PLUMBLINE_JUDGE_PROVIDER: z
    .enum(["lexical", "openai", "anthropic"])
    .default("lexical")
    .describe("who judges; openai is any endpoint that speaks chat completions, lexical needs no model"),
  PLUMBLINE_JUDGE_MODEL: z
    .string()
    .min(1)
    .optional()
    .describe("a dated model id, such as gpt-5-mini-2026-08"),
  PLUMBLINE_JUDGE_BASE_URL: httpUrl("https://api.openai.com/v1")
    .optional()
    .describe("endpoint with its version, or https://api.anthropic.com; default: the provider's own"),
  PLUMBLINE_JUDGE_API_KEY: z.string().min(1).optional().describe("key of the endpoint"),
  PLUMBLINE_JUDGE_OUTPUT_TOKENS: z.coerce
    .number()
    .int()
    .min(64)
    .default(1_500)
    .describe(
      "output tokens of one judgement, thinking included; an answer that was cut is asked for once more with twice as many",
    ),
  PLUMBLINE_JUDGE_TEXT_CHARS: z.coerce
    .number()
    .int()
    .min(1_000)
    .default(40_000)
    .describe("characters of each text that the judge reads: of a longer one its head and its tail"),
  PLUMBLINE_JUDGE_CUT_SHARE_MAX: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("share of a text that may be left out; beyond it the call ends as cannot_judge"),
  PLUMBLINE_JUDGE_USD_PER_MILLION_INPUT: z.coerce
    .number()
    .nonnegative()
    .optional()
    .describe(
      "price of input tokens, US dollars a million; default: the public list's. Without a price the daily budget can't hold",
    ),
  PLUMBLINE_JUDGE_USD_PER_MILLION_OUTPUT: z.coerce
    .number()
    .nonnegative()
    .optional()
    .describe("price of output tokens, US dollars a million"),
});
export type JudgeChoiceConfig = z.output<typeof JudgeChoiceConfig>;

/** What only the process of its own reads: where its log and store are. */
export const JudgeProcessConfig = z.object({
  ...JudgeConfig.shape,
  ...JudgeChoiceConfig.shape,
  ...LogAndStoreConfig.shape,
});

/** The choice as the judge factory takes it. */
export function judgeChoice(config: JudgeChoiceConfig) {
  const provider = config.PLUMBLINE_JUDGE_PROVIDER;
  const model = config.PLUMBLINE_JUDGE_MODEL;
  const pricing = pricingOf(config);
  return {
    provider,
    model,
    baseUrl: config.PLUMBLINE_JUDGE_BASE_URL,
    apiKey: config.PLUMBLINE_JUDGE_API_KEY,
    outputTokensMax: config.PLUMBLINE_JUDGE_OUTPUT_TOKENS,
    textCharsMax: config.PLUMBLINE_JUDGE_TEXT_CHARS,
    cutShareMax: config.PLUMBLINE_JUDGE_CUT_SHARE_MAX,
    priceOf: (usage: TokenCounts, at: Date) => pricing({ provider, model: model ?? "" }, at, usage),
  };
}

/** A price needs both of its numbers; without them the public list has it, or nobody. */
function pricingOf({
  PLUMBLINE_JUDGE_USD_PER_MILLION_INPUT: input,
  PLUMBLINE_JUDGE_USD_PER_MILLION_OUTPUT: output,
}: JudgeChoiceConfig): Pricing {
  return input === undefined || output === undefined ? createPricing() : setPricing({ input, output });
}
