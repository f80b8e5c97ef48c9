/** What tokens cost, in US dollars: the one place where usage and names become a price. */
import { calcPrice } from "@pydantic/genai-prices";
import { modelHomes, type ModelHome, type ModelNames } from "./model-homes.ts";

/** `input_tokens` includes those read from and written to the provider's cache, `output_tokens` those of reasoning. */
export interface TokenCounts {
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  /** Default 0. */
  readonly cache_write_input_tokens?: number | undefined;
  readonly output_tokens: number;
}

/** Prices that somebody set, US dollars a million tokens. */
export interface SetPrice {
  readonly input: number;
  /** Default: as input. */
  readonly cached_input?: number | undefined;
  readonly output: number;
}

/** @returns US dollars; null when no list has a price of the model */
export type Pricing = (names: ModelNames, at: Date, usage: TokenCounts) => number | null;

/** US dollars a million tokens. */
interface LinearPrice {
  readonly fresh: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
}

/** One price list of a model: linear, or to be asked call by call, or unknown. */
type PriceList = LinearPrice | { readonly ask: ModelHome } | null;

const NOTHING: TokenCounts = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 };
const MILLION = 1_000_000;

/** Models that applications may name; a flood of invented names must not grow the cache for ever. */
const MODELS_MAX = 5_000;

/**
 * Prices calls by the public list of `@pydantic/genai-prices`.
 *
 * Asking the list costs about 15 µs, which would be a third of a call's whole path. Most models have one flat
 * price a token, so it is asked once for each kind of token and multiplied after that; models whose price
 * depends on size or time are asked each time.
 */
export function createPricing(): Pricing {
  const lists = new Map<string, PriceList>();

  return (names, at, usage) => {
    const key = `${names.provider ?? ""}\u0000${names.model}\u0000${names.response_model ?? ""}`;
    let list = lists.get(key);
    if (list === undefined) {
      list = findList(names);
      if (lists.size >= MODELS_MAX) lists.clear();
      lists.set(key, list);
    }
    if (list === null) return null;
    return "ask" in list ? ask(list.ask, usage, at) : linear(list, usage);
  };
}

/** A price that somebody set holds for every model and time. Tokens that are written to a cache cost as others. */
export function setPricing({ input, cached_input = input, output }: SetPrice): Pricing {
  const list = { fresh: input, cached: cached_input, written: input, output };
  return (_names, _at, usage) => linear(list, usage);
}

function linear({ fresh, cached, written, output }: LinearPrice, usage: TokenCounts): number {
  const parts = partsOf(usage);
  const sum =
    parts.fresh * fresh + parts.cached * cached + parts.written * written + usage.output_tokens * output;
  return sum / MILLION;
}

function findList(names: ModelNames): PriceList {
  for (const home of modelHomes(names)) {
    const found = calcPrice({ input_tokens: 1, output_tokens: 1 }, home.model, options(home));
    if (found === null) continue;
    const isFlat =
      !Array.isArray(found.model.prices) &&
      Object.values(found.model_price).every((price) => typeof price !== "object");
    if (!isFlat) return { ask: home };
    const each = (usage: TokenCounts): number => ask(home, usage) ?? 0;
    return {
      fresh: each({ ...NOTHING, input_tokens: MILLION }),
      cached: each({ ...NOTHING, input_tokens: MILLION, cached_input_tokens: MILLION }),
      written: each({ ...NOTHING, input_tokens: MILLION, cache_write_input_tokens: MILLION }),
      output: each({ ...NOTHING, output_tokens: MILLION }),
    };
  }
  return null;
}

function ask(home: ModelHome, usage: TokenCounts, at?: Date): number | null {
  const { cached, written } = partsOf(usage);
  const price = calcPrice(
    {
      input_tokens: usage.input_tokens,
      cache_read_tokens: cached,
      cache_write_tokens: written,
      output_tokens: usage.output_tokens,
    },
    home.model,
    { ...options(home), ...(at === undefined ? {} : { timestamp: at }) },
  );
  return price?.total_price ?? null;
}

function options({ provider }: ModelHome): { providerId?: string } {
  return provider === null ? {} : { providerId: provider };
}

/** The list refuses more cached tokens than tokens; an application that miscounts still gets a price. */
function partsOf({ input_tokens, cached_input_tokens, cache_write_input_tokens = 0 }: TokenCounts) {
  const cached = Math.min(cached_input_tokens, input_tokens);
  const written = Math.min(cache_write_input_tokens, input_tokens - cached);
  return { cached, written, fresh: input_tokens - cached - written };
}
