/** Token counts of an answer that is to be paid for. */
import { tokenUsage } from "@plumbline/emitter/token-usage";
import type { Usage } from "./price.ts";

/** Null when a count that is needed is not given: unknown tokens are an unknown price. */
export function usageOf(usage: unknown): Usage | null {
  const read = tokenUsage(usage);
  const { input_tokens, output_tokens } = read;
  if (input_tokens === null || output_tokens === null) return null;
  const cached_input_tokens = Math.min(read.cached_input_tokens ?? 0, input_tokens);
  const cache_write_input_tokens = Math.min(
    read.cache_write_input_tokens ?? 0,
    input_tokens - cached_input_tokens,
  );
  return { input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens };
}
