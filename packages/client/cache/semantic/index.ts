/** Answers to questions that mean the same, for `createAnswerCache`. Web APIs only. */
export { byMeaning, similarity, unitVector } from "./by-meaning.ts";
export { type Facts, factsOf, isSameQuestion } from "./question-facts.ts";
