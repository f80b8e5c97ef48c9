/** Answers that are kept: exact and by meaning, bounded, never of another prompt. Web APIs only. */
export type { AnswerCache, CachedAnswer, CacheQuestion, CacheStats } from "./answer-cache.ts";
export type { AnswerAddress, AnswerStore, Meaning, StoredAnswer, StoreStats } from "./answer-store.ts";
export type { Compared, Comparison } from "./comparison.ts";
export { type AnswerCacheOptions, createAnswerCache } from "./create-answer-cache.ts";
