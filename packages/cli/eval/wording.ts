/** Numbers in the words of the table, the Markdown and the summaries. */
import type { GateRow } from "@plumbline/gate/gate";
import { count } from "../text/spoken.ts";
import type { PassRate } from "./summarise.ts";

export function score(value: number | null): string {
  return value === null ? "unknown" : value.toFixed(3);
}

/** `−12.0 pts`: score points in hundredths. */
export function points(value: number): string {
  return `${signed(value * 100)} pts`;
}

/** `−18.1 to −6.3` */
export function range({ lower, upper }: { readonly lower: number; readonly upper: number }): string {
  return `${signed(lower * 100)} to ${signed(upper * 100)}`;
}

export function passRate(rate: PassRate | null): string {
  if (rate === null) return "unknown";
  const { passes, n, lower, upper } = rate;
  return `${percent(passes / n)} (${percent(lower)} to ${percent(upper)})`;
}

export function dollars(value: number | null): string {
  if (value === null) return "unknown";
  return value === 0 || value >= 0.1 ? `$${value.toFixed(2)}` : `$${value.toPrecision(2)}`;
}

export interface Unpriced {
  /** The model or the judge. */
  readonly who: string;
  readonly answers: number;
}

/** `$0.12 of at most $5.00 spent`, and whose answers are in no sum. */
export function spent(usd: number, maxUsd: number, unpriced: readonly Unpriced[]): string {
  const sum = `${dollars(usd)} of at most ${dollars(maxUsd)} spent`;
  if (unpriced.length === 0) return sum;
  return `${usd === 0 ? "what was spent is unknown" : `${sum}, and an unknown sum`}: ${noPriceOf(unpriced)}`;
}

/** `no price is known for 20 answers of openai/own` */
export function noPriceOf(unpriced: readonly Unpriced[]): string {
  return `no price is known for ${unpriced.map(({ who, answers }) => `${count(answers, "answer")} of ${who}`).join(" and ")}`;
}

export function milliseconds(value: number | null): string {
  return value === null ? "unknown" : `${Math.round(value)} ms`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** What a slice's row says in words. */
export function sliceVerdict(
  { n, paired, p_worse_adjusted: p }: GateRow,
  { alpha, slice_min_cases: min }: { readonly alpha: number; readonly slice_min_cases: number },
): string {
  if (paired === null) return "";
  if (n < min) return `shown, not judged: fewer than ${count(min, "case")}`;
  return p !== null && p <= alpha && paired.difference < 0 ? "significantly worse" : "";
}

/** How to read a pass. */
export function detectable(drop: number | null): string {
  return drop === null
    ? "So few cases could not have shown any drop: a pass says nothing."
    : `A true drop of ${(drop * 100).toFixed(1)} points or more would be refused in four of five runs; a smaller one can pass unseen.`;
}

function signed(value: number): string {
  const text = Math.abs(value).toFixed(1);
  return Number(text) === 0 ? text : value < 0 ? `−${text}` : `+${text}`;
}
