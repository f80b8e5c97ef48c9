/**
 * Topics of texts without a model from outside: what people write about, frozen with a drift snapshot.
 *
 * Words (by their first letters) are hashed and weighted by rarity, projected on the directions in which the
 * reference varies most, and clustered. A shift of what people ask about moves mass between a few topics, where a
 * relevance test at a few hundred texts a day decides in days; telling single texts apart needs thousands.
 *
 * Each topic is a yes/no feature: a text is in every topic that it resembles, one or none or several. On 260 bank
 * messages a day this finds a shift days before nearest-topic-only, which splits "charged for cash" off "cash".
 *
 * @see Deerwester et al., Indexing by latent semantic analysis, JASIS 41 (1990)
 * @see Dhillon & Modha, Concept decompositions for large sparse text data, Machine Learning 42 (2001)
 */
import { createRandom, fnv1a32, type Random, type TextDocument } from "@plumbline/stats";

/** A frozen topic model; plain JSON. */
export interface TopicModel {
  /** Weight per hashed word, shape [1024]; 0 for words too rare or too common to mark a topic. */
  readonly weights: readonly number[];
  /** Directions, shape [directions][1024], orthonormal. */
  readonly directions: readonly (readonly number[])[];
  readonly topics: readonly Topic[];
}

interface Topic {
  /** Unit vector, shape [directions]. */
  readonly centroid: readonly number[];
  /** Its most telling words, for people. */
  readonly words: readonly string[];
}

const DIMENSIONS = 1024;
const DIRECTIONS = 24;
const TOPICS = 24;
/** Cosine from which a text belongs to a topic. */
const SIMILARITY_MIN = 0.4;
/** Letters of a word that count: "withdrawal" and "withdrawing" are one. */
const STEM_LETTERS = 5;
/** A word in fewer fitted texts is noise, in a larger share of them it is grammar. */
const WORD_TEXTS_MIN = 3;
const WORD_SHARE_MAX = 0.1;
/** Letters of a text that are looked at. */
const TEXT_CHARS_MAX = 4_000;
/** Texts that a model is fitted on; more add nothing. */
const FIT_TEXTS_MAX = 2_000;
export const TOPIC_TEXTS_MIN = 500;
const POWER_ROUNDS = 15;
const CLUSTER_ROUNDS = 20;
const CLUSTER_STARTS = 3;
const WORDS_NAMED = 4;
/** A word in fewer fitted texts may be one person's, and names no topic. */
const NAMED_TEXTS_MIN = 10;

type Sparse = readonly (readonly [index: number, value: number])[];

/**
 * Fits topics on at most 2,000 texts, those with the smallest id hashes. Deterministic: the same texts in any order
 * give the same topics.
 *
 * @returns null when there are fewer than 500 texts or they have too few words in common
 */
export function fitTopics(documents: readonly TextDocument[]): TopicModel | null {
  const fitted = [...documents]
    .map((document) => ({ document, hash: fnv1a32(document.id) }))
    .sort((a, b) => a.hash - b.hash || (a.document.id < b.document.id ? -1 : 1))
    .slice(0, FIT_TEXTS_MAX)
    .map(({ document }) => document.text);
  if (fitted.length < TOPIC_TEXTS_MIN) return null;
  const weights = rarity(fitted);
  const vectors = fitted.map((text) => weigh(text, weights)).filter((vector) => vector.length > 0);
  if (vectors.length < TOPIC_TEXTS_MIN) return null;
  const random = createRandom(7);
  const directions = principalDirections(vectors, random);
  const points = vectors.map((vector) => project(vector, directions));
  const topics = cluster(points, random).map((centroid) => ({ centroid, words: [] as string[] }));
  const model = { weights, directions: directions.map((each) => Array.from(each)), topics };
  return { ...model, topics: nameTopics(model, fitted) };
}

/** Indices into `topics` of those that the text resembles; none when it has no known word. */
export function topicsOf(model: TopicModel, text: string): number[] {
  const vector = weigh(text, model.weights);
  if (vector.length === 0) return [];
  const point = project(vector, model.directions);
  return model.topics.flatMap(({ centroid }, i) => (inner(point, centroid) >= SIMILARITY_MIN ? [i] : []));
}

