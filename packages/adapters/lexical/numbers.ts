/** Numbers of a text, in digits or in English words, as values that can be compared. */

export interface NumberMention {
  readonly value: number;
  /** As written, at most 40 characters. */
  readonly text: string;
  /** Stands beside a currency, a percent sign or a magnitude. */
  readonly hasUnit: boolean;
  readonly index: number;
}

const ONES = [
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
    "eighteen nineteen",
]
  .join(" ")
  .split(" ");
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const WORD_VALUES: ReadonlyMap<string, number> = new Map([
  ...ONES.map((word, value) => [word, value] as const),
  ...TENS.map((word, k) => [word, (k + 2) * 10] as const),
  ["fourty", 40],
  ["dozen", 12],
]);
const MAGNITUDES: ReadonlyMap<string, number> = new Map([
  ["hundred", 100],
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
  ["trillion", 1e12],
  ["k", 1e3],
  ["m", 1e6],
  ["mn", 1e6],
  ["bn", 1e9],
]);
const WORD = [...WORD_VALUES.keys(), "hundred", "thousand", "million", "billion", "trillion"].join("|");
const CURRENCY = String.raw`(?:dollars?|euros?|cents?|pounds?|bucks?|quid|pence|eur|usd|gbp|chf|per ?cent|percent)\b|[%€$£¥]`;
/** Digits with separators and a magnitude, or a run of number words. */
const MENTION = new RegExp(
  String.raw`(?<sign>[$€£¥]\s?)?(?<![\p{L}\d])(?<digits>\d+(?:[.,]\d+)*)(?:\s?(?<magnitude>hundred|thousand|million|billion|trillion|k|m|mn|bn)(?![\p{L}]))?` +
    String.raw`|(?<![\p{L}\d])(?<words>(?:${WORD})(?:(?:[\s-]+|\s+and\s+|\s+and\s+a\s+)(?:${WORD}|half))*)(?![\p{L}])`,
  "giu",
);
const UNIT_AFTER = new RegExp(String.raw`^\s?(?:${CURRENCY})`, "iu");
const MENTIONS_MAX = 2000;

/** Numbers in the order of the text. Ordinals ("3rd", "first") and numbers inside words ("v2") are left out. */
export function findNumbers(text: string, { inWords }: { inWords: boolean }): readonly NumberMention[] {
  const mentions: NumberMention[] = [];
  for (const match of text.matchAll(MENTION)) {
    if (mentions.length >= MENTIONS_MAX) break;
    const { sign, digits, magnitude, words } = match.groups ?? {};
    const after = text.slice(match.index + match[0].length, match.index + match[0].length + 12);
    const hasUnit = sign !== undefined || magnitude !== undefined || UNIT_AFTER.test(after);
    let value: number;
    if (digits !== undefined) {
      value = valueOfDigits(digits) * (MAGNITUDES.get(magnitude?.toLowerCase() ?? "") ?? 1);
    } else if (words !== undefined && inWords) {
      value = valueOfWords(words);
    } else continue;
    if (Number.isFinite(value))
      mentions.push({ value, text: match[0].trim().slice(0, 40), hasUnit, index: match.index });
  }
  return mentions;
}

/**
 * Every value that the text of `mentions` can be said to mention: whole numbers, and the parts of compound ones, since speech
 * says "twenty , five" and dates are written as three numbers.
 */
export function valuesOf(mentions: readonly NumberMention[]): ReadonlySet<number> {
  const values = new Set<number>();
  for (const mention of mentions) {
    values.add(mention.value);
    for (const part of mention.text.matchAll(/\d+/g)) values.add(Number(part[0]));
    if (/\d/.test(mention.text)) values.add(valueOfDigits(/[\d.,]*\d/.exec(mention.text)?.[0] ?? ""));
    else {
      for (const word of mention.text.toLowerCase().split(/[\s-]+/)) {
        const value = WORD_VALUES.get(word) ?? MAGNITUDES.get(word);
        if (value !== undefined) values.add(value);
      }
    }
  }
  return values;
}

/** 1,200.50 and 1.200,50 and 49,99: groups of three are thousands, unless they are what follows a decimal mark. */
function valueOfDigits(digits: string): number {
  if (/^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(digits)) return Number(digits.replaceAll(",", ""));
  if (/^\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?$/.test(digits) || /^\d{1,3}(?:\.\d{3})+,\d+$/.test(digits))
    return Number(digits.replaceAll(".", "").replace(",", "."));
  if (/^\d+,\d+$/.test(digits)) return Number(digits.replace(",", "."));
  const value = Number(digits);
  // 05.03.2026 and 1.2.3: no number, its parts are compared.
  return Number.isNaN(value) ? Number(/^\d+/.exec(digits)?.[0]) : value;
}

function valueOfWords(words: string): number {
  let total = 0;
  let group = 0;
  for (const word of words.toLowerCase().split(/[\s-]+/)) {
    const magnitude = MAGNITUDES.get(word);
    if (word === "and" || word === "a") continue;
    else if (word === "half") group += 0.5;
    else if (magnitude === 100) group = (group === 0 ? 1 : group) * 100;
    else if (magnitude !== undefined) {
      total += (group === 0 ? 1 : group) * magnitude;
      group = 0;
    } else group += WORD_VALUES.get(word) ?? 0;
  }
  return total + group;
}
