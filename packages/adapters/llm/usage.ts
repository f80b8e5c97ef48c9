/** Token counts in the providers' words, and in ours. Null when a count that is needed is not given. */
import { z } from "zod";
import type { Usage } from "./price.ts";

const count = z.number().int().nonnegative().nullish().catch(null);

const Usages = z
  .object({
    prompt_tokens: count,
    input_tokens: count,
    completion_tokens: count,
    output_tokens: count,
    prompt_tokens_details: z.object({ cached_tokens: count }).nullish().catch(null),
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
  })
  .nullish()
  .catch(null);

export function openAiUsage(usage: unknown): Usage | null {
  const read = Usages.parse(usage);
  const input_tokens = read?.prompt_tokens ?? read?.input_tokens;
  const output_tokens = read?.completion_tokens ?? read?.output_tokens;
  if (typeof input_tokens !== "number" || typeof output_tokens !== "number") return null;
  const cached = read?.prompt_tokens_details?.cached_tokens ?? 0;
  return { input_tokens, cached_input_tokens: Math.min(cached, input_tokens), output_tokens };
}

export function anthropicUsage(usage: unknown): Usage | null {
  const read = Usages.parse(usage);
  if (typeof read?.input_tokens !== "number" || typeof read.output_tokens !== "number") return null;
  // Anthropic counts cached tokens beside input_tokens, we count them inside.
  const cached = read.cache_read_input_tokens ?? 0;
  return {
    input_tokens: read.input_tokens + cached + (read.cache_creation_input_tokens ?? 0),
    cached_input_tokens: cached,
    output_tokens: read.output_tokens,
  };
}