function wordsOf(text: string): string[] {
  const head = text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
  return head.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function stemIndex(word: string): number {
  return fnv1a32(word.slice(0, STEM_LETTERS)) % DIMENSIONS;
}

function rarity(texts: readonly string[]): number[] {
  const seen = new Float64Array(DIMENSIONS);
  for (const text of texts) for (const index of new Set(wordsOf(text).map(stemIndex))) seen[index]!++;
  return Array.from(seen, (count) =>
    count < WORD_TEXTS_MIN || count > WORD_SHARE_MAX * texts.length
      ? 0
      : Math.log((texts.length + 1) / (count + 1)),
  );
}

/** Unit vector of the words that have a weight; empty when none has. */
function weigh(text: string, weights: readonly number[]): Sparse {
  const entries = [...new Set(wordsOf(text).map(stemIndex))]
    .map((index) => [index, weights[index]!] as const)
    .filter(([, weight]) => weight > 0);
  const norm = Math.sqrt(entries.reduce((sum, [, weight]) => sum + weight * weight, 0));
  return entries.map(([index, weight]) => [index, weight / norm] as const);
}

/** Orthogonal iteration on X'X, never formed. */
function principalDirections(vectors: readonly Sparse[], random: Random): Float64Array[] {
  let directions = Array.from({ length: DIRECTIONS }, () =>
    Float64Array.from({ length: DIMENSIONS }, random.normal),
  );
  orthonormalise(directions);
  for (let round = 0; round < POWER_ROUNDS; round++) {
    const next = directions.map(() => new Float64Array(DIMENSIONS));
    for (const vector of vectors) {
      for (const [k, direction] of directions.entries()) {
        const along = sparseInner(vector, direction);
        for (const [index, value] of vector) next[k]![index]! += value * along;
      }
    }
    orthonormalise(next);
    directions = next;
  }
  return directions;
}

function orthonormalise(vectors: readonly Float64Array[]): void {
  for (const [k, vector] of vectors.entries()) {
    for (const earlier of vectors.slice(0, k)) {
      const along = inner(vector, earlier);
      for (let i = 0; i < vector.length; i++) vector[i]! -= along * earlier[i]!;
    }
    const norm = Math.sqrt(inner(vector, vector));
    if (norm > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= norm;
  }
}

function project(vector: Sparse, directions: readonly ArrayLike<number>[]): number[] {
  return unit(directions.map((direction) => sparseInner(vector, direction)));
}

/** Spherical k-means, k-means++ starts, the best of several. */
function cluster(points: readonly (readonly number[])[], random: Random): number[][] {
  let best: { centroids: number[][]; fit: number } | null = null;
  for (let start = 0; start < CLUSTER_STARTS; start++) {
    let centroids = spread(points, random);
    let fit = 0;
    for (let round = 0; round < CLUSTER_ROUNDS; round++) {
      const sums = centroids.map((centroid) => centroid.map(() => 0));
      fit = 0;
      for (const point of points) {
        const [nearest, similarity] = nearestOf(point, centroids);
        fit += similarity;
        for (let i = 0; i < point.length; i++) sums[nearest]![i]! += point[i]!;
      }
      centroids = sums.map((sum, i) => (sum.some((value) => value !== 0) ? unit(sum) : centroids[i]!));
    }
    if (best === null || fit > best.fit) best = { centroids, fit };
  }
  return best!.centroids;
}

function spread(points: readonly (readonly number[])[], random: Random): number[][] {
  const centroids = [[...points[random.integer(points.length)]!]];
  const distances = points.map((point) => Math.max(0, 1 - inner(point, centroids[0]!)));
  while (centroids.length < TOPICS) {
    let left = random.uniform() * distances.reduce((sum, distance) => sum + distance, 0);
    const chosen = distances.findIndex((distance) => (left -= distance) <= 0);
    const centroid = [...points[chosen === -1 ? points.length - 1 : chosen]!];
    centroids.push(centroid);
    for (const [i, point] of points.entries()) {
      distances[i] = Math.min(distances[i]!, Math.max(0, 1 - inner(point, centroid)));
    }
  }
  return centroids;
}

function nearestOf(point: readonly number[], centroids: readonly (readonly number[])[]): [number, number] {
  let nearest = 0;
  let similarity = -Infinity;
  for (const [i, centroid] of centroids.entries()) {
    const each = inner(point, centroid);
    if (each > similarity) {
      similarity = each;
      nearest = i;
    }
  }
  return [nearest, similarity];
}

/** The words that a topic has most in excess of the rest, weighted by rarity. */
function nameTopics(model: TopicModel, texts: readonly string[]): Topic[] {
  const all = new Map<string, number>();
  const own = model.topics.map(() => ({ texts: 0, words: new Map<string, number>() }));
  for (const text of texts) {
    const words = new Set(wordsOf(text).filter((word) => model.weights[stemIndex(word)]! > 0));
    for (const word of words) all.set(word, (all.get(word) ?? 0) + 1);
    for (const topic of topicsOf(model, text)) {
      own[topic]!.texts++;
      for (const word of words) own[topic]!.words.set(word, (own[topic]!.words.get(word) ?? 0) + 1);
    }
  }
  return model.topics.map((topic, i) => {
    const { texts: size, words } = own[i]!;
    const excess = ([word, count]: [string, number]): number =>
      count - (size * all.get(word)!) / texts.length;
    const shared = [...words].filter(([word]) => all.get(word)! >= NAMED_TEXTS_MIN);
    const ordered = shared.sort((a, b) => excess(b) - excess(a) || (a[0] < b[0] ? -1 : 1));
    return { ...topic, words: ordered.slice(0, WORDS_NAMED).map(([word]) => word) };
  });
}

function unit(vector: readonly number[]): number[] {
  const norm = Math.sqrt(inner(vector, vector));
  return norm > 0 ? vector.map((value) => value / norm) : [...vector];
}

function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function sparseInner(a: Sparse, b: ArrayLike<number>): number {
  let sum = 0;
  for (const [index, value] of a) sum += value * b[index]!;
  return sum;
}
