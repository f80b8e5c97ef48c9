import { LogError } from "@plumbline/ports";

/**
 * Gives up waiting after `ms`; the work itself goes on and its outcome is dropped.
 *
 * @throws LogError `log_unavailable` when the time is over
 */
export function within<T>(ms: number, doing: string, work: Promise<T>): Promise<T> {
  return orLate(ms, work, () => {
    return new LogError("log_unavailable", `${doing}: no answer from Kafka in time`, { retryable: true });
  });
}

/** As `within`, with an error of its own. */
export async function orLate<T>(ms: number, work: Promise<T>, late: () => LogError): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
