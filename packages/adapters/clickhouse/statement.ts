/** Statements that a client wrote, on connections of the in-process engine. */
import type * as chdbModule from "chdb";
import type { Lanes } from "./lanes.ts";

export type Session = chdbModule.Session;

/** The engine's own words about a statement that a client wrote: for that client, not for logs. */
export class StatementError extends Error {
  readonly clickhouseCode: number;
  constructor(message: string, clickhouseCode: number) {
    super(message);
    this.name = new.target.name;
    this.clickhouseCode = clickhouseCode;
  }
}

/** Runs whole statements as a client wrote them; answers in the format of their FORMAT clause, or `format`. */
export interface StatementRunner {
  /**
   * @param signal its reader is gone: the statement is cancelled, and rejects
   * @throws StatementError
   */
  execute(sql: string, format: string, signal?: AbortSignal): Promise<Uint8Array>;
}

/**
 * Runs a statement on a free connection, and leaves the connection clean when it fails.
 *
 * @param signal ends the wait for a connection
 */
export function runOn<Result>(
  lanes: Lanes<Session>,
  statement: (session: Session) => Promise<Result>,
  toError: (error: unknown) => Error,
  signal?: AbortSignal,
): Promise<Result> {
  return lanes.run(async (session) => {
    try {
      return await statement(session);
    } catch (error) {
      // Rows of a failed query stay in the connection and would be the beginning of the next answer.
      await session.queryAsync("SELECT 1", { format: "Null" }).catch(() => {});
      throw toError(error);
    }
  }, signal);
}

export function toStatementError(error: unknown): Error {
  return new StatementError(
    error instanceof Error ? error.message : String(error),
    clickhouseCodeOf(error) ?? 0,
  );
}

/** The code of the engine's error, null when it is none of the engine's. */
export function clickhouseCodeOf(error: unknown): number | null {
  const code = (error as { clickhouseCode?: unknown }).clickhouseCode;
  return typeof code === "number" ? code : null;
}
