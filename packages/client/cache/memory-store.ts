import {
  type AnswerAddress,
  type AnswerStore,
  bytesOf,
  SIMILAR_MAX,
  type StoredAnswer,
  type StoreStats,
} from "./answer-store.ts";

interface Entry extends AnswerAddress {
  readonly answer: StoredAnswer;
  readonly bytes: number;
}

/**
 * Answers in this process, bounded in entries and bytes. What was used least recently gives way; what is over goes when
 * it is met, or when the store is full.
 *
 * @param options.now ms since the epoch
 */
export function createMemoryStore(options: {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly now: () => number;
}): AnswerStore {
  const { maxEntries, maxBytes, now } = options;
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  /** Keys by prompt hash, and by bucket. */
  const groups = new Map<string, Set<string>>();
  let bytes = 0;
  let evictions = 0;
  let expired = 0;

  const leave = (group: string | null, key: string): void => {
    const keys = groups.get(group ?? "");
    keys?.delete(key);
    if (keys?.size === 0) groups.delete(group!);
  };
  const remove = (key: string): void => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    bytes -= entry.bytes;
    leave(entry.promptHash, key);
    leave(entry.bucket, key);
  };
  const use = (key: string): StoredAnswer | null => {
    const entry = entries.get(key);
    if (entry === undefined) return null;
    if (entry.answer.expiresAt <= now()) {
      remove(key);
      expired++;
      return null;
    }
    entries.delete(key);
    entries.set(key, entry);
    return entry.answer;
  };

  return {
    async get({ key }) {
      return use(key);
    },
    async similar(_promptHash, bucket) {
      const found: (readonly [string, StoredAnswer])[] = [];
      for (const key of [...(groups.get(bucket) ?? [])].slice(-SIMILAR_MAX)) {
        const answer = entries.get(key)?.answer;
        if (answer !== undefined && answer.expiresAt > now()) found.push([key, answer]);
      }
      return found;
    },
    async put(address, answer) {
      const { promptHash, key, bucket } = address;
      const size = bytesOf(answer);
      remove(key);
      if (size > maxBytes || maxEntries < 1) {
        evictions++;
        return;
      }
      for (const [oldest, { answer: old }] of entries) {
        if (entries.size < maxEntries && bytes + size <= maxBytes) break;
        remove(oldest);
        if (old.expiresAt <= now()) expired++;
        else evictions++;
      }
      entries.set(key, { ...address, answer, bytes: size });
      bytes += size;
      for (const group of bucket === null ? [promptHash] : [promptHash, bucket]) {
        const keys = groups.get(group) ?? new Set();
        groups.set(group, keys.add(key));
      }
    },
    async purge(promptHash) {
      for (const key of groups.get(promptHash) ?? []) remove(key);
    },
    stats: (): StoreStats => ({ evictions, expired, entries: entries.size, bytes }),
  };
}
