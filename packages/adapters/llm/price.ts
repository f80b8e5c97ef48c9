/** US dollars a million tokens. */
export interface JudgePrice {
  readonly input: number;
  /** Default: as input. */
  readonly cached_input?: number;
  readonly output: number;
}

export interface Usage {
  /** Cached tokens included. */
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
}

const MILLION = 1_000_000;

/** US dollars of all requests of one judgement; null when the price, or the usage of any request, is unknown. */
export function costOf(usages: readonly (Usage | null)[], price: JudgePrice | null): number | null {
  if (price === null) return null;
  let dollars = 0;
  for (const usage of usages) {
    if (usage === null) return null;
    const fresh = Math.max(0, usage.input_tokens - usage.cached_input_tokens);
    dollars +=
      (fresh * price.input +
        usage.cached_input_tokens * (price.cached_input ?? price.input) +
        usage.output_tokens * price.output) /
      MILLION;
  }
  return dollars;
}
