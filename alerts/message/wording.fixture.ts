/** What may not appear in an alert, for tests and for whoever prints alerts to read them. */
import type { Message } from "@plumbline/ports";

const SENTENCE_WORDS_MAX = 30;

/** Terms that somebody who was woken would have to look up. */
const UNEXPLAINED = [
  "pp",
  "PSI",
  "AUC",
  "κ",
  "kappa",
  "Δ",
  "n =",
  "e-value",
  "e-process",
  "p-value",
  "p95",
  "always-valid",
  "fixed-n",
  "exploratory",
  "heterogeneity",
  "DISTRIBUTIONAL",
  "UNIFORM",
  "MIXED",
  "INCONCLUSIVE",
  "slice",
  "slices",
  "incumbent",
  "candidate",
  "criterion",
  "detector",
  "interval",
  "judged units",
  "drift",
  "baseline",
  "verdict share",
  "population stability",
];

/** Names of metrics, slices and features: words joined by underscores. */
const CODE_NAME = /\b(?!inc_)[a-z0-9]+(?:_[a-z0-9]+)+\b/g;
/** A version's hash that stands alone: in brackets behind a name it is in the way of nobody. */
const LONE_HASH = /(?<![(\w])(?:sha256:)?[0-9a-f]{12,64}\b/g;
const NO_VALUE = /\b(?:NaN|undefined|null|Infinity)\b|→/g;
/** A time of day without its date, or without its zone. */
const BARE_TIME =
  /(?<!\d \p{Lu}\p{Ll}{2,3}(?: \d{4})?, )\b\d\d:\d\d\b|\b\d\d:\d\d\b(?! (?:UTC|GMT|[A-Z]{2,5}))/gu;

/**
 * wordingProblems returns what a reader would stumble over, each with the sentence in which it stands. Commands, examples and
 * the changed lines of a prompt are quoted, and are not the alert's own words.
 *
 * @param names of the user's own that may have any form, such as the use case's
 */
export function wordingProblems(message: Message, names: readonly string[] = []): string[] {
  const { preview, title, lines, quotes, fields, context } = message;
  const own = [preview, title, ...lines, ...quotes.map((quote) => quote.title)];
  const [, ...print] = context;
  const all = [...own, ...fields.map(({ label, value }) => `${label}: ${value}`), ...print];
  const sentences = all.flatMap((text) => sentencesOf(text, names));
  return [
    ...sentences.flatMap((sentence) => termProblems(sentence)),
    ...own.flatMap((text) => found(withoutNames(text, names), LONE_HASH, "a hash without a name")),
  ];
}

function termProblems(sentence: string): string[] {
  const words = sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  const terms = UNEXPLAINED.filter((term) =>
    new RegExp(`(?<![\\p{L}\\p{N}])${term}(?![\\p{L}\\p{N}])`, "u").test(sentence),
  );
  return [
    ...(words > SENTENCE_WORDS_MAX ? [`${words} words: ${sentence}`] : []),
    ...terms.map((term) => `unexplained ${term}: ${sentence}`),
    ...found(sentence, CODE_NAME, "a name of code"),
    ...found(sentence, NO_VALUE, "no value"),
    ...found(sentence, BARE_TIME, "a time without its date or zone"),
  ];
}

function found(text: string, pattern: RegExp, what: string): string[] {
  return [...text.matchAll(pattern)].map(([match]) => `${what} (${match}): ${text}`);
}

function sentencesOf(text: string, names: readonly string[]): string[] {
  return withoutNames(text, names)
    .split(/(?<=[.!?])\s+|\n/)
    .filter((sentence) => sentence !== "");
}

function withoutNames(text: string, names: readonly string[]): string {
  return names.filter((name) => name !== "").reduce((all, name) => all.replaceAll(name, "NAME"), text);
}
