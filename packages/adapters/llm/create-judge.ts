import { ConfigError, type Clock, type Judge } from "@plumbline/ports";
import { createLexicalJudge } from "../lexical/judge.ts";
import { createLlmJudge, type LlmJudgeOptions } from "./llm-judge.ts";
import type { PriceOf } from "./price.ts";

interface JudgeChoice extends Pick<LlmJudgeOptions, "outputTokensMax" | "textCharsMax" | "cutShareMax"> {
  readonly provider: "lexical" | "openai" | "anthropic";
  readonly model?: string | undefined;
  /** Default: the provider's own. */
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly priceOf?: PriceOf | undefined;
  /** Longest wait for one answer, ms. */
  readonly timeoutMs?: number | undefined;
  readonly clock: Clock;
}

const URLS = { openai: "https://api.openai.com/v1", anthropic: "https://api.anthropic.com" } as const;

/**
 * The judge that the configuration names.
 *
 * @throws ConfigError when the provider needs a model or a key that is missing
 */
export function createJudge(choice: JudgeChoice): Judge {
  const { provider, model, baseUrl, apiKey, ...rest } = choice;
  if (provider === "lexical") return createLexicalJudge();
  if (model === undefined)
    throw new ConfigError(
      `the ${provider} judge needs a model: set PLUMBLINE_JUDGE_MODEL, such as gpt-5-mini-2026-08`,
    );
  // Local servers ask for no key; the provider's own does.
  if (apiKey === undefined && (baseUrl === undefined || provider === "anthropic"))
    throw new ConfigError(`the ${provider} judge needs an API key: set PLUMBLINE_JUDGE_API_KEY`);
  return createLlmJudge({ ...rest, style: provider, model, baseUrl: baseUrl ?? URLS[provider], apiKey });
}
