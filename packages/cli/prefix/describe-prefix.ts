import { count } from "../text/spoken.ts";
import type { FixedPart, PrefixPlace } from "@plumbline/prompts";
import type { PricedPrefix } from "./price-prefix.ts";

/** One or two sentences for people, about a prompt of which something was cached; without a final line break. */
export function describePrefix(change: PricedPrefix): string {
  const { first_change: first, after, lost_tokens: lost } = change;
  const where =
    first === "model"
      ? "another model has a cache of its own"
      : first === "output"
        ? "the output schema comes before everything else"
        : `it differs from ${placeOf(first)} on`;
  if (lost > 0) return `cached prefix: ${where}. ${describeLoss(change)}`;
  const anew = tokens(after.cached_tokens - Math.min(change.shared_tokens, after.cached_tokens));
  return `cached prefix: ${where}. The first calls read ${anew} tokens anew; then ${tokens(after.cached_tokens)} are cached, as before`;
}

/** What stops being cached, why, and what that costs. */
export function describeLoss(change: PricedPrefix): string {
  const { before, after, lost_tokens } = change;
  const isShorter = after.ends_at?.tag === before.ends_at?.tag;
  const why = isShorter && after.cached_tokens === 0 ? underMinimum(change) : endOf(after);
  return `${why}: ${tokens(lost_tokens)} tokens of every call stop being cached, ${costOf(change)}`;
}

function endOf({ ends_at, tokens: fixed }: FixedPart): string {
  if (ends_at === null) return `The fixed part is ${tokens(fixed)} tokens now`;
  return `The fixed part ends at ${placeOf(ends_at)} now, with ${ends_at.tag}`;
}

function underMinimum({ after, minimum_tokens }: PricedPrefix): string {
  return `The fixed part is ${tokens(after.tokens)} tokens, less than the ${(minimum_tokens ?? 0).toLocaleString("en-US")} that the provider caches`;
}

function costOf({ calls_per_day, cached_share, lost_usd_per_day, unknown }: PricedPrefix): string {
  if (calls_per_day === null) return `at a cost that is not known: traffic unknown (${unknown})`;
  const calls = `${count(calls_per_day, "call")} of the last day`;
  if (lost_usd_per_day === null) return `at ${calls}, at a cost that is not known: ${unknown}`;
  const share =
    cached_share === null ? "" : `, ${Math.round(100 * cached_share)}% of them read from the cache`;
  return `about $${dollars(lost_usd_per_day)} a day (${calls}${share})`;
}

function dollars(usd: number): string {
  if (usd === 0) return "0";
  return usd < 0.01 ? usd.toPrecision(1) : usd.toFixed(2);
}

function placeOf({ byte, role, line }: PrefixPlace): string {
  return `byte ${byte.toLocaleString("en-US")} (${role}, line ${line})`;
}

function tokens(count: number): string {
  return `about ${count.toLocaleString("en-US")}`;
}
