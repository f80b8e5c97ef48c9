/** What a cache of answers does for an application. `createAnswerCache` makes one. */

/** What an answer is the answer to. Everything that can change the answer must be in it. */
export interface CacheQuestion {
  readonly useCase: string;
  /** `sha256:` and 64 hex digits. An answer never serves another prompt. */
  readonly promptHash: string;
  readonly model: string | null;
  /** Plain JSON, as `vars` and `vary`; a question that has no JSON form is never cached. */
  readonly config: unknown;
  readonly vars: Readonly<Record<string, unknown>>;
  /** What else tells questions apart, such as the user or the earlier conversation. */
  readonly vary: Readonly<Record<string, unknown>>;
}

export interface CachedAnswer {
  readonly text: string;
  readonly promptHash: string;
  /** Since it was stored, ms. */
  readonly ageMs: number;
  readonly kind: "exact" | "semantic";
  /** Cosine of the two questions, in [−1, 1]; null for an exact answer. */
  readonly similarity: number | null;
}

/** Counts since the cache was created; `entries` and `bytes` are of now. */
export interface CacheStats {
  /** Questions that `find` answered. With `misses`, every question. */
  readonly hits: number;
  readonly misses: number;
  /** Of the misses, those whose answer was there and older than asked for. */
  readonly stale: number;
  /** Answers that gave way to newer ones, least recently used first; an answer larger than the cache is one of them. */
  readonly evictions: number;
  /** Answers that were removed because their time was over. */
  readonly expired: number;
  /** Requests that failed or took too long: of the store, of `embed`, or questions without a JSON form. */
  readonly errors: number;
  readonly entries: number;
  /** An upper estimate of what the answers take, with their questions and vectors. */
  readonly bytes: number;
}

export interface AnswerCache {
  /** The answer to the same question within one prompt hash, not older than this. Never rejects: a store that is away is a miss, counted. */
  find(
    question: CacheQuestion,
    options: {
      readonly maxAgeMs: number;
      readonly semantic?: { readonly threshold: number } | undefined;
    },
  ): Promise<CachedAnswer | null>;
  /** Never rejects. An answer to a question that `find` looked for by its meaning can be found by its meaning. */
  store(question: CacheQuestion, text: string, options: { readonly ttlMs: number }): Promise<void>;
  /**
   * One flight a key: who asks the same meanwhile gets the same answer, or the same rejection. Within this process.
   */
  once<T>(question: CacheQuestion, produce: () => Promise<T>): Promise<T>;
  /** Forgets every answer of a prompt, also those that are on their way. Never rejects. */
  purge(promptHash: string): Promise<void>;
  stats(): CacheStats;
}
