/** What one key may ask for in a time: token buckets, one pair a key and scope. */
import type { Scope } from "@plumbline/schemas";

interface Rate {
  readonly requests_per_second: number;
  /** Requests that may come at once after a rest. */
  readonly requests_burst: number;
  /** Of bodies, as announced; a body of unknown length counts `UNKNOWN_BODY_BYTES`. */
  readonly bytes_per_second: number;
  readonly bytes_burst: number;
}

const MIB = 1_048_576;
export const UNKNOWN_BODY_BYTES = MIB;

/** Limits of each key. Reads have room for a fleet that asks again at once after a rollback. */
export const KEY_RATES: Readonly<Record<Scope, Rate>> = {
  ingest: {
    requests_per_second: 500,
    requests_burst: 2_000,
    bytes_per_second: 32 * MIB,
    bytes_burst: 128 * MIB,
  },
  read: { requests_per_second: 2_000, requests_burst: 20_000, bytes_per_second: MIB, bytes_burst: 8 * MIB },
  respond: { requests_per_second: 20, requests_burst: 200, bytes_per_second: MIB, bytes_burst: 8 * MIB },
  deploy: { requests_per_second: 20, requests_burst: 200, bytes_per_second: 4 * MIB, bytes_burst: 32 * MIB },
  admin: { requests_per_second: 5, requests_burst: 50, bytes_per_second: MIB, bytes_burst: 8 * MIB },
};

/** Buckets kept; the longest unused one is dropped, and would be full by then. */
const BUCKETS_MAX = 20_000;

interface Bucket {
  requests: number;
  bytes: number;
  at: number;
}

export class RateLimit {
  readonly #rates: Readonly<Record<Scope, Rate>>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rates: Readonly<Record<Scope, Rate>> = KEY_RATES) {
    this.#rates = rates;
  }

  /**
   * Takes one request of `bytes` out of the key's buckets.
   *
   * @returns 0 when it fits, else the seconds after which to try again
   */
  take(key: string, scope: Scope, bytes: number, nowMs: number): number {
    const rate = this.#rates[scope];
    const name = `${scope} ${key}`;
    const before = this.#buckets.get(name) ?? {
      requests: rate.requests_burst,
      bytes: rate.bytes_burst,
      at: nowMs,
    };
    const seconds = Math.max(0, nowMs - before.at) / 1000;
    const bucket = {
      requests: Math.min(rate.requests_burst, before.requests + seconds * rate.requests_per_second),
      bytes: Math.min(rate.bytes_burst, before.bytes + seconds * rate.bytes_per_second),
      at: nowMs,
    };
    const missing = Math.max(
      (1 - bucket.requests) / rate.requests_per_second,
      (Math.min(bytes, rate.bytes_burst) - bucket.bytes) / rate.bytes_per_second,
    );
    if (missing <= 0) {
      bucket.requests -= 1;
      bucket.bytes -= bytes;
    }
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > BUCKETS_MAX) this.#buckets.delete(this.#buckets.keys().next().value!);
    return missing <= 0 ? 0 : Math.ceil(missing);
  }
}
