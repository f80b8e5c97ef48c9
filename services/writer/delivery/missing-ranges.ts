/** Which of the offsets that a store lacks are to be looked into: pure arithmetic on runs. */
import type { AuditedRange, Run } from "./destination.ts";

/**
 * Leaves out what finished batches explain: when a batch has as many rows in the store as it noted, its other offsets
 * were duplicates, dead letters or the log's own.
 *
 * @param runs rising, apart from one another
 * @param within where `runs` were looked for; a batch that reaches beyond explains nothing
 */
export function unexplainedRuns(
  runs: readonly Run[],
  audits: readonly AuditedRange[],
  within: Run,
): readonly Run[] {
  const explained = audits
    .filter(({ from, to, rows }) => {
      if (from < within.from || to > within.to) return false;
      return to - from + 1 - overlap(runs, { from, to }) >= rows;
    })
    .toSorted((a, b) => a.from - b.from);
  const left: Run[] = [];
  for (const run of runs) {
    let from = run.from;
    for (const each of explained) {
      if (each.to < from) continue;
      if (each.from > run.to) break;
      if (each.from > from) left.push({ from, to: each.from - 1 });
      from = each.to + 1;
    }
    if (from <= run.to) left.push({ from, to: run.to });
  }
  return left;
}

/** How many offsets of `range` are in the runs. */
export function overlap(runs: readonly Run[], { from, to }: Run): number {
  let offsets = 0;
  for (let i = firstEndingAtOrAfter(runs, from); i < runs.length && runs[i]!.from <= to; i++)
    offsets += Math.min(to, runs[i]!.to) - Math.max(from, runs[i]!.from) + 1;
  return offsets;
}

/** The run that holds an offset, or undefined. */
export function runAt(runs: readonly Run[], offset: number): Run | undefined {
  const run = runs[firstEndingAtOrAfter(runs, offset)];
  return run !== undefined && run.from <= offset ? run : undefined;
}

/** Runs that lie so near one another that one reading of the log serves them all. */
export function groupRuns(runs: readonly Run[], apartMax: number): readonly (readonly Run[])[] {
  const groups: Run[][] = [];
  for (const run of runs) {
    const group = groups.at(-1);
    if (group !== undefined && run.from - group.at(-1)!.to <= apartMax) group.push(run);
    else groups.push([run]);
  }
  return groups;
}

function firstEndingAtOrAfter(runs: readonly Run[], offset: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle]!.to < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
