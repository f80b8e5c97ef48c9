/** Cuts between characters: half a surrogate pair is no text, and providers and stores refuse it. */

/** The text's beginning, at most `max` UTF-16 units. */
export function clip(text: string, max: number): string {
  return text.length <= max ? text : wholeCharacters(text.slice(0, max));
}

/** Of what is kept, the share of the beginning: openings say what a text is, the decisive words stand in the end. */
const HEAD_SHARE = 0.6;

/** What of a text is shown: head and tail, with the number of characters left out between them. */
export function cutMiddle(text: string, max: number): { readonly text: string; readonly shown: number } {
  if (text.length <= max) return { text, shown: text.length };
  const headUnits = Math.ceil(max * HEAD_SHARE);
  const head = wholeCharacters(text.slice(0, headUnits));
  const tail = wholeCharacters(text.slice(text.length - (max - headUnits)));
  const shown = head.length + tail.length;
  const gone = text.length - shown;
  return { text: `${head}\n[… ${gone} character${gone === 1 ? "" : "s"} left out …]\n${tail}`, shown };
}

function wholeCharacters(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "");
}
