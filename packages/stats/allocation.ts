/**
 * Square-root allocation of a judging budget: n_s proportional to sqrt(N_s).
 *
 * Between proportional (best for the global mean) and equal (best for small slices). The
 * shares sum to the budget; they are not rounded and not capped at N_s.
 *
 * @param traffic shape [S], S >= 1: units of traffic per stratum, not all 0
 * @param budget units to judge, >= 0
 * @throws RangeError when there is no traffic or an argument is negative
 *
 * @see Bankier, Power allocations, American Statistician 42 (1988)
 */
export function squareRootAllocation(traffic: readonly number[], budget: number): number[] {
  return proportional(
    traffic.map((units) => Math.sqrt(units)),
    budget,
  );
}

/**
 * Neyman allocation: n_s proportional to N_s · sd_s, which minimises the variance of the
 * stratified mean for a given budget.
 *
 * @param traffic shape [S]
 * @param deviations shape [S]: standard deviation of the score within each stratum
 * @throws RangeError as `squareRootAllocation`, and when shapes differ
 *
 * @see Neyman, JRSS 97 (1934)
 */
export function neymanAllocation(
  traffic: readonly number[],
  deviations: readonly number[],
  budget: number,
): number[] {
  if (traffic.length !== deviations.length) {
    throw new RangeError(`neymanAllocation: ${traffic.length} strata, ${deviations.length} deviations`);
  }
  return proportional(
    traffic.map((units, s) => units * deviations[s]!),
    budget,
  );
}

function proportional(weights: readonly number[], budget: number): number[] {
  if (!(budget >= 0)) throw new RangeError(`allocation: budget ${budget}`);
  if (weights.some((weight) => !(weight >= 0))) throw new RangeError("allocation: a negative stratum");
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) throw new RangeError("allocation: no traffic");
  return weights.map((weight) => (budget * weight) / total);
}
