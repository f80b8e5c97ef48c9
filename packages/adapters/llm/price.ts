/** Token counts of one answer. */
export interface Usage {
  /** Cached and cache-written tokens included. */
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly cache_write_input_tokens: number;
  /** Tokens of reasoning included. */
  readonly output_tokens: number;
}

/** @returns US dollars; null when nobody knows the model's price */
export type PriceOf = (usage: Usage, at: Date) => number | null;

/** US dollars of all requests of one judgement; null when the price, or the usage of any request, is unknown. */
export function costOf(usages: readonly (Usage | null)[], priceOf: PriceOf, at: Date): number | null {
  let dollars = 0;
  for (const usage of usages) {
    const cost = usage === null ? null : priceOf(usage, at);
    if (cost === null) return null;
    dollars += cost;
  }
  return dollars;
}

/** Whether the price is known to be nothing, which an unknown one is not. */
export function isFree(priceOf: PriceOf, at: Date): boolean {
  const both = { input_tokens: 1_000_000, output_tokens: 1_000_000 };
  return priceOf({ ...both, cached_input_tokens: 0, cache_write_input_tokens: 0 }, at) === 0;
}
