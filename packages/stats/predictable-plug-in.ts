import type { Interval } from "./interval.ts";

/**
 * Predictable plug-in empirical Bernstein confidence sequence for a mean in [0, 1].
 *
 * Exact for any distribution, but it depends on the order of the units, so a recomputed hour could
 * change a printed interval. It is therefore not used in production; tests hold the order-free
 * sequences against it.
 *
 * @param x shape [n]: scores in order of arrival
 * @param truncation largest bet, in (0, 1)
 * @returns shape [n]: the interval after each unit, α/2 on each side, without running intersection
 * @see Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, Theorem 2,
 *   JRSS-B 86 (2024)
 */
export function predictablePlugInSequence(x: readonly number[], alpha = 0.05, truncation = 0.5): Interval[] {
  const lower = lowerBounds(x, alpha / 2, truncation);
  const mirrored = lowerBounds(
    x.map((value) => 1 - value),
    alpha / 2,
    truncation,
  );
  return lower.map((bound, i) => ({ lower: bound, upper: 1 - mirrored[i]! }));
}

function lowerBounds(x: readonly number[], alpha: number, truncation: number): number[] {
  const nats = Math.log(1 / alpha);
  const bounds: number[] = [];
  let sum = 0;
  let squares = 0;
  let variance = 0.25;
  let bets = 0;
  let won = 0;
  let penalty = 0;
  for (const [i, value] of x.entries()) {
    const t = i + 1;
    const bet = Math.min(Math.sqrt((2 * nats) / (t * Math.log(1 + t) * variance)), truncation);
    const previousMean = i === 0 ? 0 : sum / i;
    bets += bet;
    won += bet * value;
    penalty += (value - previousMean) ** 2 * (-Math.log1p(-bet) - bet);
    bounds.push(Math.max(0, (won - nats - penalty) / bets));
    sum += value;
    const regularisedMean = Math.min((0.5 + sum) / (t + 1), 1);
    squares += (value - regularisedMean) ** 2;
    variance = (0.25 + squares) / (t + 1);
  }
  return bounds;
}
