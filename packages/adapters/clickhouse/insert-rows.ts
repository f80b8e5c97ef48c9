/** Inserts of the store: rows as blocks, and what an error says of how far it came. */
import { type DeliveredTable, type Origin, PlumblineError, StoreError } from "@plumbline/ports";
import type { ClickHouseConnection, RowBlock } from "./connection.ts";
import { encodeBlocks, type EncodedBlock, type TableEncoding } from "./encode/encode-rows.ts";
import type { NativeTable } from "./encode/encode-native.ts";

/** Rows of one insert are of one partition; `call_payloads` go with their calls. */
export function tagOf(
  table: DeliveredTable,
  { log_epoch = 0, log_partition }: Pick<Origin, "log_epoch" | "log_partition">,
): string {
  return `plumbline:${table}:${log_epoch}:${log_partition}`;
}

/** Blocks that the engine confirmed. */
export interface Progress {
  blocks: number;
}

export async function insertAll<Row>(
  clickhouse: ClickHouseConnection,
  rows: readonly Row[],
  encoding: TableEncoding<Row>,
  tag?: string,
): Promise<void> {
  const progress: Progress = { blocks: 0 };
  try {
    const columns = Object.keys(encoding.columns);
    const into = { table: encoding.table, columns, format: "JSONCompactEachRow", tag } as const;
    await insertBlocks(clickhouse, into, encodeBlocks(rows, encoding), progress);
  } catch (error) {
    throw markPartial(error, progress);
  }
}

export function insertNative<Row extends Origin>(
  clickhouse: ClickHouseConnection,
  { table, columns }: NativeTable<Row>,
  blocks: AsyncIterable<EncodedBlock>,
  { progress, tag }: { readonly progress: Progress; readonly tag: string | undefined },
): Promise<void> {
  const into = {
    table,
    tag,
    columns: columns.map(({ name }) => name),
    types: columns.map(({ type }) => type.name),
    format: "Native",
  } as const;
  return insertBlocks(clickhouse, into, blocks, progress);
}

async function insertBlocks(
  clickhouse: ClickHouseConnection,
  into: Omit<RowBlock, "bytes">,
  blocks: AsyncIterable<EncodedBlock>,
  progress: Progress,
): Promise<void> {
  for await (const { bytes, rowAt } of blocks) {
    try {
      await clickhouse.insert({ ...into, bytes });
      progress.blocks += 1;
    } catch (error) {
      if (!(error instanceof StoreError) || error.failedRow === null) throw error;
      throw new StoreError(storeCode(error), `${into.table}: ${error.message}`, {
        cause: error,
        failedRow: rowAt(error.failedRow),
        clickhouseCode: error.clickhouseCode,
      });
    }
  }
}

/** "Nothing was written" stops being true once another block of the same call has been. */
export function markPartial(error: unknown, progress: Progress): unknown {
  if (!(error instanceof StoreError) || error.code !== "store_retriable" || progress.blocks === 0)
    return error;
  return new StoreError("store_unknown", `some blocks were written: ${error.message}`, {
    cause: error,
    clickhouseCode: error.clickhouseCode,
  });
}

export function isDataError(error: unknown): boolean {
  return error instanceof PlumblineError && error.code === "store_data";
}

type StoreErrorCode = ConstructorParameters<typeof StoreError>[0];
function storeCode(error: StoreError): StoreErrorCode {
  return error.code as StoreErrorCode;
}
