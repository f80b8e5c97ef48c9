/** Things in a text that have a shape of their own: masks, e-mail addresses, dates in digits, program text. */
import { CODE, isAsciiLetter, isDigit, isUpper } from "./characters.ts";

/** isDateShape tells a date in digits by its separator and the lengths of its three groups. */
export function isDateShape(separator: number, first: number, second: number, third: number): boolean {
  if (second > 2 || separator === CODE.comma || separator === CODE.colon) return false;
  if (first === 4) return third <= 2 && separator !== CODE.dot;
  return first <= 2 && (third === 4 || (third === 2 && separator === CODE.slash));
}

/** maskLength returns the length of the mask whose bracket stands at `from`, 0 when there is none. */
export function maskLength(codes: Uint16Array, from: number, end: number): number {
  let k = from + 1;
  let capitals = 0;
  let isUpperOnly = true;
  for (; k < end && k - from <= 32; k++) {
    const c = codes[k]!;
    if (c === CODE.bracketClose) break;
    if (isUpper(c)) capitals++;
    else if (c >= 0x61 && c <= 0x7a) isUpperOnly = false;
    else if (c !== 0x20 && c !== 0x5f && c !== CODE.dash && !isDigit(c)) return 0;
  }
  if (k >= end || codes[k]! !== CODE.bracketClose) return 0;
  if (isUpperOnly) return capitals >= 3 ? k - from + 1 : 0;
  return MASK_WORD.test(String.fromCharCode(...codes.subarray(from + 1, k))) ? k - from + 1 : 0;
}

const MASK_WORD = /^(?:redacted|removed|masked|hidden|omitted|withheld)/i;

/** isAddress holds for an `@` at `at` between a name and a domain with a dot. */
export function isAddress(codes: Uint16Array, at: number, end: number): boolean {
  if (at === 0 || !isAddressChar(codes[at - 1]!)) return false;
  let hasDot = false;
  for (let k = at + 1; k < end && k - at < 64; k++) {
    const c = codes[k]!;
    if (c === CODE.dot) {
      if (hasDot || k === at + 1) return hasDot;
      hasDot = k + 1 < end && isAddressChar(codes[k + 1]!);
      if (hasDot) return true;
    } else if (!isAddressChar(c) && c !== CODE.dash) return false;
  }
  return false;
}

function isAddressChar(c: number): boolean {
  return isAsciiLetter(c) || isDigit(c) || c === 0x5f;
}

/** isProgramPair holds for two characters that stand together in program text: `=>`, `()`, a brace at a line's end. */
export function isProgramPair(c: number, next: number): boolean {
  switch (c) {
    case CODE.bang:
      return next === CODE.equals;
    case CODE.semicolon:
    case CODE.brace:
    case CODE.braceClose:
      return next === CODE.newline;
    case CODE.equals:
      return next === CODE.greater || next === CODE.equals;
    case CODE.less:
      return next === CODE.slash;
    case CODE.ampersand:
    case CODE.bar:
      return next === c;
    case CODE.open:
      return next === CODE.close;
    default:
      return false;
  }
}
