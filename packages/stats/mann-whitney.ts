import { midranks } from "./midranks.ts";
import { normalSf } from "./special.ts";

export interface MannWhitneyOptions {
  /** What is claimed of x against y; "less": x tends to be smaller. Default "two-sided". */
  readonly alternative?: "two-sided" | "less" | "greater";
  /** Half a step towards the null in the asymptotic form. Default true. */
  readonly continuity?: boolean;
  /** "exact" needs a sample without ties. Default "asymptotic". */
  readonly method?: "asymptotic" | "exact";
}

/** Above this product of sizes the exact distribution is refused: the asymptotic one is as good. */
const EXACT_CELLS_MAX = 10_000;

/**
 * Mann–Whitney (Wilcoxon rank-sum) test.
 *
 * u = #{x > y} + ½ #{x = y} over all n·m pairs = rank sum of x − n(n + 1)/2; u/(n·m) estimates
 * P(x > y) and is n·m/2 under no difference. Asymptotic form: normal with the tie-corrected
 * variance n·m/12 · (N + 1 − Σ(t³ − t)/(N(N − 1))), valid from about 8 rows a side.
 *
 * @param x shape [n], n >= 1
 * @param y shape [m], m >= 1
 * @returns u of x, and the p-value (1 when every value is equal)
 * @throws RangeError when a sample is empty or not finite; for "exact" with ties or n·m > 10,000
 *
 * @see Mann & Whitney, Annals of Mathematical Statistics 18 (1947)
 */
export function mannWhitney(
  x: readonly number[],
  y: readonly number[],
  { alternative = "two-sided", continuity = true, method = "asymptotic" }: MannWhitneyOptions = {},
): { u: number; pValue: number } {
  const n = x.length;
  const m = y.length;
  if (n === 0 || m === 0) throw new RangeError("mannWhitney: a sample is empty");
  const { ranks, tieTerm } = midranks([...x, ...y]);
  let rankSum = 0;
  for (let i = 0; i < n; i++) rankSum += ranks[i]!;
  const u = rankSum - (n * (n + 1)) / 2;
  const extreme = alternative === "greater" ? u : alternative === "less" ? n * m - u : Math.max(u, n * m - u);
  const sides = alternative === "two-sided" ? 2 : 1;

  if (method === "exact") {
    if (tieTerm > 0) throw new RangeError("mannWhitney: the exact form needs a sample without ties");
    if (n * m > EXACT_CELLS_MAX)
      throw new RangeError(`mannWhitney: ${n} × ${m} is too large for the exact form`);
    return { u, pValue: Math.min(1, sides * exactUpperTail(extreme, n, m)) };
  }

  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - tieTerm / (total * (total - 1)));
  if (!(variance > 0)) return { u, pValue: 1 };
  const z = (extreme - (n * m) / 2 - (continuity ? 0.5 : 0)) / Math.sqrt(variance);
  return { u, pValue: Math.min(1, sides * normalSf(z)) };
}

/** P(U >= u) by the recurrence over the largest value, in shares so that nothing overflows. */
function exactUpperTail(u: number, n: number, m: number): number {
  // share[i][s]: probability that U of i values of x against j of y is s, for the current j.
  let share = Array.from({ length: n + 1 }, () => Float64Array.of(1));
  for (let j = 1; j <= m; j++) {
    const next = [Float64Array.of(1)];
    for (let i = 1; i <= n; i++) {
      const largestIsX = next[i - 1]!;
      const largestIsY = share[i]!;
      const row = new Float64Array(i * j + 1);
      for (let s = 0; s < largestIsX.length; s++) row[s + j]! += (i / (i + j)) * largestIsX[s]!;
      for (let s = 0; s < largestIsY.length; s++) row[s]! += (j / (i + j)) * largestIsY[s]!;
      next.push(row);
    }
    share = next;
  }
  let tail = 0;
  for (let s = n * m; s >= u; s--) tail += share[n]![s]!;
  return tail;
}
