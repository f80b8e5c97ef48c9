const characters = new Intl.Segmenter("en", { granularity: "grapheme" });
/** UTF-16 units: a character of more is cut inside; no writing system has one. */
const CHARACTER_LENGTH_MAX = 64;

/**
 * clip cuts a text to `length` UTF-16 units, with an ellipsis where something is missing. It cuts between characters as people
 * see them: never inside an emoji, a letter with its marks or a syllable.
 *
 * @param costOf units that a character takes, where it is written otherwise than it stands; default: its own
 */
export function clip(
  text: string,
  length: number,
  costOf: (character: string) => number = (character) => character.length,
): string {
  if (length <= 0) return "";
  let end = 0;
  let cost = 0;
  /** The end of the longest beginning that leaves room for the ellipsis. */
  let cut = 0;
  for (const { index, segment } of characters.segment(text.slice(0, length + CHARACTER_LENGTH_MAX))) {
    cost += costOf(segment);
    if (cost > length) return `${text.slice(0, cut)}…`;
    end = index + segment.length;
    if (cost <= length - 1) cut = end;
  }
  return end === text.length ? text : `${text.slice(0, cut)}…`;
}
