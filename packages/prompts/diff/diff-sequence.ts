import { diffArrays } from "diff";

/** One run of a difference: the same in both, only in the old, only in the new. */
interface DiffRun {
  readonly op: "same" | "removed" | "added";
  readonly items: readonly string[];
}

/** Edits of one comparison, about 100 ms. Beyond it the texts are reported as replaced, which is true, if less fine. */
const EDITS_MAX = 4_000;

/** A shortest difference of two sequences, removed items before the added ones in their place. */
export function diffSequence(before: readonly string[], after: readonly string[]): readonly DiffRun[] {
  const changes = diffArrays([...before], [...after], { maxEditLength: EDITS_MAX });
  return (
    changes?.map(({ added, removed, value }) => ({
      op: added ? "added" : removed ? "removed" : "same",
      items: value,
    })) ?? [
      { op: "removed", items: before },
      { op: "added", items: after },
    ]
  );
}

/** Words, white space and punctuation as separate items; joined they are the text again. */
export function splitWords(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}
