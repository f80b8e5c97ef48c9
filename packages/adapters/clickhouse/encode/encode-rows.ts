/**
 * Rows of the port → lines of JSONCompactEachRow. This is the hot path: one `JSON.stringify` a row, bytes straight
 * to the engine, whose own parser does the rest.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { StoreError } from "@plumbline/ports";
import { withinDateTime64 } from "./column-types.ts";

/** A table, and the value that each of its columns takes from a row of the port. */
export interface TableEncoding<Row> {
  readonly table: string;
  readonly columns: Readonly<Record<string, (row: Row) => unknown>>;
}

/**
 * Most rows and bytes in one insert. 10,000 rows of 1 KB is where chdb takes the most rows per CPU-second: below,
 * the fixed cost of an insert shows; above, the handling of one huge string. The bytes bound batches of large texts.
 */
const BLOCK_ROWS_MAX = 10_000;
const BLOCK_BYTES_MAX = 33_554_432;
/** Rows encoded before other work of the process gets a turn: about 10 ms. */
const ROWS_PER_TURN = 1_000;

/** Lines of one insert. */
export interface EncodedBlock {
  readonly bytes: Uint8Array;
  /** Index in the caller's rows of each line. */
  readonly rowAt: (line: number) => number;
}

/**
 * Yields blocks within the limits, in the order of `rows`.
 *
 * @throws StoreError `store_data` with `failedRow` for a row that has no encoding, such as a broken time
 */
export async function* encodeBlocks<Row>(
  rows: readonly Row[],
  { columns }: Pick<TableEncoding<Row>, "columns">,
): AsyncGenerator<EncodedBlock> {
  const values = Object.values(columns);
  let chunks: Buffer[] = [];
  let lines = "";
  let bytes = 0;
  let first = 0;

  const flushLines = (): void => {
    const chunk = Buffer.from(lines);
    chunks.push(chunk);
    bytes += chunk.length;
    lines = "";
  };

  for (let next = 1; next <= rows.length; next++) {
    lines += encodeLine(rows[next - 1]!, next - 1, values);
    const isTurnOver = next % ROWS_PER_TURN === 0;
    // UTF-16 units are at most the bytes of UTF-8, so a block may exceed the bound by what one turn holds.
    if (isTurnOver || lines.length > BLOCK_BYTES_MAX - bytes) flushLines();
    if (next - first >= BLOCK_ROWS_MAX || bytes >= BLOCK_BYTES_MAX || next === rows.length) {
      flushLines();
      const from = first;
      yield { bytes: Buffer.concat(chunks), rowAt: (line) => from + line };
      chunks = [];
      bytes = 0;
      first = next;
    }
    if (isTurnOver) await nextTurn();
  }
}

function encodeLine<Row>(row: Row, index: number, values: readonly ((row: Row) => unknown)[]): string {
  try {
    return `${withoutLoneSurrogates(JSON.stringify(values.map((valueOf) => valueOf(row))))}\n`;
  } catch (cause) {
    throw unencodable(cause, index);
  }
}

/** Whatever fails while a row is written is the row's, and quotes none of it. */
export function unencodable(cause: unknown, failedRow: number | null, column = "a row"): StoreError {
  const what = cause instanceof RangeError ? cause.message : `${(cause as Error | null)?.name ?? "error"}`;
  return new StoreError("store_data", `${column}: ${what}`, { failedRow });
}

/**
 * Half a surrogate pair has no UTF-8, and the engine refuses the whole block over one. `JSON.stringify` writes such
 * a half as an escape, and nothing else in that form, so it is found there and becomes U+FFFD.
 */
function withoutLoneSurrogates(json: string): string {
  if (!json.includes("\\ud")) return json;
  return json.replace(/\\(?:\\|(ud[89a-f][0-9a-f]{2}))/g, (match, lone: string | undefined) =>
    lone === undefined ? match : "\\ufffd",
  );
}

/**
 * A time, or ISO 8601 → `YYYY-MM-DD hh:mm:ss.sss`, UTC: the only spelling that the engine takes in rows and parameters alike.
 *
 * @throws RangeError when it isn't a time
 */
export function toDateTime64(at: string | Date): string {
  const canonical = new Date(withinDateTime64(new Date(at).getTime())).toISOString();
  return `${canonical.slice(0, 10)} ${canonical.slice(11, 23)}`;
}
