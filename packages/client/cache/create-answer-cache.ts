/**
 * Keeps answers, so that what is asked twice is not paid twice. Bounded, one flight a key, and an answer never serves
 * another prompt. What can't be read, written or embedded is a miss, counted: nothing here fails a call.
 */
import type { AnswerCache, CachedAnswer, CacheQuestion, CacheStats } from "./answer-cache.ts";
import type { AnswerAddress, AnswerStore, StoredAnswer } from "./answer-store.ts";
import type { Compared, Comparison } from "./comparison.ts";
import { createMemoryStore } from "./memory-store.ts";
import { jsonKey, questionJson } from "./question-key.ts";

export interface AnswerCacheOptions {
  /** Bounds of the memory. Default 5,000 and 64 MiB. A store of one's own has its own. */
  readonly maxEntries?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Default: memory. */
  readonly store?: AnswerStore | undefined;
  /** Finds answers to other questions that mean the same; `byMeaning` of `@plumbline/client/semantic`. */
  readonly semantic?: Comparison | undefined;
  /** Longest wait for the store, and for a vector, ms. Default 500. */
  readonly timeoutMs?: number | undefined;
  /** Ms since the epoch. */
  readonly now?: (() => number) | undefined;
}

/** Misses whose vectors wait for their answer. */
const PENDING_MAX = 256;
/** Purged prompts that are remembered until they are asked for again. */
const PURGED_MAX = 100;

type Found = { readonly key: string; readonly answer: StoredAnswer; readonly similarity: number };

export function createAnswerCache(options: AnswerCacheOptions = {}): AnswerCache {
  const { maxEntries = 5_000, maxBytes = 67_108_864, timeoutMs = 500, now = Date.now } = options;
  const { semantic: comparison } = options;
  const store = options.store ?? createMemoryStore({ maxEntries, maxBytes, now });
  const counts = { hits: 0, misses: 0, stale: 0, errors: 0 };
  const flights = new Map<string, { readonly promptHash: string; readonly flight: Promise<unknown> }>();
  const pending = new Map<string, Compared>();
  const purged = new Set<string>();

  /** Null, and counted, when it fails or takes too long. */
  const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new RangeError("late")), timeoutMs);
    });
    try {
      return await Promise.race([work(), late]);
    } catch {
      counts.errors++;
      return null;
    } finally {
      clearTimeout(timer);
    }
  };

  const keyOf = async (question: CacheQuestion): Promise<string> => jsonKey(questionJson(question));

  const findSimilar = async (
    question: CacheQuestion,
    key: string,
    threshold: number,
    isYoung: (answer: StoredAnswer) => boolean,
  ): Promise<Found | null> => {
    const compared = (await comparison?.read(question)) ?? null;
    if (compared === null) return null;
    pending.set(key, compared);
    for (const oldest of pending.keys()) if (pending.size > PENDING_MAX) pending.delete(oldest);
    let best: Found | null = null;
    for (const [other, answer] of await store.similar(question.promptHash, compared.bucket)) {
      if (answer.meaning === null || !isYoung(answer)) continue;
      const similarity = comparison!.similarity(compared.meaning, answer.meaning);
      if (similarity !== null && similarity >= threshold && similarity > (best?.similarity ?? -2))
        best = { key: other, answer, similarity };
    }
    return best;
  };

  return {
    async find(question, { maxAgeMs, semantic }) {
      const { promptHash } = question;
      purged.delete(promptHash);
      const isYoung = ({ storedAt }: StoredAnswer): boolean => now() - storedAt <= maxAgeMs;
      const hit = ({ text, storedAt }: StoredAnswer, similarity: number | null): CachedAnswer => {
        counts.hits++;
        const kind = similarity === null ? "exact" : "semantic";
        return { text, promptHash, ageMs: Math.max(0, now() - storedAt), kind, similarity };
      };
      const key = await attempt(() => keyOf(question));
      if (key !== null) {
        const exact = await attempt(() => store.get({ promptHash, key, bucket: null }));
        if (exact !== null && isYoung(exact)) return hit(exact, null);
        if (semantic !== undefined) {
          const similar = await attempt(() => findSimilar(question, key, semantic.threshold, isYoung));
          if (similar !== null) {
            pending.delete(key);
            void attempt(() => store.get({ promptHash, key: similar.key, bucket: null }));
            return hit(similar.answer, similar.similarity);
          }
        }
        if (exact !== null) counts.stale++;
      }
      counts.misses++;
      return null;
    },

    async store(question, text, { ttlMs }) {
      const { promptHash } = question;
      if (!(ttlMs > 0)) return;
      await attempt(async () => {
        const key = await keyOf(question);
        const known = pending.get(key);
        pending.delete(key);
        if (purged.has(promptHash)) return;
        const address: AnswerAddress = { promptHash, key, bucket: known?.bucket ?? null };
        const storedAt = now();
        const meaning = known?.meaning ?? null;
        await store.put(address, { text, storedAt, expiresAt: storedAt + ttlMs, meaning });
      });
    },

    async once<T>(question: CacheQuestion, produce: () => Promise<T>): Promise<T> {
      let key: string;
      try {
        // In this turn: who asks before the next is on the same flight, however short it is.
        key = questionJson(question);
      } catch {
        counts.errors++;
        return produce();
      }
      const flying = flights.get(key);
      // One key is one question; who asks it differently asks for the same answer.
      if (flying !== undefined) return flying.flight as Promise<T>;
      const flight = (async () => produce())();
      const entry = { promptHash: question.promptHash, flight };
      flights.set(key, entry);
      try {
        return await flight;
      } finally {
        if (flights.get(key) === entry) flights.delete(key);
      }
    },

    async purge(promptHash) {
      purged.delete(promptHash);
      purged.add(promptHash);
      for (const oldest of purged) if (purged.size > PURGED_MAX) purged.delete(oldest);
      for (const [key, flight] of flights) if (flight.promptHash === promptHash) flights.delete(key);
      await attempt(() => store.purge(promptHash));
    },

    stats: (): CacheStats => ({ ...counts, ...store.stats() }),
  };
}
