/** What the emitter and the prompt client do alike when something does not answer. */

const WARNING_INTERVAL_MS = 60_000;
/** Reasons that are told of: what a receiver answers must not fill the memory. */
const REASONS_MAX = 64;
/** Longest wait that a `Retry-After` may ask for, ms: a wrong clock must not silence a process for ever. */
const RETRY_AFTER_MS_MAX = 300_000;

export type Warn = (reason: string, message: string) => void;

/** createWarner tells the first message of every reason, and at most one a minute of each from then on. It never throws. */
export function createWarner(onWarning: ((message: string) => void) | undefined, now: () => number): Warn {
  const warnedAt = new Map<string, number>();
  return (reason, message) => {
    const at = warnedAt.get(reason);
    if (at === undefined ? warnedAt.size >= REASONS_MAX : now() - at < WARNING_INTERVAL_MS) return;
    warnedAt.set(reason, now());
    try {
      // oxlint-disable-next-line no-console -- the one channel that every runtime has
      (onWarning ?? console.warn)(`plumbline: ${message}`);
    } catch {
      // A throwing warning must not stop delivery.
    }
  };
}

/** Retry-After in seconds, or as a date measured by the answer's own clock; null when absent or unreadable. */
export function retryAfterMs(header: (name: string) => string | null): number | null {
  const value = header("retry-after") ?? "";
  const ms = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(header("date") ?? "");
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}

/** Of `fetch`, the cause says more: `connect ECONNREFUSED 127.0.0.1:4319`. */
export function messageOf(error: unknown): string {
  const { message, cause } = error as { message?: unknown; cause?: { message?: unknown } };
  return String(cause?.message || message || error).slice(0, 300);
}

/** Lets the process end although the timer is set, where timers hold processes at all. */
export function unref<Timer>(timer: Timer): Timer {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/** A wait before attempt `attempt`, from 0, ms: exponential, with full jitter. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 16));
}

/** Resolves after `ms`, or as soon as one of the signals aborts. It keeps no process alive. */
export function pause(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = unref(setTimeout(end, ms));
    for (const signal of signals) {
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    }
  });
}
