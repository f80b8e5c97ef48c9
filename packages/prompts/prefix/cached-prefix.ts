/**
 * Which part of a prompt providers' prefix caches can reuse. What is read from such a cache costs a tenth to a half;
 * the cache reaches from the first byte of a request to the first that differs from an earlier one.
 */

/** Bytes of UTF-8 a token, about, in the languages of Europe. Providers count exactly, each in its own way. */
const TOKEN_BYTES = 4;

export function tokensOf(bytes: number): number {
  return Math.round(bytes / TOKEN_BYTES);
}

interface CacheRule {
  readonly model: RegExp;
  /** Fewest tokens that are cached. */
  readonly minimum: number;
  /** Tokens beyond the minimum are cached in steps of so many. */
  readonly step: number;
}

/** The first that matches counts. As the providers' documentation said in November 2026. */
const RULES: readonly CacheRule[] = [
  { model: /^(?:openai|azure)\//, minimum: 1_024, step: 128 },
  { model: /^anthropic\/claude-(?:opus|fable|mythos)-5/, minimum: 512, step: 1 },
  { model: /^anthropic\/claude-(?:opus-4[-.][56]|haiku-4[-.]5)/, minimum: 4_096, step: 1 },
  { model: /^anthropic\/claude-(?:opus-4[-.]7|haiku-3|3(?:[-.]5)?-haiku)/, minimum: 2_048, step: 1 },
  { model: /^anthropic\//, minimum: 1_024, step: 1 },
  { model: /^google\/gemini-2[-.]5/, minimum: 2_048, step: 1 },
  { model: /^google\/gemini-/, minimum: 4_096, step: 1 },
];

/** Fewest tokens of a prefix that the provider caches; null when that is not known. */
export function minimumTokens(model: string): number | null {
  return ruleOf(model)?.minimum ?? null;
}

/** Tokens of a fixed beginning that the provider caches; all of it where its rule is not known. */
export function cachedTokens(model: string, tokens: number): number {
  const rule = ruleOf(model);
  if (rule === undefined) return tokens;
  if (tokens < rule.minimum) return 0;
  return rule.minimum + Math.floor((tokens - rule.minimum) / rule.step) * rule.step;
}

function ruleOf(model: string): CacheRule | undefined {
  return RULES.find((rule) => rule.model.test(model.toLowerCase()));
}
