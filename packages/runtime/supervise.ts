/** Repeats one piece of work for as long as the process runs, and waits out what it depends on. */
import { backoffMs } from "./backoff.ts";

interface SuperviseOptions {
  readonly clock: { sleep(ms: number, signal?: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
  /** From the end of one turn to the start of the next, ms. */
  readonly everyMs: number;
  /** Longest wait after failures, ms; it doubles from twice `everyMs` on. */
  readonly waitMsMax: number;
  /** True for a fault that passes by itself. Any other ends the loop. */
  readonly isRetryable: (error: unknown) => boolean;
  /** After each such fault, with the number of them in a row. */
  readonly onFailed?: (error: unknown, failures: number) => void;
  /** After the first success behind failures. */
  readonly onRecovered?: (failures: number) => void;
}

/** supervise runs `turn` until the signal aborts. @throws the first fault that is not retryable */
export async function supervise(turn: () => Promise<void>, options: SuperviseOptions): Promise<void> {
  const { clock, signal, everyMs, waitMsMax, isRetryable, onFailed, onRecovered } = options;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await turn();
      if (failures > 0) onRecovered?.(failures);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (!isRetryable(error)) throw error;
      failures += 1;
      onFailed?.(error, failures);
    }
    const waitMs = failures === 0 ? everyMs : backoffMs(failures, { minMs: 2 * everyMs, maxMs: waitMsMax });
    await clock.sleep(waitMs, signal);
  }
}
