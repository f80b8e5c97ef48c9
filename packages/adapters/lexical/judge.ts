/**
 * The judge for when no language model is configured. It compares facts that can be compared by their letters:
 * numbers, amounts, dates and names of the output with those of the input, and placeholders that replaced them.
 *
 * It cannot see wrong meaning in right words, a dropped negation, an omission that has no number, tone. So it
 * answers criteria about facts only, and says on every verdict who judged.
 */
import type { Judge, JudgeAnswer, JudgeRequest } from "@plumbline/ports";
import { scanText, WordSet } from "@plumbline/features";
import { findNumbers, valuesOf, type NumberMention } from "./numbers.ts";

export const LEXICAL_JUDGE_NAME = "lexical, no LLM";

/** Characters of each text that are compared. */
const CHARS_MAX = 40_000;
/** Criteria about facts, by their names; a judge by letters has no opinion on tone or style. */
const FACTUAL =
  /faith|fact|ground|halluc|coverage|complete|detail|accura|consisten|correct|preserv|omission/i;
/** Weight of agreement in wording, which every text has; facts are weighed against it. */
const WORDING_WEIGHT = 3;
const NUMBER_WEIGHT = 2;
const AMOUNT_WEIGHT = 3;
const NAME_WEIGHT = 1;
const MASK_WEIGHT = 3;
/** Highest score of an output that hides or drops a fact: what is missing weighs the same however long the rest is. */
const HIDDEN_SCORE_MAX = 0.5;
/** An output with fewer words and no fact says too little to be compared. */
const WORDS_MIN = 5;
/** Share of content words that the input must know, for an output without any other fact to be about the input. */
const GROUNDED_SHARE_MIN = 0.2;
/** Small bare numbers are mostly the writer's own counting: "two reasons", "the three of them". */
const OWN_COUNT_MAX = 12;
/** In a text this short an amount is the point of it; in a long one the writer chooses. */
const SHORT_INPUT_CHARS = 1500;
const SHORT_INPUT_AMOUNTS_MAX = 3;
/** An output sentence that repeats this share of an input sentence's content words retells it. */
const RETOLD_SHARE = 0.75;
const RETOLD_WORDS_MIN = 6;
/** Share of repeated word pairs at which a text is stuck in a loop. */
const LOOP_SHARE = 0.5;
const LOOP_WORDS_MIN = 60;

