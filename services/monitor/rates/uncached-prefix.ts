import type { PrefixFacts } from "@plumbline/prompts";
import type { Detection } from "@plumbline/schemas";

export type UncachedPrefix = Omit<
  Extract<Detection["evidence"], { readonly measure: "uncached_prefix" }>,
  "measure" | "at_deploy" | "normal"
>;

/** Tokens are counted about: nothing is asserted within this factor of the provider's minimum. */
const CLEARLY = 1.25;

/**
 * Why nothing of a prompt is cached although something could be: it stands behind what varies, or it is not read. Null
 * for a prompt that is too short whatever its order, and where the provider's minimum is not known.
 */
export function whyUncached({
  fixed_tokens,
  all_fixed_tokens,
  minimum_tokens,
}: PrefixFacts): UncachedPrefix | null {
  if (minimum_tokens === null) return null;
  const facts = { fixed_tokens, all_fixed_tokens, minimum_tokens };
  if (fixed_tokens >= CLEARLY * minimum_tokens) return { reason: "not_read", ...facts };
  const isReordered = fixed_tokens < minimum_tokens && all_fixed_tokens >= CLEARLY * minimum_tokens;
  return isReordered ? { reason: "under_minimum", ...facts } : null;
}
