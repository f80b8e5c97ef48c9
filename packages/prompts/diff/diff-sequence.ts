/** One run of a difference: the same in both, only in the old, only in the new. */
interface DiffRun {
  readonly op: "same" | "removed" | "added";
  readonly items: readonly string[];
}

/** Cells of the table that one comparison may take: 4 million are about 8 MB and 20 ms. */
const CELLS_MAX = 4_000_000;

/**
 * Longest-common-subsequence difference of two sequences. What begins and ends alike is set aside first; should the
 * rest be too large for the table, it is reported as removed and added whole, which is true, if less fine.
 */
export function diffSequence(before: readonly string[], after: readonly string[]): readonly DiffRun[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  const runs: { op: DiffRun["op"]; items: string[] }[] = [];
  const push = (op: DiffRun["op"], item: string): void => {
    const last = runs.at(-1);
    if (last?.op === op) last.items.push(item);
    else runs.push({ op, items: [item] });
  };
  for (const item of before.slice(0, head)) push("same", item);
  middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail), push);
  for (const item of before.slice(before.length - tail)) push("same", item);
  return runs;
}

function middle(
  a: readonly string[],
  b: readonly string[],
  push: (op: DiffRun["op"], item: string) => void,
): void {
  const width = b.length + 1;
  if (a.length === 0 || b.length === 0 || (a.length + 1) * width > CELLS_MAX) {
    for (const item of a) push("removed", item);
    for (const item of b) push("added", item);
    return;
  }
  // longest[i][j]: common items of a from i and b from j.
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      push("same", a[i]!);
      i++;
      j++;
    } else if (longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!) push("removed", a[i++]!);
    else push("added", b[j++]!);
  }
  while (i < a.length) push("removed", a[i++]!);
  while (j < b.length) push("added", b[j++]!);
}

/** Words, white space and punctuation as separate items; joined they are the text again. */
export function splitWords(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}
