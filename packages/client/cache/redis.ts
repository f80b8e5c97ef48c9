/**
 * Answers in Redis, shared by processes: a store for `createAnswerCache`. Needs Redis 6.2 or later and the client that
 * the application connects (`redis` from npm, or any other with its `sendCommand`).
 *
 * Everything of one cache lies in one slot of a cluster. Its bounds hold whatever Redis itself allows; entries go when
 * their time is over even when nobody asks any more.
 */
import { type AnswerStore, bytesOf, type StoredAnswer } from "./answer-store.ts";
import { GET, PURGE, PUT, SIMILAR } from "./redis-scripts.ts";

export interface RedisClient {
  sendCommand(args: string[]): Promise<unknown>;
  /** Errors of the connection are heard here, since a client without a listener would end the process. */
  on?(event: "error", listener: (error: Error) => void): unknown;
}

export interface RedisStoreOptions {
  /** Name of the cache, the same for everybody who shares it. Default `plumbline:cache`. */
  readonly name?: string | undefined;
  /** Of all processes together. Default 50,000 and 256 MiB. */
  readonly maxEntries?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Longest wait for an answer, ms. Default 200. */
  readonly timeoutMs?: number | undefined;
  /** How long Redis is left alone after it failed, ms. Default 1,000. */
  readonly restMs?: number | undefined;
  /** Ms since the epoch. */
  readonly now?: (() => number) | undefined;
}

/** Fewer than in memory: they travel. */
const SIMILAR_MAX = 100;

export function createRedisStore(client: RedisClient, options: RedisStoreOptions = {}): AnswerStore {
  const { name = "plumbline:cache", maxEntries = 50_000, maxBytes = 268_435_456 } = options;
  const { timeoutMs = 200, restMs = 1_000, now = Date.now } = options;
  const totals = { evictions: 0, expired: 0, entries: 0, bytes: 0 };
  let restUntil = 0;
  client.on?.("error", () => undefined);

  const run = async (script: string, args: readonly string[]): Promise<readonly unknown[]> => {
    if (now() < restUntil) throw new RangeError("Redis rests");
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new RangeError("Redis is late")), timeoutMs);
      });
      // Braces: all keys of the cache in one slot.
      const answer = await Promise.race([
        client.sendCommand(["EVAL", script, "1", `{${name}}`, ...args]),
        late,
      ]);
      if (!Array.isArray(answer)) throw new RangeError("Redis answered something else");
      return answer;
    } catch (error) {
      restUntil = now() + restMs;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  const groupOf = (promptHash: string): string => encodeURIComponent(promptHash);

  return {
    async get({ key }) {
      const [answer, expired] = await run(GET, [key]);
      totals.expired += Number(expired);
      const found = typeof answer === "string" ? read(answer) : null;
      return found !== null && found.expiresAt > now() ? found : null;
    },
    async similar(_promptHash, bucket) {
      const found = await run(SIMILAR, [bucket, String(SIMILAR_MAX)]);
      return Array.from({ length: found.length / 2 }, (_, i) => [
        String(found[2 * i]),
        read(String(found[2 * i + 1])),
      ]);
    },
    async put({ promptHash, key, bucket }, answer) {
      const { expiresAt } = answer;
      const numbers = [bytesOf(answer), now(), Math.max(expiresAt, now() + 1), maxEntries, maxBytes];
      const given = [key, groupOf(promptHash), bucket ?? "-", write(answer)];
      const [evictions, expired, entries, bytes] = await run(PUT, [
        ...given,
        ...numbers.map((each) => String(Math.round(each))),
      ]);
      totals.evictions += Number(evictions);
      totals.expired += Number(expired);
      Object.assign(totals, { entries: Number(entries), bytes: Number(bytes) });
    },
    async purge(promptHash) {
      const [entries, bytes] = await run(PURGE, [groupOf(promptHash)]);
      Object.assign(totals, { entries: Number(entries), bytes: Number(bytes) });
    },
    stats: () => ({ ...totals }),
  };
}

interface Written {
  readonly text: string;
  readonly stored_at: number;
  readonly expires_at: number;
  readonly words?: string;
  /** Base64 of little-endian floats of 32 bits. */
  readonly vector?: string;
}

function write({ text, storedAt, expiresAt, meaning }: StoredAnswer): string {
  const written: Written = { text, stored_at: storedAt, expires_at: expiresAt };
  if (meaning === null) return JSON.stringify(written);
  const bytes = new Uint8Array(meaning.vector.buffer, meaning.vector.byteOffset, meaning.vector.byteLength);
  const vector = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return JSON.stringify({ ...written, words: meaning.words, vector });
}

function read(json: string): StoredAnswer {
  const { text, stored_at, expires_at, words, vector } = JSON.parse(json) as Written;
  const meaning =
    vector === undefined || words === undefined
      ? null
      : { words, vector: new Float32Array(Uint8Array.from(atob(vector), (c) => c.charCodeAt(0)).buffer) };
  return { text, storedAt: stored_at, expiresAt: expires_at, meaning };
}
