/**
 * Single characters, as UTF-16 code units: their class, their lower case, their names. Both are looked up in tables: exact
 * for Latin-1, by ranges that are near enough for counting words beyond it.
 */

const OTHER = 0;
export const LETTER = 1;
export const DIGIT = 2;
const SPACE = 3;
export const NEWLINE = 4;
export const MARK = 5;
export const CURRENCY_SIGN = 6;
/** A mark that program text is full of. */
export const PROGRAM_MARK = 7;
/** A character that is a word of its own: Han, kana, Thai and their like have no spaces between words. */
export const IDEOGRAPH = 8;

/** Code units that the scan tells apart, by name. */
export const CODE = {
  newline: 0x0a,
  bang: 0x21,
  dollar: 0x24,
  ampersand: 0x26,
  apostrophe: 0x27,
  open: 0x28,
  close: 0x29,
  star: 0x2a,
  comma: 0x2c,
  dash: 0x2d,
  dot: 0x2e,
  slash: 0x2f,
  colon: 0x3a,
  semicolon: 0x3b,
  less: 0x3c,
  equals: 0x3d,
  greater: 0x3e,
  question: 0x3f,
  at: 0x40,
  bracket: 0x5b,
  bracketClose: 0x5d,
  backtick: 0x60,
  brace: 0x7b,
  bar: 0x7c,
  braceClose: 0x7d,
  quote: 0x2019,
  block: 0x2588,
} as const;

const CODE_UNITS = 0x1_0000;
/** The class of a code unit. */
export const CLASS = new Uint8Array(CODE_UNITS);
/** Lower case of letters and digits, 0 for everything that ends a word. */
export const WORD_LOWER = new Uint16Array(CODE_UNITS);
for (let c = 0; c < CODE_UNITS; c++) {
  CLASS[c] = c < 256 ? latinClass(c) : wideClass(c);
  if (CLASS[c] === LETTER || CLASS[c] === DIGIT) WORD_LOWER[c] = c < 256 ? latinLower(c) : wideLower(c);
}

function latinClass(c: number): number {
  const char = String.fromCharCode(c);
  if (isDigit(c)) return DIGIT;
  if (/[\p{L}_]/u.test(char)) return LETTER;
  if (c === CODE.newline) return NEWLINE;
  if (/\s/.test(char)) return SPACE;
  if ("?!.;@:[*".includes(char)) return MARK;
  if ("$£¥¢".includes(char)) return CURRENCY_SIGN;
  return "`{}=<>&|(".includes(char) ? PROGRAM_MARK : OTHER;
}

function latinLower(c: number): number {
  return String.fromCharCode(c).toLowerCase().charCodeAt(0);
}

function wideClass(c: number): number {
  if (c < 0x2000) return c >= 0x0e00 && c < 0x0e80 ? IDEOGRAPH : LETTER;
  if (c < 0x3000) {
    if (c === 0x20ac || c === 0x20b9 || c === 0x20bd || c === 0x20a9) return CURRENCY_SIGN;
    if (c === CODE.block) return MARK;
    return c <= 0x200a || c === 0x2028 || c === 0x202f ? SPACE : OTHER;
  }
  if (c >= 0x3040 && c < 0xa000) return IDEOGRAPH;
  if (c >= 0xac00 && c < 0xd7a4) return LETTER;
  return OTHER;
}

/** wideLower knows the capitals of Latin Extended, Greek and Cyrillic. */
function wideLower(c: number): number {
  if (c >= 0x0410 && c <= 0x042f) return c + 32;
  if (c >= 0x0400 && c <= 0x040f) return c + 80;
  if (c >= 0x0391 && c <= 0x03a9) return c + 32;
  if (c >= 0x0100 && c <= 0x017f) return c | 1;
  return c;
}

export function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

export function isAsciiLetter(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a);
}

export function isUpper(c: number): boolean {
  return c >= 0x41 && c <= 0x5a;
}

/** isBlank holds for the end of the text, too. */
export function isBlank(c: number): boolean {
  return c === 0 || c === 0x20 || c === CODE.newline;
}
