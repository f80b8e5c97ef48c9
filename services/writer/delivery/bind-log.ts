/**
 * Makes sure that the store belongs to the log, before anything is read.
 *
 * Rows are known by their offsets. With another log beside the store, or with a log that was put back from an older
 * copy, new records get the offsets of old rows, and would pass for delivered. So the store names its log, and its rows
 * carry the number that the log has there.
 */
import {
  ConfigError,
  StoreError,
  type Clock,
  type DeliveredTable,
  type EventLog,
  type Store,
} from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { Logger } from "@plumbline/runtime/logger";
import { attemptWaitMs } from "./backoff.ts";
import { interruptIf } from "./interrupted.ts";

const TABLES: readonly (readonly [DeliveredTable, Topic])[] = [
  ["calls", "plumbline.calls"],
  ["verdicts", "plumbline.verdicts"],
  ["feedback", "plumbline.feedback"],
  ["incidents", "plumbline.incidents"],
  ["registry_events", "plumbline.registry"],
  ["dead_letters", "plumbline.calls.dead_letter"],
];

export interface BindDeps {
  readonly log: Pick<EventLog, "identity" | "watermarks">;
  readonly store: Pick<Store, "logBindings" | "bindLog" | "lastOffsets">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Identity of a log that may be bound to a store which belongs to another one: `PLUMBLINE_ADOPT_LOG`. */
  readonly adoptLog?: string | undefined;
}

/**
 * Waits for log and store as long as they are away.
 *
 * @returns the number of the log in this store
 * @throws ConfigError when the store belongs to another log, or is ahead of this one
 */
export async function bindLog(deps: BindDeps, signal: AbortSignal): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    interruptIf(signal);
    try {
      return await bind(deps);
    } catch (error) {
      if (!isPassing(error)) throw error;
      const wait = attemptWaitMs(attempt);
      deps.logger.warn({ err: error, attempt, wait_ms: wait }, "writer.start_waits");
      await deps.clock.sleep(wait, signal);
    }
  }
}

async function bind({ log, store, clock, logger, adoptLog }: BindDeps): Promise<number> {
  const log_id = await log.identity();
  const known = (await store.logBindings()).at(-1);
  const epoch = known?.log_epoch ?? 0;
  const problem =
    known !== undefined && known.log_id !== log_id
      ? `ClickHouse was filled from the log ${known.log_id}, and the log here is ${log_id}`
      : await aheadOf(log, store, epoch);
  if (problem === null && known !== undefined) return epoch;
  const bound_at = new Date(clock.now()).toISOString();
  if (problem === null) {
    await store.bindLog({ log_epoch: epoch, log_id, bound_at });
    return epoch;
  }
  if (adoptLog !== log_id) {
    throw new ConfigError(
      `${problem}. Rows of that log would pass for records of this one, which would then be lost; nothing was changed. ` +
        "Start with the log that belongs to this ClickHouse, or give this log an empty ClickHouse, which is then filled from it. " +
        `To keep what is stored and go on with this log beside it, start once with PLUMBLINE_ADOPT_LOG=${log_id}`,
    );
  }
  await store.bindLog({ log_epoch: epoch + 1, log_id, bound_at });
  logger.warn({ log_id, log_epoch: epoch + 1, problem }, "writer.log_adopted");
  return epoch + 1;
}

/** The store is asked first: meanwhile the log can only grow. */
async function aheadOf(
  log: BindDeps["log"],
  store: BindDeps["store"],
  epoch: number,
): Promise<string | null> {
  for (const [table, topic] of TABLES) {
    const stored = await store.lastOffsets({ table, log_epoch: epoch });
    if (stored.length === 0) continue;
    const marks = await log.watermarks(topic);
    for (const { log_partition, last_offset } of stored) {
      const high = marks.find(({ partition }) => partition === log_partition)?.high ?? 0;
      if (last_offset >= high) {
        return (
          `ClickHouse holds offset ${last_offset} of ${topic}/${log_partition}, and the log here ends at ${high - 1}: ` +
          "it is another log, or an older copy of it"
        );
      }
    }
  }
  return null;
}

function isPassing(error: unknown): boolean {
  if (error instanceof StoreError) return error.retryable;
  return error instanceof Error && "retryable" in error && error.retryable === true;
}
