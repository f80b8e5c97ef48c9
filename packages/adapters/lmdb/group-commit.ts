/**
 * Many writers, one transaction: what is asked for while a transaction is being flushed shares the next one.
 *
 * One transaction is in flight at a time. That keeps offsets simple (a failed transaction used none) and costs
 * nothing: a disk flushes one after the other anyway.
 */
import { LogError } from "@plumbline/ports";

export interface GroupCommit {
  /** Resolves when what `apply` wrote is on disk. `apply` runs inside the transaction, must be synchronous and not throw. */
  write(bytes: number, apply: () => void): Promise<void>;
  /** Resolves when nothing is queued or in flight. */
  idle(): Promise<void>;
}

interface Write {
  readonly bytes: number;
  apply(): void;
  resolve(): void;
  reject(error: unknown): void;
}

/** Bytes after which a transaction takes no more writes: bounds how long the event loop is busy building it. */
const TRANSACTION_BYTES_MAX = 4 * 1_048_576;
/** Bytes that may wait, in memory. Past it the disk cannot keep up, and callers must hear of it. */
const QUEUE_BYTES_MAX = 64 * 1_048_576;

/**
 * @param commit runs the given function inside one transaction and resolves when it is durable
 * @param admit called before each transaction; what it throws is the answer to the writes with bytes, while those
 *   without (cursors, removals) go ahead
 */
export function createGroupCommit(
  commit: (apply: () => void) => Promise<void>,
  admit: (bytes: number) => Promise<void>,
): GroupCommit {
  const queue: Write[] = [];
  let queuedBytes = 0;
  let draining: Promise<void> | null = null;

  function takeGroup(): Write[] {
    let bytes = 0;
    let count = 0;
    while (count < queue.length && (count === 0 || bytes + queue[count]!.bytes <= TRANSACTION_BYTES_MAX)) {
      bytes += queue[count]!.bytes;
      count += 1;
    }
    queuedBytes -= bytes;
    return queue.splice(0, count);
  }

  async function commitGroup(group: readonly Write[]): Promise<void> {
    let admitted = group;
    try {
      const bytes = group.reduce((sum, write) => sum + write.bytes, 0);
      if (bytes > 0) await admit(bytes);
    } catch (error) {
      for (const write of group) if (write.bytes > 0) write.reject(error);
      admitted = group.filter((write) => write.bytes === 0);
    }
    if (admitted.length === 0) return;
    try {
      await commit(() => {
        for (const write of admitted) write.apply();
      });
      for (const write of admitted) write.resolve();
    } catch (error) {
      for (const write of admitted) write.reject(error);
    }
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      // One turn of the event loop, so that writers answered by the last transaction can join the next.
      await new Promise((resolve) => setImmediate(resolve));
      await commitGroup(takeGroup());
    }
    draining = null;
  }

  return {
    write(bytes, apply) {
      if (queuedBytes + bytes > QUEUE_BYTES_MAX) {
        const message = `${queuedBytes} bytes wait to be written, at most ${QUEUE_BYTES_MAX}: the disk is too slow`;
        return Promise.reject(new LogError("log_unavailable", message, { retryable: true }));
      }
      return new Promise((resolve, reject) => {
        queue.push({ bytes, apply, resolve, reject });
        queuedBytes += bytes;
        draining ??= drain();
      });
    },
    idle: async () => {
      while (draining !== null) await draining;
    },
  };
}
