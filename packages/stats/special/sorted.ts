/**
 * An ascending copy of a sample.
 *
 * @throws RangeError when the sample is empty or holds a value that is not a finite number
 */
export function sorted(values: readonly number[], name: string): Float64Array {
  if (values.length === 0) throw new RangeError(`${name}: a sample is empty`);
  const copy = Float64Array.from(values);
  for (const value of copy) {
    if (!Number.isFinite(value)) throw new RangeError(`${name}: value ${value}`);
  }
  return copy.sort();
}
