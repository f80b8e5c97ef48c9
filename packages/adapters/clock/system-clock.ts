import type { Clock } from "@plumbline/ports";

/** The longest delay of `setTimeout`; a longer one fires at once. */
const TIMEOUT_MS_MAX = 2_147_483_647;

/** The time of this machine. The only place that asks it; everything else takes a `Clock`. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    const end = performance.now() + ms;
    for (;;) {
      const left = end - performance.now();
      if (left <= 0 || signal?.aborted === true) return;
      await timeout(Math.min(Math.ceil(left), TIMEOUT_MS_MAX), signal);
    }
  },
};

function timeout(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener("abort", wake);
  });
}
