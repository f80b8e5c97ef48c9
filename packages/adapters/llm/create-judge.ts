import { ConfigError, type Clock, type Judge } from "@plumbline/ports";
import { createLexicalJudge } from "../lexical/judge.ts";
import { createAnthropicJudge } from "./anthropic-judge.ts";
import { createOpenAiJudge } from "./openai-judge.ts";
import type { JudgePrice } from "./price.ts";

interface JudgeChoice {
  readonly provider: "lexical" | "openai" | "anthropic";
  readonly model?: string | undefined;
  /** Default: the provider's own. */
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly price?: JudgePrice | undefined;
  /** Longest wait for one answer, ms. */
  readonly timeoutMs?: number | undefined;
  readonly clock: Clock;
}

const ANTHROPIC_URL = "https://api.anthropic.com";
const OPENAI_URL = "https://api.openai.com/v1";

/**
 * The judge that the configuration names.
 *
 * @throws ConfigError when the provider needs a model or a key that is missing
 */
export function createJudge({
  provider,
  model,
  baseUrl,
  apiKey,
  price,
  timeoutMs,
  clock,
}: JudgeChoice): Judge {
  if (provider === "lexical") return createLexicalJudge();
  if (model === undefined)
    throw new ConfigError(
      `the ${provider} judge needs a model: set PLUMBLINE_JUDGE_MODEL, such as gpt-5-mini-2026-08`,
    );
  const shared = { model, clock, price, timeoutMs };
  if (provider === "anthropic") {
    if (apiKey === undefined)
      throw new ConfigError("the anthropic judge needs an API key: set PLUMBLINE_JUDGE_API_KEY");
    return createAnthropicJudge({ ...shared, apiKey, baseUrl: baseUrl ?? ANTHROPIC_URL });
  }
  // Local servers ask for no key; the provider's own does.
  if (apiKey === undefined && baseUrl === undefined)
    throw new ConfigError("the openai judge needs an API key: set PLUMBLINE_JUDGE_API_KEY");
  return createOpenAiJudge({ ...shared, apiKey, baseUrl: baseUrl ?? OPENAI_URL });
}
