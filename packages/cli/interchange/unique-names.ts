/** Names of use cases for prompts of other tools, no two alike. */
import { createHash } from "node:crypto";
import { useCaseFrom } from "./imported-prompt.ts";

const NAME_CHARS_MAX = 64;

/**
 * One name for each of the names given, in their order: folded to what a use case may be called, and numbered where
 * several fold to the same. A name of which nothing can be kept gets one from its hash.
 *
 * @param note is told of every name that is not simply its fold
 */
export function uniqueNames(
  names: readonly string[],
  note: (name: string, became: string, why: string) => void,
): readonly string[] {
  const folds = names.map((name) => useCaseFrom(name) ?? `prompt-${hashOf(name)}`);
  // Whoever folds to a name first has it, so that a number never takes another prompt's own name.
  const taken = new Set(folds);
  const held = new Map<string, string>();
  return names.map((name, i) => {
    const fold = folds[i]!;
    const holder = held.get(fold);
    if (holder === undefined) {
      held.set(fold, name);
      if (useCaseFrom(name) === null) note(name, fold, "nothing of the name can name a use case");
      return fold;
    }
    let number = 2;
    while (taken.has(numbered(fold, number))) number += 1;
    const became = numbered(fold, number);
    taken.add(became);
    note(name, became, holder === name ? "another prompt has the same name" : `${holder} is called ${fold}`);
    return became;
  });
}

function numbered(name: string, number: number): string {
  const tail = `-${number}`;
  return `${name.slice(0, NAME_CHARS_MAX - tail.length)}${tail}`;
}

function hashOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 8);
}
