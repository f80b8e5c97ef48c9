/** Ranks of a pooled sample. */
interface Midranks {
  /** shape [n]: 1-based ranks; tied values share the mean of their ranks. */
  readonly ranks: Float64Array;
  /** Sum over groups of t tied values of t³ − t; 0 without ties. */
  readonly tieTerm: number;
}

/** @throws RangeError when a value is not a finite number */
export function midranks(values: readonly number[]): Midranks {
  for (const value of values) if (!Number.isFinite(value)) throw new RangeError(`midranks: value ${value}`);
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = new Float64Array(values.length);
  let tieTerm = 0;
  let start = 0;
  while (start < order.length) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranks[order[i]!] = (start + 1 + end) / 2;
    const tied = end - start;
    tieTerm += tied ** 3 - tied;
    start = end;
  }
  return { ranks, tieTerm };
}
