/**
 * Did clients follow a rollback? Told from the calls that they report, not from what the registry says: a call that
 * was served with the old version after the switch is the only evidence that counts.
 */
import { z } from "zod";
import type { SqlEndpoint } from "../sql/sql-endpoint.ts";

/** Clients that called this long before the switch are expected to call again. */
const ACTIVE_MS = 300_000;
/** Of many clients one always hangs: it must not keep the proof from the rest. */
const FOLLOWED_SHARE = 0.95;

/** A client is a process of an application, or the whole application where no process is reported. */
const ClientRow = z.object({
  app: z.string(),
  emitter_id: z.string(),
  calls: z.number(),
  old_calls: z.number(),
  new_calls: z.number(),
  new_calls_after: z.number(),
  is_switched: z.union([z.boolean(), z.number().transform((value) => value === 1)]),
  last_old_ms: z.number().describe("since the epoch; 0 without such a call"),
  first_new_ms: z.number().describe("since the epoch; 0 without such a call"),
});
export type ClientRow = z.output<typeof ClientRow>;

export interface Switch {
  readonly useCase: string;
  readonly env: string;
  readonly oldVersion: string;
  readonly newVersion: string;
  /** When the registry's log took the command, ms since the epoch. */
  readonly movedAt: number;
}

export interface ServedCalls {
  readonly is_confirmed: boolean;
  /** Nearly every client that called since the switch is on the new version; also when none called. */
  readonly is_followed: boolean;
  /** Of the new version since the switch. */
  readonly new_calls: number;
  /** Of the old version since the switch. */
  readonly old_calls: number;
  /** From the switch to the last call of the old version; 0 when there was none after it. */
  readonly last_old_call_ms: number;
  /** From the switch to the first call of the new version; null when there was none. */
  readonly first_new_call_ms: number | null;
  /** Clients that called in the last minutes before the switch or since. */
  readonly clients: number;
  /** Those whose newest call since the switch is of the new version. */
  readonly clients_switched: number;
  /** Those whose newest call since the switch is of another version. */
  readonly clients_behind: number;
}

export async function readServedCalls(
  sql: SqlEndpoint,
  { useCase, env, oldVersion, newVersion, movedAt }: Switch,
  callsNeeded: number,
): Promise<ServedCalls> {
  const rows = await sql.query(
    "served_since",
    {
      use_case: useCase,
      env,
      old_version: oldVersion,
      new_version: newVersion,
      moved_at: toDateTime64(movedAt),
      since: toDateTime64(movedAt - ACTIVE_MS),
    },
    ClientRow,
  );
  return judgeServedCalls(rows, movedAt, callsNeeded);
}

/**
 * Confirmed when nearly every client that called since the switch served the new version last, and enough calls of it
 * came from clients that were done with the old one.
 */
export function judgeServedCalls(
  rows: readonly ClientRow[],
  movedAt: number,
  callsNeeded: number,
): ServedCalls {
  const sum = (of: (row: ClientRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const callers = rows.filter(({ calls }) => calls > 0);
  const behind = callers.filter(({ is_switched }) => !is_switched).length;
  const lastOldMs = Math.max(0, ...rows.map(({ last_old_ms }) => last_old_ms));
  const firstNewMs = Math.min(
    ...rows.flatMap(({ new_calls, first_new_ms }) => (new_calls > 0 ? [first_new_ms] : [])),
  );
  const isFollowed = callers.length - behind >= FOLLOWED_SHARE * callers.length;
  return {
    is_confirmed: isFollowed && sum(({ new_calls_after }) => new_calls_after) >= callsNeeded,
    is_followed: isFollowed,
    new_calls: sum(({ new_calls }) => new_calls),
    old_calls: sum(({ old_calls }) => old_calls),
    last_old_call_ms: Math.max(0, lastOldMs - movedAt),
    first_new_call_ms: Number.isFinite(firstNewMs) ? firstNewMs - movedAt : null,
    clients: rows.length,
    clients_switched: callers.length - behind,
    clients_behind: behind,
  };
}

/** As the engine reads times in parameters. */
function toDateTime64(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "");
}