const MASK = new RegExp(
  [
    String.raw`\[(?:[A-Z][A-Z _-]{2,30}\d{0,3})\]`,
    String.raw`[[<(](?:redacted|removed|masked|hidden|omitted|withheld)\b[^\]>)\n]{0,20}[\]>)]`,
    String.raw`<[A-Z][A-Z_]{3,30}\d{0,3}>`,
    String.raw`(?<![\w*])\*{3,}(?=\d|[^\w*]|$)`,
    String.raw`[█▇▓]+`,
    String.raw`\{\{\s*[\w.]{1,40}\s*\}\}`,
    String.raw`\bX{4,}\b`,
  ].join("|"),
  "gi",
);
const WORDS = /[\p{L}\p{N}_]+(?:['’][\p{L}]+)?/gu;
const BETWEEN_WORDS = /[^\p{L}\p{N}_'’]+/u;
const SENTENCE_END = /(?<=[.!?])\s+|\n+/;
/** Words that are capitalised for other reasons than being a name. */
const NOT_NAMES: ReadonlySet<string> = new Set(
  (
    "i i'm i've i'd i'll summary key points point action actions item items note notes overview conclusion next steps step " +
    "issue resolution status priority question answer customer user agent background details result results reason " +
    "the a an in on at for to of and or but if it this that these those he she they we you his her their our my mr mrs ms dr hon " +
    "monday tuesday wednesday thursday friday saturday sunday ok okay yes no not covid pm am"
  ).split(" "),
);

interface Facts {
  supported: number;
  unsupported: number;
  readonly checked: string[];
  readonly problems: string[];
}

/** Deterministic and free; about a tenth of a millisecond for a page of text. */
export function createLexicalJudge(): Judge {
  return {
    name: LEXICAL_JUDGE_NAME,
    isFree: true,
    judge: (request) => Promise.resolve(judgeLexically(request)),
  };
}

const inputWords = new WordSet(16_384);
const outputWords = new WordSet(16_384);

function judgeLexically({ rubric, input, output }: JudgeRequest): JudgeAnswer {
  if (!FACTUAL.test(rubric.name)) {
    return cannotJudge(`the lexical judge compares facts; it can't judge ${rubric.name}`, "criterion");
  }
  const source = input.slice(0, CHARS_MAX);
  const answer = output.slice(0, CHARS_MAX);
  if (answer.trim() === "") return scored(0, rubric.pass_if, "the output is empty", "format");
  if (source.trim() === "") return cannotJudge("the input is empty, there is nothing to compare with");

  const inputScan = scanText(source, "input", inputWords, null);
  const outputScan = scanText(answer, "output", outputWords, inputWords);
  if (outputScan.words >= LOOP_WORDS_MIN && outputScan.repeated_share >= LOOP_SHARE) {
    return scored(0, rubric.pass_if, "the output repeats itself", "format");
  }
  const isSameLanguage =
    inputScan.language === outputScan.language ||
    inputScan.language === "und" ||
    outputScan.language === "und";

  const known = vocabularyOf(source);
  const facts: Facts = { supported: 0, unsupported: 0, checked: [], problems: [] };
  const masks = compareMasks(source, answer, facts);
  // Number words are known in English only; across languages digits alone are compared.
  const sourceNumbers = findNumbers(source, { inWords: isSameLanguage });
  const answerNumbers = findNumbers(answer, { inWords: isSameLanguage });
  const invented = compareNumbers(sourceNumbers, answerNumbers, facts);
  // German writes every noun with a capital; across languages places and months have other names.
  const strangers = isSameLanguage && outputScan.language !== "de" ? compareNames(answer, known, facts) : 0;
  const omissions = compareOmissions({ source, answer, sourceNumbers, answerNumbers }, facts);

  const hasFacts = facts.supported + facts.unsupported > 0;
  const grounded = groundedShare(answer, known);
  if (!hasFacts) {
    if (!isSameLanguage) {
      return cannotJudge(
        "input and output are in different languages and share no number or name to compare",
      );
    }
    if (outputScan.words < WORDS_MIN) return cannotJudge("the output is too short and has no number or name");
    if (grounded < GROUNDED_SHARE_MIN) {
      return cannotJudge("the output has no number or name, and hardly a word of the input");
    }
  }

  const whole = facts.supported + facts.unsupported + WORDING_WEIGHT;
  let score = (facts.supported + WORDING_WEIGHT) / whole;
  if (masks + omissions > 0) score = Math.min(score, HIDDEN_SCORE_MAX);
  const failure = masks + omissions > 0 ? "omission" : invented + strangers > 0 ? "invention" : "other";
  const checked =
    facts.checked.length > 0
      ? facts.checked.join(", ")
      : `wording (${Math.round(grounded * 100)}% of the words are known)`;
  const reason =
    facts.problems.length === 0
      ? `nothing is missing, masked or invented; compared: ${checked}`
      : `${facts.problems.join("; ")}; compared: ${checked}`;
  return scored(score, rubric.pass_if, reason, failure);
}

/** Placeholders that the input lacks. */
function compareMasks(source: string, answer: string, facts: Facts): number {
  const masks = [...answer.matchAll(MASK)].map((match) => match[0]).filter((mask) => isMask(mask, source));
  if (masks.length === 0) return 0;
  facts.unsupported += masks.length * MASK_WEIGHT;
  const kinds = [...new Set(masks)].slice(0, 3).join(" ");
  facts.problems.push(
    `${masks.length === 1 ? "a placeholder stands" : `${masks.length} placeholders stand`} where the input has text (${kinds})`,
  );
  facts.checked.push("placeholders");
  return masks.length;
}

function isMask(mask: string, source: string): boolean {
  // The flag i lets [link] through: only capitals or one of the telling words make a mask.
  if (
    /^[[<]/.test(mask) &&
    !/^[[<][A-Z]{2}/.test(mask) &&
    !/^[[<(](?:redact|remov|mask|hid|omit|withh)/i.test(mask)
  )
    return false;
  return !source.includes(mask);
}

function compareNumbers(
  sourceNumbers: readonly NumberMention[],
  answerNumbers: readonly NumberMention[],
  facts: Facts,
): number {
  if (answerNumbers.length === 0) return 0;
  const values = valuesOf(sourceNumbers);
  let checked = 0;
  const invented: string[] = [];
  for (const { value, text, hasUnit } of answerNumbers) {
    const weight = hasUnit ? AMOUNT_WEIGHT : NUMBER_WEIGHT;
    const parts = [...text.matchAll(/\d+/g)].map((part) => Number(part[0]));
    const isKnown = values.has(value) || (parts.length > 0 && parts.every((part) => values.has(part)));
    if (isKnown) {
      facts.supported += weight;
      checked++;
    } else if (hasUnit || value > OWN_COUNT_MAX || !Number.isInteger(value)) {
      facts.unsupported += weight;
      checked++;
      invented.push(text);
    }
  }
  if (checked > 0) facts.checked.push(checked === 1 ? "1 number" : `${checked} numbers`);
  if (invented.length > 0) facts.problems.push(`the input does not mention ${quoteSome(invented)}`);
  return invented.length;
}

/** Capitalised words inside sentences, and acronyms. */
function compareNames(answer: string, known: Vocabulary, facts: Facts): number {
  let checked = 0;
  const strangers = new Set<string>();
  for (const sentence of answer.split(SENTENCE_END)) {
    // Headings and labels capitalise what they like.
    if (/^\s*(?:#|\*\*|[-•*]\s*\*\*)|:\s*$/.test(sentence)) continue;
    let isFirst = true;
    for (const match of sentence.matchAll(WORDS)) {
      const word = match[0].replace(/['’]s$/, "");
      const wasFirst = isFirst || /[:"“(]\s*$/.test(sentence.slice(0, match.index));
      isFirst = false;
      const isAcronym = /^\p{Lu}{2,6}s?$/u.test(word);
      if (!isAcronym && (wasFirst || !/^\p{Lu}\p{Ll}/u.test(word))) continue;
      if (NOT_NAMES.has(word.toLowerCase())) continue;
      checked++;
      if (knows(known, word)) facts.supported += NAME_WEIGHT;
      else if (!strangers.has(word)) {
        strangers.add(word);
        facts.unsupported += NAME_WEIGHT;
      }
    }
  }
  if (checked > 0) facts.checked.push(checked === 1 ? "1 name" : `${checked} names`);
  if (strangers.size > 0) facts.problems.push(`the input does not name ${quoteSome([...strangers])}`);
  return strangers.size;
}

/** Amounts that the output should carry and does not. */
function compareOmissions(
  compared: {
    readonly source: string;
    readonly answer: string;
    readonly sourceNumbers: readonly NumberMention[];
    readonly answerNumbers: readonly NumberMention[];
  },
  facts: Facts,
): number {
  const { source, answer } = compared;
  const amounts = compared.sourceNumbers.filter((mention) => mention.hasUnit);
  if (amounts.length === 0) return 0;
  const carried = valuesOf(compared.answerNumbers);
  const isCarried = (mention: NumberMention): boolean =>
    carried.has(mention.value) ||
    [...mention.text.matchAll(/\d+/g)].some((part) => carried.has(Number(part[0])));

  const distinct = new Set(amounts.map((mention) => mention.value)).size;
  if (source.length <= SHORT_INPUT_CHARS && distinct <= SHORT_INPUT_AMOUNTS_MAX) {
    const dropped = amounts.filter((mention) => !isCarried(mention));
    facts.checked.push("the input's amounts");
    const carriesOther = compared.answerNumbers.some((each) => each.hasUnit || each.value > OWN_COUNT_MAX);
    if (dropped.length < amounts.length || carriesOther) {
      facts.supported += AMOUNT_WEIGHT;
      return 0;
    }
    facts.unsupported += AMOUNT_WEIGHT;
    facts.problems.push(`the output leaves out ${quoteSome(dropped.map((mention) => mention.text))}`);
    return 1;
  }
  return compareRetold(source, answer, amounts, isCarried, facts);
}

/** In a long text: sentences that the output retells nearly word by word, without their amount. */
function compareRetold(
  source: string,
  answer: string,
  amounts: readonly NumberMention[],
  isCarried: (mention: NumberMention) => boolean,
  facts: Facts,
): number {
  const told = new Set(contentWords(answer));
  let dropped = 0;
  for (const mention of amounts.slice(0, 50)) {
    if (isCarried(mention)) continue;
    const words = contentWords(sentenceAround(source, mention.index));
    if (words.length < RETOLD_WORDS_MIN) continue;
    const retold = words.filter((word) => told.has(word)).length;
    if (retold / words.length < RETOLD_SHARE) continue;
    dropped++;
    facts.unsupported += AMOUNT_WEIGHT;
    facts.problems.push(`the output retells a sentence without its ${quoteSome([mention.text])}`);
    break;
  }
  return dropped;
}

function sentenceAround(text: string, index: number): string {
  const before = text.slice(Math.max(0, index - 400), index);
  const after = text.slice(index, index + 400);
  const start = Math.max(before.lastIndexOf(". "), before.lastIndexOf("? "), before.lastIndexOf("\n"));
  const ends = [after.indexOf(". "), after.indexOf("? "), after.indexOf("\n")].filter((at) => at >= 0);
  return before.slice(start + 1) + after.slice(0, ends.length > 0 ? Math.min(...ends) : undefined);
}

/** Lower-case words of five letters and more: function words are shorter in the languages that we know. */
function contentWords(text: string): readonly string[] {
  return (text.toLowerCase().match(WORDS) ?? []).filter((word) => word.length >= 5 && !/\d/.test(word));
}

interface Vocabulary {
  readonly words: ReadonlySet<string>;
  /** First four letters of the words with at least five: inflections, adjectives, misspelt endings. */
  readonly stems: ReadonlySet<string>;
  /** First letter of every word, in order: acronyms are looked for in it. */
  readonly initials: string;
}

function vocabularyOf(text: string): Vocabulary {
  const words = new Set<string>();
  const stems = new Set<string>();
  let initials = "";
  for (const token of text.toLowerCase().split(BETWEEN_WORDS)) {
    let word = token.endsWith("'s") || token.endsWith("’s") ? token.slice(0, -2) : token;
    // Transcripts spell letters as "l_c_d_".
    if (word.includes("_")) word = word.replaceAll("_", "");
    if (word === "") continue;
    words.add(word);
    if (word.length >= 5) stems.add(word.slice(0, 4));
    initials += word[0]!;
  }
  return { words, stems, initials };
}

function knows({ words, stems, initials }: Vocabulary, name: string): boolean {
  const word = name.toLowerCase().replaceAll("_", "");
  if (words.has(word) || words.has(word.replace(/s$/, "")) || words.has(`${word}s`)) return true;
  if (/^\p{Lu}{2,6}s?$/u.test(name)) {
    const letters = word.replace(/s$/, "");
    // TV stands for television, UK for two words.
    if (letters.length <= 3) for (const each of words) if (spells(each, letters)) return true;
    return initials.includes(letters);
  }
  return word.length >= 5 && stems.has(word.slice(0, 4));
}

/** True when `letters` stand in the word in their order, the first one first. */
function spells(word: string, letters: string): boolean {
  if (word.length < 5 || word[0] !== letters[0]) return false;
  let at = 0;
  for (let k = 1; k < letters.length; k++) {
    at = word.indexOf(letters[k]!, at + 1);
    if (at < 0) return false;
  }
  return true;
}

function groundedShare(answer: string, known: Vocabulary): number {
  const words = contentWords(answer);
  if (words.length === 0) return 0;
  return (
    words.filter((word) => known.words.has(word) || known.stems.has(word.slice(0, 4))).length / words.length
  );
}

/** At most three, each short: a reason quotes, it does not copy. */
function quoteSome(texts: readonly string[]): string {
  const distinct = [...new Set(texts)];
  const shown = distinct.slice(0, 3).map((text) => `“${text.slice(0, 24)}”`);
  return distinct.length > 3 ? `${shown.join(", ")} and ${distinct.length - 3} more` : shown.join(", ");
}

function cannotJudge(reason: string, cause: "criterion" | "undecided" = "undecided"): JudgeAnswer {
  return { state: "cannot_judge", cause, reason, cost_usd: 0 };
}

function scored(
  exact: number,
  passIf: number,
  reason: string,
  failure: "omission" | "invention" | "format" | "other",
): JudgeAnswer {
  const score = Math.round(exact * 1000) / 1000;
  const isPass = score >= passIf;
  return {
    state: "scored",
    label: isPass ? "pass" : "fail",
    score,
    reason,
    failure_type: isPass ? null : failure,
    cost_usd: 0,
  };
}
