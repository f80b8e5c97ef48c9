/** Rows of the port → blocks of the Native format, for the tables that every call goes through. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { unencodable, type EncodedBlock } from "./encode-rows.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { ColumnType } from "./column-types.ts";

/** A column and where its value is in a row of the port. */
export interface NativeColumn<Row> {
  readonly name: string;
  readonly type: ColumnType<unknown>;
  readonly valueOf: (row: Row) => unknown;
}

export interface NativeTable<Row> {
  readonly table: string;
  readonly columns: readonly NativeColumn<Row>[];
  /** Lower bound of a row's texts, characters: keeps blocks of long texts small. */
  readonly chars: (row: Row) => number;
}

export function column<Row, Value>(
  name: string,
  type: ColumnType<Value>,
  valueOf: (row: Row) => Value,
): NativeColumn<Row> {
  // The type of the value is forgotten here and only here: what `valueOf` gives is what `type` takes.
  return { name, type: type as ColumnType<unknown>, valueOf };
}

/** Most rows and characters of one block. The fixed cost of an insert shows below; memory bounds it above. */
const BLOCK_ROWS_MAX = 10_000;
const BLOCK_CHARS_MAX = 33_554_432;
/** Values written, and rows looked at, before other work of the process gets a turn: some 5 ms each. */
const VALUES_PER_TURN = 20_000;
const ROWS_PER_TURN = 2_000;
const FIRST_CAPACITY_MAX = 1_048_576;
const FIRST_BYTES_PER_ROW = 2_048;

/**
 * Yields blocks within the limits, in the order of `rows`.
 *
 * @throws StoreError `store_data` with `failedRow` for a row that has no encoding, such as a broken time
 */
export async function* encodeNative<Row>(
  rows: readonly Row[],
  { columns, chars }: NativeTable<Row>,
  isIncluded: (row: Row) => boolean = () => true,
): AsyncGenerator<EncodedBlock> {
  let indices: number[] = [];
  let held = 0;
  for (let i = 0; i <= rows.length; i++) {
    const row = rows[i];
    if (row !== undefined && isIncluded(row)) {
      indices.push(i);
      held += chars(row);
    }
    const isFull = indices.length >= BLOCK_ROWS_MAX || held >= BLOCK_CHARS_MAX || row === undefined;
    if (!isFull || indices.length === 0) continue;
    const taken = indices;
    yield { bytes: await encode(columns, rows, taken), rowAt: (line) => taken[line] ?? line };
    indices = [];
    held = 0;
  }
}

async function encode<Row>(
  columns: readonly NativeColumn<Row>[],
  rows: readonly Row[],
  indices: readonly number[],
): Promise<Uint8Array> {
  // Row by row, while a row is in the processor's cache; column by column it would be fetched again for each.
  const values: unknown[][] = columns.map(() => []);
  for (let i = 0; i < indices.length; i++) {
    const row = rows[indices[i]!]!;
    for (let c = 0; c < columns.length; c++) values[c]!.push(valueOf(columns[c]!, row, indices[i]!));
    if ((i + 1) % ROWS_PER_TURN === 0) await nextTurn();
  }
  const out = new ByteWriter(Math.min(FIRST_CAPACITY_MAX, (1 + indices.length) * FIRST_BYTES_PER_ROW));
  out.varUint(columns.length);
  out.varUint(indices.length);
  let written = 0;
  for (const [c, { name, type }] of columns.entries()) {
    out.string(name);
    out.string(type.name);
    type.prefix(out);
    try {
      type.values(out, values[c]!);
    } catch (cause) {
      const failed = refusedValue(type, values[c]!);
      throw unencodable(cause, indices[failed] ?? null, name);
    }
    written += indices.length;
    if (written < VALUES_PER_TURN) continue;
    written = 0;
    await nextTurn();
  }
  return out.finish();
}

function valueOf<Row>(column: NativeColumn<Row>, row: Row, index: number): unknown {
  try {
    return column.valueOf(row);
  } catch (cause) {
    throw unencodable(cause, index, column.name);
  }
}

/** Columns are written whole, so the offending value is looked for when there is one. */
function refusedValue(type: ColumnType<unknown>, values: readonly unknown[]): number {
  return values.findIndex((value) => {
    try {
      type.values(new ByteWriter(64), [value]);
      return false;
    } catch {
      return true;
    }
  });
}
