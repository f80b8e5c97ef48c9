/**
 * Connections on which the in-process engine refuses everything but reading: what the SQL port runs on.
 *
 * Readers share the machine with everything else, and nobody vouches for their statements. Hence few threads, a bounded
 * queue, limits that no statement can raise, and an end for each statement whose reader is gone. A call into the engine
 * can't be interrupted; KILL QUERY from a connection of its own can end it. It finds the statement by a comment behind
 * it, because the driver doesn't tell the id of a query.
 */
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { QUERY_LIMITS } from "./connection.ts";
import { createLanes, type Lanes } from "./lanes.ts";
import { runOn, type Session, StatementError, type StatementRunner, toStatementError } from "./statement.ts";

/** Statements of readers that run at once where there are three cores or more; with fewer, one. */
export const READERS_MAX = 2;
/** Statements of readers that run at once on this machine: their threads together are fewer than its cores. */
export const READERS = Math.max(1, Math.min(READERS_MAX, availableParallelism() - 1));
/** Connections that `createReader` needs: the readers', and one that cancels. */
export const READER_SESSIONS = READERS + 1;
/** Statements that wait for a connection; one more is refused. */
export const READER_QUEUE_MAX = 16;
/** Limits of one statement on the SQL port. What it answers is held in memory, and counts as memory of it. */
export const READER_LIMITS = {
  ...QUERY_LIMITS,
  max_memory_usage: 1_000_000_000,
  max_ast_elements: 50_000,
  /** All readers together leave one core to the rest, where there is more than one. */
  max_threads: Math.max(1, Math.floor((availableParallelism() - 1) / READERS)),
} as const;
/** A cancelled statement that goes on for this long is cancelled again, ms: it may not have begun yet. */
const CANCEL_AGAIN_MS = 100;
/** As ClickHouse calls a server that has too much to do. */
export const TOO_MANY_SIMULTANEOUS_QUERIES = 202;

/** @param sessions READER_SESSIONS connections of which nobody else uses any */
export async function createReader(
  sessions: readonly Session[],
  refuse: () => Error,
): Promise<StatementRunner & { readonly pools: readonly Lanes<Session>[] }> {
  const readers = sessions.slice(0, READERS);
  for (const session of readers) {
    // The one licensed use of settings on a connection: it serves nobody else, and readonly = 1 locks them.
    await session.queryAsync("USE plumbline");
    await session.queryAsync(READER_SETTINGS);
  }
  const reading = createLanes(readers, refuse, { waitingMax: READER_QUEUE_MAX, refuseMore: queueIsFull });
  const cancelling = createLanes(sessions.slice(READERS), refuse);

  /** Cancels the statement with this mark until `hasEnded`. */
  async function cancel(mark: string, hasEnded: () => boolean): Promise<void> {
    while (!hasEnded()) {
      await runOn(
        cancelling,
        (session) =>
          session.queryAsync(`KILL QUERY WHERE endsWith(query, '${mark}') ASYNC`, { format: "Null" }),
        toStatementError,
      );
      await sleep(CANCEL_AGAIN_MS);
    }
  }

  return {
    pools: [reading, cancelling],
    async execute(sql, format, signal) {
      const mark = `/* ${randomUUID()} */`;
      let hasEnded = false;
      const onGone = (): void => {
        // A statement that can't be cancelled ends by itself, at max_execution_time.
        cancel(mark, () => hasEnded).catch(() => undefined);
      };
      const result = await runOn(
        reading,
        async (session) => {
          signal?.addEventListener("abort", onGone, { once: true });
          try {
            return await session.queryAsync(`${sql}\n${mark}`, { format });
          } finally {
            hasEnded = true;
            signal?.removeEventListener("abort", onGone);
          }
        },
        toStatementError,
        signal,
      );
      return result.bytes();
    },
  };
}

const READER_SETTINGS = `SET ${[
  ...Object.entries(READER_LIMITS).map(([name, value]) => `${name} = ${value}`),
  // Last: from here on this connection can neither write nor change a setting.
  "readonly = 1",
].join(", ")}`;

function queueIsFull(): Error {
  return new StatementError(
    `${READERS} ${READERS === 1 ? "statement runs" : "statements run"} and ${READER_QUEUE_MAX} wait: ask again later`,
    TOO_MANY_SIMULTANEOUS_QUERIES,
  );
}
