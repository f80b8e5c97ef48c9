/** Counts, shares and spans as people say them. */

export { counted as count } from "@plumbline/schemas";

/** `5%`, `0.5%`. @param share in [0, 1] */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
] as const;

/** `3 h`, `2 d`: the largest unit that fits, rounded down; `now` below a second. */
function span(ms: number): string {
  for (const [unitMs, unit] of UNITS) if (ms >= unitMs) return `${Math.floor(ms / unitMs)} ${unit}`;
  return "now";
}

/** `3 h ago`, `just now`. @param at ISO 8601, or ms since the epoch */
export function ago(at: string | number, now: number): string {
  const ms = now - new Date(at).getTime();
  return ms < 1000 ? "just now" : `${span(ms)} ago`;
}

/** `2026-11-24 09:15 UTC` */
export function minute(at: string): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
