/** Token counts in the providers' words, and in ours. */
import { z } from "zod";
import type { Usage } from "./price.ts";

export const OpenAiUsage = z
  .object({
    prompt_tokens: z.number(),
    completion_tokens: z.number(),
    prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
  })
  .nullish();

/** Null when the provider does not say. */
export function openAiUsage(usage: z.output<typeof OpenAiUsage>): Usage | null {
  if (usage === null || usage === undefined) return null;
  return {
    input_tokens: usage.prompt_tokens,
    cached_input_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    output_tokens: usage.completion_tokens,
  };
}

export const AnthropicUsage = z
  .object({
    input_tokens: z.number(),
    output_tokens: z.number(),
    cache_read_input_tokens: z.number().nullish(),
    cache_creation_input_tokens: z.number().nullish(),
  })
  .nullish();

/** Null when the provider does not say. */
export function anthropicUsage(usage: z.output<typeof AnthropicUsage>): Usage | null {
  if (usage === null || usage === undefined) return null;
  // Anthropic counts cached tokens beside input_tokens, we count them inside.
  const cached = usage.cache_read_input_tokens ?? 0;
  return {
    input_tokens: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
    cached_input_tokens: cached,
    output_tokens: usage.output_tokens,
  };
}
