/** What tokens that stop being cached cost a day, by the price table of the writer and the calls of the last day. */
import type { PrefixChange } from "@plumbline/prompts";
import { createPricing } from "@plumbline/gate/price/create-pricing";
import { z } from "zod";
import { CommandFailure } from "../shell/failure.ts";
import { storeTime } from "../sql/read-window.ts";
import type { SqlEndpoint } from "../sql/sql-endpoint.ts";

const DAY_MS = 86_400_000;
const MILLION = 1_000_000;

const TrafficRow = z.object({ calls: z.number(), reported_calls: z.number(), cached_calls: z.number() });

/** An edit's effect on the cached prefix, with what it costs. */
export interface PricedPrefix extends PrefixChange {
  /** Calls of the last day that reached a provider; null when nobody could be asked. */
  readonly calls_per_day: number | null;
  /** Of the calls whose provider said so, the share that was read from its cache; null without one. */
  readonly cached_share: number | null;
  /** US dollars; null when calls or prices are not known, 0 when nothing stops being cached. */
  readonly lost_usd_per_day: number | null;
  /** Why there are no calls or no dollars; null when there are. */
  readonly unknown: string | null;
}

interface PricedUse {
  readonly useCase: string;
  readonly env: string;
  /** `provider/model`. */
  readonly model: string;
  /** Ms since the epoch. */
  readonly now: number;
}

/** Asks about calls only when there is something to price. A store that does not answer is no failure here. */
export async function pricePrefix(
  change: PrefixChange,
  use: PricedUse,
  sql: SqlEndpoint,
): Promise<PricedPrefix> {
  const nothing = { calls_per_day: null, cached_share: null, lost_usd_per_day: null, unknown: null };
  if (change.lost_tokens === 0) return { ...change, ...nothing, lost_usd_per_day: 0 };
  const traffic = await readTraffic(use, sql);
  if (typeof traffic === "string") return { ...change, ...nothing, unknown: traffic };
  const { calls, reported_calls, cached_calls } = traffic;
  const cached_share = reported_calls === 0 ? null : cached_calls / reported_calls;
  const known = { ...change, calls_per_day: calls, cached_share };
  const saved = savedPerToken(use.model, use.now);
  if (saved === null)
    return { ...known, lost_usd_per_day: null, unknown: `the price table does not have ${use.model}` };
  const lost_usd_per_day = calls * (cached_share ?? 1) * change.lost_tokens * saved;
  return { ...known, lost_usd_per_day, unknown: null };
}

async function readTraffic(
  { useCase, env, now }: PricedUse,
  sql: SqlEndpoint,
): Promise<z.output<typeof TrafficRow> | string> {
  try {
    const window = { start: storeTime(now - DAY_MS), end: storeTime(now) };
    const [row] = await sql.query("prefix_traffic", { use_case: useCase, env, ...window }, TrafficRow);
    return row ?? `${sql.url} has no answer`;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    return error.message;
  }
}

/** US dollars that the provider's cache saves a token; null when the model has no price. */
function savedPerToken(named: string, now: number): number | null {
  const slash = named.indexOf("/");
  const provider = slash > 0 ? named.slice(0, slash) : null;
  const priceOf = createPricing();
  const at = new Date(now);
  const cost = (cached_input_tokens: number): number | null =>
    priceOf({ provider, model: named.slice(slash + 1) }, at, {
      input_tokens: MILLION,
      cached_input_tokens,
      output_tokens: 0,
    });
  const [full, cached] = [cost(0), cost(MILLION)];
  return full === null || cached === null ? null : (full - cached) / MILLION;
}
