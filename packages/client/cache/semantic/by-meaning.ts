/**
 * Compares questions by their meaning: by the vectors of an embedding model, after the rules of `question-facts.ts` have
 * ruled out what vectors can't see.
 */
import type { CacheQuestion } from "../answer-cache.ts";
import type { Meaning } from "../answer-store.ts";
import type { Comparison } from "../comparison.ts";
import { jsonKey, plainJson } from "../question-key.ts";
import { factsOf, isSameQuestion } from "./question-facts.ts";

/** @param options.embed the vector of a text, from any model; the same model for as long as answers are kept */
export function byMeaning(options: {
  readonly embed: (text: string) => Promise<ArrayLike<number>>;
}): Comparison {
  return {
    async read(question) {
      const compared = await splitQuestion(question);
      if (compared === null) return null;
      const { text, bucket, words } = compared;
      return { bucket, meaning: { words, vector: unitVector(await options.embed(text)) } };
    },
    similarity,
  };
}

/** The cosine; null when the words say that it is another question. */
export function similarity(a: Meaning, b: Meaning): number | null {
  if (a.vector.length !== b.vector.length || !isSameQuestion(a.words, b.words)) return null;
  let cosine = 0;
  for (let i = 0; i < a.vector.length; i++) cosine += a.vector[i]! * b.vector[i]!;
  return cosine;
}

/** @throws RangeError for a vector without a direction */
export function unitVector(values: ArrayLike<number>): Float32Array {
  const vector = Float32Array.from(values);
  const length = Math.hypot(...vector);
  if (!(length > 0 && length < Infinity)) throw new RangeError("embed returned no vector");
  return vector.map((value) => value / length);
}

/**
 * Splits a question into one text, the longest of its variables, and everything else, which must be equal; so must the
 * facts in that text.
 *
 * @returns null when there is no such text, or its facts can't be told
 */
async function splitQuestion(
  question: CacheQuestion,
): Promise<{ readonly text: string; readonly bucket: string; readonly words: string } | null> {
  const { useCase, promptHash, model, config, vars, vary } = question;
  let name = "";
  let text = "";
  for (const [each, value] of Object.entries(vars)) {
    if (typeof value === "string" && value.length > text.length) [name, text] = [each, value];
  }
  const read = factsOf(text);
  if (read === null) return null;
  const others = { ...vars, [name]: undefined };
  const json = plainJson([useCase, promptHash, model, config, vary, name, others, read.facts]);
  return { text, bucket: await jsonKey(json), words: read.words };
}
