/**
 * Attempts with each model of each environment over the last minutes, and how many failed. Bounded: models, processes and
 * time are. Times are of `Clock.monotonic`: a clock that is set moves nothing.
 */

/** Attempts are counted by so much time, ms. */
const BUCKET_MS = 10_000;
/** Counts older than this are dropped, ms. */
export const REACH_MS = 600_000;
/** Processes are told apart for so long, ms. */
export const EMITTERS_REACH_MS = 60_000;
const MODELS_MAX = 200;
/** Processes told apart in one bucket; attempts of further ones count, and are nobody's. */
const EMITTERS_MAX = 200;

export interface Attempt {
  readonly env: string;
  readonly model: string;
  /** One process of an application. */
  readonly emitter: string;
  readonly isFailure: boolean;
}

export interface Tally {
  readonly attempts: number;
  readonly failures: number;
  /** Processes that made an attempt, and those of them most of whose attempts failed. Only of `EMITTERS_REACH_MS`. */
  readonly emitters: number;
  readonly emitters_failing: number;
}

interface Count {
  attempts: number;
  failures: number;
}

interface Bucket extends Count {
  readonly index: number;
  /** Null once it is older than `EMITTERS_REACH_MS`. */
  emitters: Map<string, Count> | null;
}

interface ModelWindow {
  readonly env: string;
  readonly model: string;
  /** Oldest first. */
  buckets: Bucket[];
}

export class ModelWindows {
  readonly #windows = new Map<string, ModelWindow>();
  /** Attempts with models beyond `MODELS_MAX`. */
  uncounted = 0;

  add({ env, model, emitter, isFailure }: Attempt, nowMs: number): void {
    const key = JSON.stringify([env, model]);
    let window = this.#windows.get(key);
    if (window === undefined) {
      if (this.#windows.size >= MODELS_MAX) this.forget(nowMs);
      if (this.#windows.size >= MODELS_MAX) {
        this.uncounted += 1;
        return;
      }
      window = { env, model, buckets: [] };
      this.#windows.set(key, window);
    }
    const bucket = bucketOf(window, Math.floor(nowMs / BUCKET_MS));
    countIn(bucket, isFailure);
    const emitters = bucket.emitters!;
    if (!emitters.has(emitter) && emitters.size >= EMITTERS_MAX) return;
    const own = emitters.get(emitter) ?? { attempts: 0, failures: 0 };
    emitters.set(emitter, own);
    countIn(own, isFailure);
  }

  /** Models with an attempt within `REACH_MS`. */
  models(nowMs: number): readonly { readonly env: string; readonly model: string }[] {
    this.forget(nowMs);
    return [...this.#windows.values()].map(({ env, model }) => ({ env, model }));
  }

  /** What was counted within the last `spanMs`, in whole buckets: the one of `nowMs` and those before it. */
  read(env: string, model: string, spanMs: number, nowMs: number): Tally {
    const from = Math.floor(nowMs / BUCKET_MS) - Math.ceil(spanMs / BUCKET_MS) + 1;
    const buckets = this.#windows.get(JSON.stringify([env, model]))?.buckets ?? [];
    const total = { attempts: 0, failures: 0 };
    const emitters = new Map<string, Count>();
    for (const bucket of buckets) {
      if (bucket.index < from) continue;
      total.attempts += bucket.attempts;
      total.failures += bucket.failures;
      for (const [emitter, { attempts, failures }] of bucket.emitters ?? []) {
        const sum = emitters.get(emitter) ?? { attempts: 0, failures: 0 };
        emitters.set(emitter, sum);
        sum.attempts += attempts;
        sum.failures += failures;
      }
    }
    const failing = [...emitters.values()].filter(({ attempts, failures }) => 2 * failures > attempts);
    return { ...total, emitters: emitters.size, emitters_failing: failing.length };
  }

  /** Drops what is older than `REACH_MS`. */
  forget(nowMs: number): void {
    const now = Math.floor(nowMs / BUCKET_MS);
    const oldest = now - REACH_MS / BUCKET_MS;
    const named = now - EMITTERS_REACH_MS / BUCKET_MS;
    for (const [key, window] of this.#windows) {
      window.buckets = window.buckets.filter(({ index }) => index > oldest);
      for (const bucket of window.buckets) if (bucket.index <= named) bucket.emitters = null;
      if (window.buckets.length === 0) this.#windows.delete(key);
    }
  }
}

function bucketOf({ buckets }: ModelWindow, index: number): Bucket {
  const newest = buckets.at(-1);
  // Monotonic time does not go back.
  if (newest?.index === index) return newest;
  const bucket = { index, attempts: 0, failures: 0, emitters: new Map<string, Count>() };
  buckets.push(bucket);
  return bucket;
}

function countIn(count: Count, isFailure: boolean): void {
  count.attempts += 1;
  if (isFailure) count.failures += 1;
}
