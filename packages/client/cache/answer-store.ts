/** Where answers are kept: in memory by default, in Redis by `@plumbline/client/redis`. */

/** Where an answer lies. Keys and buckets are hashes; each belongs to one prompt hash. */
export interface AnswerAddress {
  readonly promptHash: string;
  readonly key: string;
  /** Questions in one bucket may be compared by meaning; null: this one may not. */
  readonly bucket: string | null;
}

export interface StoredAnswer {
  readonly text: string;
  /** Ms since the epoch. */
  readonly storedAt: number;
  readonly expiresAt: number;
  /** Null unless it can be found by its meaning. */
  readonly meaning: Meaning | null;
}

export interface Meaning {
  /** Words of the question that carry meaning, in their order, joined by spaces. */
  readonly words: string;
  /** Of length 1. */
  readonly vector: Float32Array;
}

/** Every function may reject: the cache counts that, and goes on without. */
export interface AnswerStore {
  /** Null when it is not there or its time is over. Marks it as used. */
  get(address: AnswerAddress): Promise<StoredAnswer | null>;
  /** Answers of the bucket, with their keys; at most `SIMILAR_MAX`. */
  similar(promptHash: string, bucket: string): Promise<readonly (readonly [key: string, StoredAnswer])[]>;
  /** Replaces what is there; removes others when the store would be too large. */
  put(address: AnswerAddress, answer: StoredAnswer): Promise<void>;
  purge(promptHash: string): Promise<void>;
  stats(): StoreStats;
}

export interface StoreStats {
  readonly evictions: number;
  readonly expired: number;
  readonly entries: number;
  readonly bytes: number;
}

/** Most answers that one question is compared with. */
export const SIMILAR_MAX = 1_000;

/** An upper estimate of what an answer takes: characters of two bytes, and the keys of the maps that hold it. */
export function bytesOf({ text, meaning }: Pick<StoredAnswer, "text" | "meaning">): number {
  const ofMeaning = meaning === null ? 0 : 2 * meaning.words.length + 4 * meaning.vector.length;
  return ENTRY_BYTES + 2 * text.length + ofMeaning;
}

const ENTRY_BYTES = 1_024;
