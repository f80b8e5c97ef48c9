/** Attributes become slices `key=value`, when they look like a few values that many calls share. */

/** Attribute slices of one call. */
const ATTRIBUTE_SLICES_MAX = 10;
const VALUE_CHARS_MAX = 32;
const KEY_CHARS_MAX = 40;
/** Keys that name one thing each: a slice of one call says nothing and costs a row. */
const IDENTIFIER =
  /(?:^|[_.-])(?:id|ids|uuid|guid|hash|token|key|trace|span|session|request|email|phone|url|time|date|timestamp|ts|seq|sequence|name|address)$/i;
const CAMEL_IDENTIFIER = /(?:Id|Uuid|Hash|Token|Key|At|Email|Url|Time|Date)$/;

/**
 * True for a value that looks like one of few: short, beginning with a letter or a number of at most 2 digits, and
 * with at most 4 digits in all, so that order numbers, hashes and times stay out.
 */
function looksShared(value: string): boolean {
  if (value.length === 0 || value.length > VALUE_CHARS_MAX) return false;
  let digits = 0;
  let letters = 0;
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c >= 0x30 && c <= 0x39) digits++;
    else if ((c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c >= 0xc0) letters++;
    else if (c !== 0x20 && c !== 0x5f && c !== 0x2d && c !== 0x2e && c !== 0x2f && c !== 0x2b) return false;
  }
  return digits <= 4 && (letters > 0 || digits <= 2);
}

/** Keys of slices that the product names itself: an attribute of the same name would pass for one of them. */
const OWN_KEYS: ReadonlySet<string> = new Set(["cell", "input_length", "lang", "model"]);

const keyVerdicts = new Map<string, boolean>();
/** Keys come from code, hence are few; the bound only guards against an application that makes them up. */
const KEY_VERDICTS_MAX = 5000;

function isSliceKey(key: string): boolean {
  let verdict = keyVerdicts.get(key);
  if (verdict === undefined) {
    verdict =
      key.length <= KEY_CHARS_MAX &&
      !OWN_KEYS.has(key) &&
      !IDENTIFIER.test(key) &&
      !CAMEL_IDENTIFIER.test(key);
    if (keyVerdicts.size < KEY_VERDICTS_MAX) keyVerdicts.set(key, verdict);
  }
  return verdict;
}

/**
 * Appends `key=value` for at most 10 attributes, in the order of their keys, so that which ones are kept does
 * not depend on the order in which an application set them.
 */
export function appendAttributeSlices(slices: string[], attributes: Readonly<Record<string, string>>): void {
  const kept: string[] = [];
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    if (isSliceKey(key) && looksShared(value)) kept.push(`${key}=${value}`);
  }
  if (kept.length > 1) kept.sort();
  for (let i = 0; i < kept.length && i < ATTRIBUTE_SLICES_MAX; i++) slices.push(kept[i]!);
}
