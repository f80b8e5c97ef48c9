import { LogError } from "@plumbline/ports";

/**
 * Gives up waiting after `ms`; the work itself goes on and its outcome is dropped.
 *
 * @throws LogError `log_unavailable` when the time is over
 */
export async function within<T>(ms: number, doing: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const late = new LogError("log_unavailable", `${doing}: no answer from Kafka in time`, {
      retryable: true,
    });
    timer = setTimeout(() => reject(late), ms);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
