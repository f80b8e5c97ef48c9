import { backoffMs, jittered } from "@plumbline/runtime/backoff";

/** The wait before another attempt of the writer, from 0, ms. */
export function attemptWaitMs(attempt: number): number {
  return jittered(backoffMs(attempt + 1, { minMs: 200, maxMs: 30_000 }));
}
