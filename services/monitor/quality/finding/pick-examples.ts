/** Which judged calls are shown with an alert. */
import type { JudgedUnitRow } from "@plumbline/ports";
import type { QualityEvidence } from "@plumbline/schemas";

const EXAMPLES_MAX = 3;

/**
 * The worst judged calls of the slice that explains the fall, each of another input. One that the version before answered as
 * well, and better, comes first: the two answers side by side say most.
 *
 * @param slice `a & b` holds for calls of both; null: any call
 */
export function pickExamples(
  current: readonly JudgedUnitRow[],
  reference: readonly JudgedUnitRow[],
  slice: string | null,
): NonNullable<QualityEvidence["examples"]> {
  const names = slice === null ? [] : slice.split(" & ");
  const before = bestByInput(reference);
  const inputs = new Set<string>();
  const examples: { readonly row: JudgedUnitRow; readonly old: JudgedUnitRow | null }[] = [];
  for (const row of current) {
    if (!names.every((name) => row.slices.includes(name))) continue;
    const old = before.get(row.input_fingerprint ?? "");
    examples.push({ row, old: old !== undefined && old.score > row.score ? old : null });
  }
  return examples
    .toSorted(
      (a, b) =>
        Number(a.old === null) - Number(b.old === null) ||
        a.row.score - b.row.score ||
        (a.row.call_id < b.row.call_id ? -1 : 1),
    )
    .filter(({ row: { input_fingerprint: input = "" } }) => {
      if (input !== "" && inputs.has(input)) return false;
      inputs.add(input);
      return true;
    })
    .slice(0, EXAMPLES_MAX)
    .map(({ row, old }) => ({
      call_id: row.call_id,
      score: row.score,
      before_call_id: old?.call_id ?? null,
    }));
}

/** The best answer to each input whose text is known to be the same. */
function bestByInput(rows: readonly JudgedUnitRow[]): ReadonlyMap<string, JudgedUnitRow> {
  const best = new Map<string, JudgedUnitRow>();
  for (const row of rows) {
    const { input_fingerprint: input = "" } = row;
    const known = best.get(input);
    if (input !== "" && (known === undefined || row.score > known.score)) best.set(input, row);
  }
  return best;
}
