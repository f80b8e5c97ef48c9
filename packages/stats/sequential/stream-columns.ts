/**
 * Compiles slices, each a conjunction of predicate names, into a function from the names that hold for
 * a unit to the 1-based positions of the slices that hold, ascending.
 *
 * The returned array is reused by the next call; copy it to keep it. Cost: one map lookup a name.
 */
export function compileColumns(
  slices: readonly (readonly string[])[],
): (held: readonly string[]) => number[] {
  const columnsOf = new Map<string, { readonly columns: number[]; seenAt: number }>();
  const needed = new Int32Array(slices.length);
  for (const [i, slice] of slices.entries()) {
    const predicates = new Set(slice);
    needed[i] = predicates.size;
    for (const name of predicates) {
      const entry = columnsOf.get(name) ?? { columns: [], seenAt: -1 };
      entry.columns.push(i);
      columnsOf.set(name, entry);
    }
  }
  const found = new Int32Array(slices.length);
  const touched: number[] = [];
  const active: number[] = [];
  let call = 0;
  return (held) => {
    call += 1;
    active.length = 0;
    touched.length = 0;
    for (const name of held) {
      const entry = columnsOf.get(name);
      if (entry === undefined || entry.seenAt === call) continue;
      entry.seenAt = call;
      for (const i of entry.columns) {
        if (found[i] === 0) touched.push(i);
        found[i]! += 1;
      }
    }
    for (const i of touched) {
      if (found[i] === needed[i]) active.push(i + 1);
      found[i] = 0;
    }
    active.sort((a, b) => a - b);
    return active;
  };
}
