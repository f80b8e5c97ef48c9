import { calcPrice } from "@pydantic/genai-prices";

/** Token counts of one call; `input_tokens` includes those read from and written to the provider's cache. */
interface TokenUsage {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  /** Default 0. */
  readonly cache_write_input_tokens?: number;
  readonly output_tokens: number;
}

interface LinearPrice {
  /** US dollars a token. */
  readonly input: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
}

/** One price list of a (provider, model): linear, or to be asked call by call, or unknown. */
type PriceList = LinearPrice | "ask" | null;

const NOTHING: TokenUsage = {
  input_tokens: 0,
  cached_input_tokens: 0,
  output_tokens: 0,
};

/** Models that applications may name; a flood of invented names must not grow the cache for ever. */
const MODELS_MAX = 5_000;

/**
 * Prices calls in US dollars by the public list of `@pydantic/genai-prices`.
 *
 * Asking the list costs about 15 µs, which would be a third of a call's whole path. Most models have one flat
 * price a token, so it is asked once for each kind of token and multiplied after that; models whose price
 * depends on size or time are asked each time.
 *
 * @returns a function from provider, model and usage to dollars, null when the model's price is unknown
 */
export function createPricing(): (
  provider: string | null,
  model: string,
  at: Date,
  usage: TokenUsage,
) => number | null {
  const lists = new Map<string, PriceList>();

  return (provider, model, at, usage) => {
    const key = `${provider ?? ""}\u0000${model}`;
    let list = lists.get(key);
    if (list === undefined) {
      list = priceList(provider, model);
      if (lists.size >= MODELS_MAX) lists.clear();
      lists.set(key, list);
    }
    if (list === null) return null;
    if (list === "ask") return ask(provider, model, usage, at);
    const { cached, written, fresh } = partsOf(usage);
    return (
      fresh * list.input + cached * list.cached + written * list.written + usage.output_tokens * list.output
    );
  };
}

function priceList(provider: string | null, model: string): PriceList {
  const found = calcPrice({ input_tokens: 1, output_tokens: 1 }, model, options(provider));
  if (found === null) return null;
  const isFlat =
    !Array.isArray(found.model.prices) &&
    Object.values(found.model_price).every((price) => typeof price !== "object");
  if (!isFlat) return "ask";
  const million = 1_000_000;
  const each = (usage: TokenUsage): number => (ask(provider, model, usage) ?? 0) / million;
  return {
    input: each({ ...NOTHING, input_tokens: million }),
    cached: each({ ...NOTHING, input_tokens: million, cached_input_tokens: million }),
    written: each({ ...NOTHING, input_tokens: million, cache_write_input_tokens: million }),
    output: each({ ...NOTHING, output_tokens: million }),
  };
}

function ask(provider: string | null, model: string, usage: TokenUsage, at?: Date): number | null {
  const price = calcPrice(
    {
      input_tokens: usage.input_tokens,
      cache_read_tokens: partsOf(usage).cached,
      cache_write_tokens: partsOf(usage).written,
      output_tokens: usage.output_tokens,
    },
    model,
    { ...options(provider), ...(at === undefined ? {} : { timestamp: at }) },
  );
  return price?.total_price ?? null;
}

function options(provider: string | null): { providerId?: string } {
  return provider === null || provider === "" ? {} : { providerId: provider };
}

/** The list refuses more cached tokens than tokens; an application that miscounts still gets a price. */
function partsOf({ input_tokens, cached_input_tokens, cache_write_input_tokens = 0 }: TokenUsage) {
  const cached = Math.min(cached_input_tokens, input_tokens);
  const written = Math.min(cache_write_input_tokens, input_tokens - cached);
  return { cached, written, fresh: input_tokens - cached - written };
}
