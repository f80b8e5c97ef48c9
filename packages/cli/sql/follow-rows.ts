/** Rows of the store as they come, each once. */
import type { Clock } from "@plumbline/ports";

/** Where reading stands: the time of a row, and its id among the rows of that time. */
interface Place {
  /** ISO 8601, ms. */
  readonly at: string;
  readonly id: string;
}

export interface Window {
  readonly after: Place;
  readonly limit: number;
  readonly isNewestFirst: boolean;
}

interface FollowOptions<Row> {
  readonly read: (window: Window) => Promise<readonly Row[]>;
  /** Shows what is stored since this time, ms since the epoch. */
  readonly since: number;
  /** Most rows of the past, the newest ones. */
  readonly limit: number;
  /** False ends after the past. */
  readonly isFollowing: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const POLL_MS = 1000;
const PAGE_ROWS = 1000;
/**
 * Rows of several partitions are stored side by side, so one may appear after a newer one. Each poll looks back this
 * far; what is stored later still is not shown.
 */
const OVERLAP_MS = 30_000;

/**
 * First the newest of the past, in the order of time, then each row as it appears. Ends without an error when the
 * signal aborts: that is how following ends.
 */
export async function* followRows<Row extends Place>(options: FollowOptions<Row>): AsyncGenerator<Row> {
  const { read, limit, isFollowing, clock, signal } = options;
  const seen = new Map<string, number>();
  const past = await readPast(options);
  for (const row of past) {
    seen.set(row.id, Date.parse(row.at));
    yield row;
  }
  // What the limit left out is past too, and stays left out.
  let floor: Place =
    past.length === limit && past[0] !== undefined
      ? { at: past[0].at, id: past[0].id }
      : { at: new Date(options.since).toISOString(), id: "" };
  let newest = Date.parse(past.at(-1)?.at ?? floor.at);
  while (isFollowing && !signal.aborted) {
    await clock.sleep(POLL_MS, signal);
    let after = floor;
    for (let isMore = true; isMore && !signal.aborted;) {
      const rows = await read({ after, limit: PAGE_ROWS, isNewestFirst: false });
      for (const row of rows) {
        if (seen.has(row.id)) continue;
        const at = Date.parse(row.at);
        seen.set(row.id, at);
        newest = Math.max(newest, at);
        yield row;
      }
      after = rows.at(-1) ?? after;
      isMore = rows.length === PAGE_ROWS;
    }
    const from = newest - OVERLAP_MS;
    if (from > Date.parse(floor.at)) floor = { at: new Date(from).toISOString(), id: "" };
    for (const [id, at] of seen) if (at < from) seen.delete(id);
  }
}

async function readPast<Row extends Place>({
  read,
  since,
  limit,
}: FollowOptions<Row>): Promise<readonly Row[]> {
  const after = { at: new Date(since).toISOString(), id: "" };
  const rows = await read({ after, limit, isNewestFirst: true });
  return rows.toSorted((a, b) => (a.at === b.at ? (a.id < b.id ? -1 : 1) : a.at < b.at ? -1 : 1));
}
