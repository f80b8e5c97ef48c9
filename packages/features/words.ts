/** Labels of the numbers of a call that drift is measured on. */
const SIDES: readonly (readonly [prefix: string, side: string])[] = [
  ["in_", "the input"],
  ["out_", "the answer"],
];

/** By the feature's name without its side. */
const WORDS: Readonly<Record<string, string>> = {
  chars: "characters",
  words: "words",
  lines: "lines",
  digits: "digits",
  digit_share: "share of digits",
  numbers: "numbers",
  amounts: "amounts of money",
  dates: "dates",
  urls: "links",
  question_marks: "question marks",
  negations: "negations",
  code_marks: "signs of program text",
  type_token_ratio: "share of distinct words",
  masks: "blanked-out values",
  refusals: "refusals",
  repeated_share: "share of repeated text",
};

/** By the whole name, where the side is part of what is said. */
const WHOLE: Readonly<Record<string, string>> = {
  out_unseen_share: "share of the answer's words that the input does not have",
  out_in_ratio: "length of the answer relative to the input",
};

/** `amounts of money in the answer`; a feature of an unknown name is called by it. */
export function featureLabel(feature: string): string {
  const whole = WHOLE[feature];
  if (whole !== undefined) return whole;
  const [prefix, side] = SIDES.find(([each]) => feature.startsWith(each)) ?? [];
  const words = prefix === undefined ? undefined : WORDS[feature.slice(prefix.length)];
  return words === undefined ? feature : `${words} in ${side}`;
}

/**
 * Words of an instruction that are about a predicate's inputs: an edit that names amounts most likely changes what
 * happens to inputs that mention money. Only decides where evidence is looked for first, so a short list will do.
 *
 * By predicate: a regular expression over one lower-case word or one symbol.
 */
export const PREDICATE_WORDS: Readonly<Record<string, string>> = {
  mentions_money: wholeWord(
    "money|monetary|financ\\w*|amounts?|prices?|pricing|costs?|fees?|payments?|paid|currenc\\w+|invoices?|budgets?|salar\\w+|refunds?|balances?|dollars?|euros?|usd|eur|gbp|\\p{Sc}",
  ),
  mentions_date: wholeWord("dates?|dated|deadlines?|days?|months?|years?|calendar|schedules?"),
  mentions_number: wholeWord("numbers?|numeric\\w*|figures?|digits?|quantit\\w+|counts?|percent\\w*|%"),
  has_email: wholeWord("emails?|mails?|addresse?s?|contacts?"),
  has_url: wholeWord("urls?|links?|hyperlinks?|websites?|https?"),
  has_code: wholeWord("code|snippets?|functions?|syntax|json|sql|xml"),
  is_question: wholeWord("questions?|asks?|asked|asking"),
  has_negation: wholeWord("negat\\w+|denials?|den(?:y|ies|ied)"),
  "lang=en": wholeWord("english"),
  "lang=de": wholeWord("german|deutsch"),
  "lang=fr": wholeWord("french|français"),
  "lang=es": wholeWord("spanish|español"),
  "lang=it": wholeWord("italian|italiano"),
  "lang=pt": wholeWord("portuguese|português"),
  "lang=nl": wholeWord("dutch|nederlands"),
  "lang=zh": wholeWord("chinese|mandarin"),
  "lang=ja": wholeWord("japanese"),
  "lang=ru": wholeWord("russian"),
};

function wholeWord(alternatives: string): string {
  return `^(?:${alternatives})$`;
}
