/**
 * Names that hold what somebody wrote: a slice is named after an attribute's value, `customer=Acme`, and stands under that
 * name in incidents and in messages about them. Which of them were erased is known by hash alone.
 */
import { createHash } from "node:crypto";

/** What may be a slice of an attribute: the end of its key, and where its value begins. */
const KEY = /[\p{L}\p{N}_.-]{1,40}=/gu;
/** Longest value that names a slice, as `packages/features` makes them. */
const VALUE_CHARS_MAX = 32;
const WORD = /[\p{L}\p{N}]/u;

/**
 * What the erasure list keeps of a slice's name.
 *
 * @returns 64 hex digits; null for a name without an attribute's value
 */
export function nameHash(tenant: string, name: string): string | null {
  const [key] = name.match(KEY) ?? [];
  if (key === undefined) return null;
  const plain = name.slice(name.indexOf(key));
  return createHash("sha256").update(`${tenant}\0name\0${plain}`).digest("hex");
}

/**
 * withoutErasedNames returns the text with `customer=erased` in place of each name whose hash `isErased` knows. The time it
 * takes is linear in the text.
 */
export function withoutErasedNames(
  text: string,
  tenant: string,
  isErased: (hash: string) => boolean,
): string {
  let clean = "";
  let kept = 0;
  for (const { 0: key, index } of text.matchAll(KEY)) {
    if (index < kept) continue;
    const start = index + key.length;
    const chars = erasedChars(text, start, (value) => {
      const hash = nameHash(tenant, `${key}${value}`);
      return hash !== null && isErased(hash);
    });
    if (chars === 0) continue;
    clean += `${text.slice(kept, start)}erased`;
    kept = start + chars;
  }
  return kept === 0 ? text : clean + text.slice(kept);
}

/** Characters of the erased value that begins at `start`, the longest of them; 0 when none does. */
function erasedChars(text: string, start: number, isErased: (value: string) => boolean): number {
  for (let chars = Math.min(VALUE_CHARS_MAX, text.length - start); chars > 0; chars--) {
    // "Ann" is not a part of "Anna".
    if (WORD.test(text.slice(start + chars - 1, start + chars)) && WORD.test(text.charAt(start + chars)))
      continue;
    if (isErased(text.slice(start, start + chars))) return chars;
  }
  return 0;
}
