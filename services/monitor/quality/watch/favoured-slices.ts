/** Which slices a new version most likely hurts, decided before any of its outcomes is seen. Pure. */
import { PREDICATE_WORDS } from "@plumbline/features";
import { slicesTouchedByDiff } from "@plumbline/stats";

/**
 * Slices that the edit of the prompt is about, by their names or by the words that people use for them.
 *
 * @param slices names of the predicates that the reference knows
 * @param changedWords words and symbols of the edit; empty when the texts are unknown
 */
export function slicesOfEdit(slices: Iterable<string>, changedWords: string): readonly string[] {
  if (changedWords === "") return [];
  const predicates = [...new Set(slices)].map((name) => [name, PREDICATE_WORDS[name] ?? ""] as const);
  return slicesTouchedByDiff(Object.fromEntries(predicates), changedWords).toSorted();
}
