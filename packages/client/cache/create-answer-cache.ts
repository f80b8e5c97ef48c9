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
type IsYoung = (answer: StoredAnswer) => boolean;

export function createAnswerCache(options: AnswerCacheOptions = {}): AnswerCache {
  return new QuestionCache(options);
}

class QuestionCache implements AnswerCache {
  readonly #store: AnswerStore;
  readonly #semantic: Comparison | undefined;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #counts = { hits: 0, misses: 0, stale: 0, errors: 0 };
  readonly #flights = new Map<string, { readonly promptHash: string; readonly flight: Promise<unknown> }>();
  readonly #pending = new Map<string, Compared>();
  readonly #purged = new Set<string>();

  constructor(options: AnswerCacheOptions) {
    const { maxEntries = 5_000, maxBytes = 67_108_864, timeoutMs = 500, now = Date.now } = options;
    this.#store = options.store ?? createMemoryStore({ maxEntries, maxBytes, now });
    this.#semantic = options.semantic;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  async find(
    question: CacheQuestion,
    { maxAgeMs, semantic }: Parameters<AnswerCache["find"]>[1],
  ): Promise<CachedAnswer | null> {
    const { promptHash } = question;
    this.#purged.delete(promptHash);
    const isYoung: IsYoung = ({ storedAt }) => this.#now() - storedAt <= maxAgeMs;
    const key = await this.#attempt(() => keyOf(question));
    if (key !== null) {
      const exact = await this.#attempt(() => this.#store.get({ promptHash, key, bucket: null }));
      if (exact !== null && isYoung(exact)) return this.#hit(promptHash, exact, null);
      const similar =
        semantic === undefined
          ? null
          : await this.#attempt(() => this.#findSimilar(question, key, semantic.threshold, isYoung));
      if (similar !== null) {
        this.#pending.delete(key);
        // Marks it as used.
        void this.#attempt(() => this.#store.get({ promptHash, key: similar.key, bucket: null }));
        return this.#hit(promptHash, similar.answer, similar.similarity);
      }
      if (exact !== null) this.#counts.stale++;
    }
    this.#counts.misses++;
    return null;
  }

  async store(question: CacheQuestion, text: string, { ttlMs }: { readonly ttlMs: number }): Promise<void> {
    const { promptHash } = question;
    if (!(ttlMs > 0)) return;
    await this.#attempt(async () => {
      const key = await keyOf(question);
      const known = this.#pending.get(key);
      this.#pending.delete(key);
      if (this.#purged.has(promptHash)) return;
      const address: AnswerAddress = { promptHash, key, bucket: known?.bucket ?? null };
      const storedAt = this.#now();
      const meaning = known?.meaning ?? null;
      await this.#store.put(address, { text, storedAt, expiresAt: storedAt + ttlMs, meaning });
    });
  }

  async once<T>(question: CacheQuestion, produce: () => Promise<T>): Promise<T> {
    let key: string;
    try {
      // In this turn: who asks before the next is on the same flight, however short it is.
      key = questionJson(question);
    } catch {
      this.#counts.errors++;
      return produce();
    }
    const flying = this.#flights.get(key);
    // One key is one question; who asks it differently asks for the same answer.
    if (flying !== undefined) return flying.flight as Promise<T>;
    const flight = (async () => produce())();
    const entry = { promptHash: question.promptHash, flight };
    this.#flights.set(key, entry);
    try {
      return await flight;
    } finally {
      if (this.#flights.get(key) === entry) this.#flights.delete(key);
    }
  }

  async purge(promptHash: string): Promise<void> {
    keepNewest(this.#purged.add(promptHash), PURGED_MAX);
    for (const [key, flight] of this.#flights)
      if (flight.promptHash === promptHash) this.#flights.delete(key);
    await this.#attempt(() => this.#store.purge(promptHash));
  }

  stats(): CacheStats {
    return { ...this.#counts, ...this.#store.stats() };
  }

  #hit(promptHash: string, { text, storedAt }: StoredAnswer, similarity: number | null): CachedAnswer {
    this.#counts.hits++;
    const kind = similarity === null ? "exact" : "semantic";
    return { text, promptHash, ageMs: Math.max(0, this.#now() - storedAt), kind, similarity };
  }

  async #findSimilar(
    question: CacheQuestion,
    key: string,
    threshold: number,
    isYoung: IsYoung,
  ): Promise<Found | null> {
    const semantic = this.#semantic;
    const compared = (await semantic?.read(question)) ?? null;
    if (semantic === undefined || compared === null) return null;
    keepNewest(this.#pending.set(key, compared), PENDING_MAX);
    let best: Found | null = null;
    for (const [other, answer] of await this.#store.similar(question.promptHash, compared.bucket)) {
      if (answer.meaning === null || !isYoung(answer)) continue;
      const similarity = semantic.similarity(compared.meaning, answer.meaning);
      if (similarity !== null && similarity >= threshold && similarity > (best?.similarity ?? -2))
        best = { key: other, answer, similarity };
    }
    return best;
  }

  /** Null, and counted, when it fails or takes too long. */
  async #attempt<T>(work: () => Promise<T>): Promise<T | null> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new RangeError("late")), this.#timeoutMs);
    });
    try {
      return await Promise.race([work(), late]);
    } catch {
      this.#counts.errors++;
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function keyOf(question: CacheQuestion): Promise<string> {
  return jsonKey(questionJson(question));
}

function keepNewest(kept: Map<string, unknown> | Set<string>, max: number): void {
  for (const oldest of kept.keys()) if (kept.size > max) kept.delete(oldest);
}
