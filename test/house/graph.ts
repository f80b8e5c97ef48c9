/** Arrows from a name to the names that it needs. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Everything that can be come to from `starts`, these included. */
export function reach(starts: Iterable<string>, graph: Graph): ReadonlySet<string> {
  const seen = new Set(starts);
  for (const name of seen) for (const next of graph.get(name) ?? []) if (graph.has(next)) seen.add(next);
  return seen;
}

/** Sets of names that all need one another, by Tarjan's algorithm; each sorted. */
export function cyclesOf(graph: Graph): readonly (readonly string[])[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const cycles: string[][] = [];

  function visit(name: string): void {
    index.set(name, index.size);
    low.set(name, index.get(name)!);
    stack.push(name);
    onStack.add(name);
    for (const next of graph.get(name) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(name, Math.min(low.get(name)!, low.get(next)!));
      } else if (onStack.has(next)) low.set(name, Math.min(low.get(name)!, index.get(next)!));
    }
    if (low.get(name) !== index.get(name)) return;
    const members = stack.splice(stack.lastIndexOf(name));
    for (const member of members) onStack.delete(member);
    if (members.length > 1) cycles.push(members.toSorted());
  }

  for (const name of graph.keys()) if (!index.has(name)) visit(name);
  return cycles;
}
