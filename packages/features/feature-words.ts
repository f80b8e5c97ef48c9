/** What people call the numbers of a call that drift is measured on. */
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
  masks: "masked values",
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
