/**
 * The seam below the store: one ClickHouse, over HTTP or in this process. Both take the same SQL.
 *
 * Settings travel in the text of each statement and never on the connection: what one statement sets must not
 * reach the next one. Every call rejects with StoreError or ConfigError.
 */
import type { QueryParameters } from "./sql/sql-text.ts";

export interface RowBlock {
  /** Qualified with its database. */
  readonly table: string;
  readonly columns: readonly string[];
  /** Types of `columns`, where the writer knows them: spares the engine finding them out. */
  readonly types?: readonly string[];
  /** One array a line, or one block of columns; both in the order of `columns`. */
  readonly format: "JSONCompactEachRow" | "Native";
  readonly bytes: Uint8Array;
  /** Tag of the running insert, for `endInserts`; absent when nobody looks for it. */
  readonly tag?: string | undefined;
}

type ResultRow = Readonly<Record<string, unknown>>;

export interface ClickHouseConnection {
  /** Place of the engine, for messages: a directory, or an address without credentials. */
  readonly address: string;
  /** A statement without a result. */
  command(sql: string, parameters?: QueryParameters): Promise<void>;
  /** One block, one part per partition of the table. Resolves when the engine holds it. */
  insert(block: RowBlock): Promise<void>;
  /**
   * Ends inserts with this tag that still run, whoever sent them: a server goes on with an insert when its sender is gone.
   * Resolves when none of them can add rows any more.
   */
  endInserts(tag: string): Promise<void>;
  /**
   * A SELECT without SETTINGS, FORMAT or closing semicolon. 64-bit integers arrive as numbers, times as ISO 8601
   * UTC; limited by QUERY_LIMITS.
   */
  query(sql: string, parameters?: QueryParameters): Promise<readonly ResultRow[]>;
  close(): Promise<void>;
}

/** An engine without limits answers a careless question by taking the whole machine. */
export const QUERY_LIMITS = {
  max_memory_usage: 4_000_000_000,
  max_execution_time: 60,
  max_result_rows: 1_000_000,
  max_result_bytes: 268_435_456,
} as const;

export const RESULT_SETTINGS = {
  output_format_json_quote_64bit_integers: 0,
  output_format_json_quote_denormals: 0,
  date_time_output_format: "iso",
} as const;

/**
 * `async_insert`: servers default to buffering and merging inserts, which breaks "one batch, one block".
 * Deduplication of equal blocks is the tables' business: off where it can lose rows (see the migrations).
 * `optimize_on_insert`, `input_format_parallel_parsing`: collapsing repeats inside a block and parsing it on several
 * threads cost a third of the CPU of an insert of 10,000 rows (measured in-process: 25,000 against 35,000 to 39,000
 * calls with texts per CPU-second), and half of an insert of one row.
 * `max_partitions_per_insert_block`: by default a block that reaches into more than 100 months is refused as a whole, and
 * feedback about the past does.
 */
export const INSERT_SETTINGS = {
  max_partitions_per_insert_block: 0,
  async_insert: 0,
  optimize_on_insert: 0,
  input_format_parallel_parsing: 0,
} as const;

/** Parses a JSONEachRow answer. */
export function parseRows(text: string): readonly ResultRow[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ResultRow);
}
