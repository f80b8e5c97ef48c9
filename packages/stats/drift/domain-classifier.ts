import { type Auc, aucDeLong, aucRelevanceTest } from "./auc.ts";
import { fnv1a32, hashedNgrams, ngramsOf } from "./hashed-ngrams.ts";

/** A text with the id that decides, by its hash, whether it is used and in which fold. */
export interface TextDocument {
  readonly id: string;
  readonly text: string;
}

export interface DomainClassification {
  /** Separation of reference and current texts, out of fold. */
  readonly auc: Auc;
  /** p-value of H0: AUC <= 0.55; goes on as an e-value like any feature's. */
  readonly pValue: number;
  /** Documents used on each side. */
  readonly documents: number;
  /** The n-grams that mark a text as current (positive weight) or reference (negative). */
  readonly ngrams: readonly { readonly ngram: string; readonly weight: number }[];
}

const DIMENSIONS = 256;
const DOCUMENTS_MAX = 4_000;
/** Each fold needs two documents a side for a variance; below this an AUC says nothing anyway. */
const DOCUMENTS_MIN = 20;
const EPOCHS = 5;
const STEP = 0.5;
const L2 = 1e-4;
const NGRAMS_REPORTED = 15;

/**
 * Text drift by domain classifier: can a linear model tell current from reference texts?
 *
 * Logistic regression on hashed n-grams (256 dimensions), SGD with 5 epochs, step 0.5/sqrt(t),
 * L2 1e-4; balanced samples of at most 4,000 documents a side, chosen and ordered by the hash of
 * their ids; each fold is scored by the model of the other; AUC by Mann–Whitney with ties and
 * DeLong's variance. 0.5 under no drift. Deterministic: equal documents give equal results in
 * any order. Ids must not carry the side, and copies of one text must share an id.
 *
 * @param reference at least 20 documents
 * @param current at least 20 documents
 * @throws RangeError when a side has fewer than 20 documents
 *
 * @see Lopez-Paz & Oquab, Revisiting classifier two-sample tests, ICLR 2017
 */
export function classifyDomain(
  reference: readonly TextDocument[],
  current: readonly TextDocument[],
): DomainClassification {
  const documents = Math.min(reference.length, current.length, DOCUMENTS_MAX);
  if (documents < DOCUMENTS_MIN) throw new RangeError(`classifyDomain: ${documents} documents a side`);
  const examples = interleave(firstByHash(reference, documents), firstByHash(current, documents));

  const models = [0, 1].map((fold) => train(examples.filter((example) => example.fold !== fold)));
  const scores: [number[], number[]] = [[], []];
  for (const example of examples) {
    scores[example.isCurrent ? 1 : 0].push(logit(models[example.fold]!, example));
  }
  const auc = aucDeLong(scores[0], scores[1]);
  const weights = models[0]!.weights.map((weight, index) => (weight + models[1]!.weights[index]!) / 2);
  return { auc, pValue: aucRelevanceTest(auc), documents, ngrams: strongest(weights, examples) };
}

interface Example {
  readonly text: string;
  readonly isCurrent: boolean;
  readonly fold: 0 | 1;
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

interface Model {
  readonly weights: Float64Array;
  readonly intercept: number;
}

/** The k documents with the smallest id hashes, as examples without a side. */
function firstByHash(documents: readonly TextDocument[], k: number): Omit<Example, "isCurrent">[] {
  return documents
    .map((document) => ({ document, hash: mixed(fnv1a32(document.id)) }))
    .sort((a, b) => a.hash - b.hash || (a.document.id < b.document.id ? -1 : 1))
    .slice(0, k)
    .map(({ document, hash }) => ({
      text: document.text,
      fold: (hash & 1) === 0 ? 0 : 1,
      ...hashedNgrams(document.text, { dimensions: DIMENSIONS }),
    }));
}

/** Spreads FNV's bits: ids that differ in their last digit only would share most of the top bits. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Sides alternate, so that SGD never sees a long run of one class. */
function interleave(
  reference: readonly Omit<Example, "isCurrent">[],
  current: readonly Omit<Example, "isCurrent">[],
): Example[] {
  return reference.flatMap((example, i) => [
    { ...example, isCurrent: false },
    { ...current[i]!, isCurrent: true },
  ]);
}

function train(examples: readonly Example[]): Model {
  const weights = new Float64Array(DIMENSIONS);
  let intercept = 0;
  let t = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const example of examples) {
      const step = STEP / Math.sqrt(++t);
      const error = (example.isCurrent ? 1 : 0) - sigmoid(logit({ weights, intercept }, example));
      const shrink = 1 - step * L2;
      for (let k = 0; k < DIMENSIONS; k++) weights[k]! *= shrink;
      for (let k = 0; k < example.indices.length; k++) {
        weights[example.indices[k]!]! += step * error * example.values[k]!;
      }
      intercept += step * error;
    }
  }
  return { weights, intercept };
}

function logit({ weights, intercept }: Model, { indices, values }: Omit<Example, "isCurrent">): number {
  let sum = intercept;
  for (let k = 0; k < indices.length; k++) sum += weights[indices[k]!]! * values[k]!;
  return sum;
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

/**
 * The hash indices with the largest weights, each with the n-gram that explains it best: the one
 * whose own imbalance between the sides points furthest the way the weight does (then the
 * longest, then code-unit order). The weight carries the hash's sign, so positive means "typical
 * of current".
 */
function strongest(weights: Float64Array, examples: readonly Example[]): DomainClassification["ngrams"] {
  const wanted = new Set(
    Array.from(weights, (_, index) => index)
      .sort((a, b) => Math.abs(weights[b]!) - Math.abs(weights[a]!))
      .slice(0, NGRAMS_REPORTED),
  );
  const counts = new Map<string, { index: number; sign: number; current: number; reference: number }>();
  for (const { text, isCurrent } of examples) {
    for (const ngram of ngramsOf(text)) {
      const hash = fnv1a32(ngram);
      const index = hash % DIMENSIONS;
      if (!wanted.has(index)) continue;
      const seen = counts.get(ngram) ?? { index, sign: hash >>> 31 === 0 ? 1 : -1, current: 0, reference: 0 };
      if (isCurrent) seen.current++;
      else seen.reference++;
      counts.set(ngram, seen);
    }
  }
  const best = new Map<number, { ngram: string; weight: number; support: number }>();
  for (const [ngram, { index, sign, current, reference }] of counts) {
    const weight = weights[index]! * sign;
    const support = (current - reference) * Math.sign(weight);
    const candidate = { ngram, weight, support };
    const rival = best.get(index);
    if (rival === undefined || explainsBetter(candidate, rival)) best.set(index, candidate);
  }
  return [...best.values()]
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    .map(({ ngram, weight }) => ({ ngram, weight }));
}

function explainsBetter(
  a: { ngram: string; support: number },
  b: { ngram: string; support: number },
): boolean {
  if (a.support !== b.support) return a.support > b.support;
  if (a.ngram.length !== b.ngram.length) return a.ngram.length > b.ngram.length;
  return a.ngram < b.ngram;
}
