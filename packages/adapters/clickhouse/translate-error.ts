/**
 * ClickHouse's error codes → what the writer must do. By code, never by message.
 *
 * `store_retriable` promises that nothing was written. A code that may strike between the parts of one insert
 * (timeouts, memory, disk) is therefore `store_unknown`: verify first, then write what is missing.
 */
import { StoreError } from "@plumbline/ports";

export type StoreErrorCode =
  | "store_retriable"
  | "store_unknown"
  | "store_data"
  | "store_unclassified"
  | "store_config"
  | "store_locked";

/** @see https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp */
export const STORE_ERROR_CODES: Readonly<Record<number, StoreErrorCode>> = {
  3: "store_unknown", // UNEXPECTED_END_OF_FILE
  159: "store_unknown", // TIMEOUT_EXCEEDED
  209: "store_unknown", // SOCKET_TIMEOUT
  210: "store_unknown", // NETWORK_ERROR
  236: "store_unknown", // ABORTED
  241: "store_unknown", // MEMORY_LIMIT_EXCEEDED
  243: "store_unknown", // NOT_ENOUGH_SPACE
  285: "store_unknown", // TOO_FEW_LIVE_REPLICAS
  319: "store_unknown", // UNKNOWN_STATUS_OF_INSERT
  394: "store_unknown", // QUERY_WAS_CANCELLED
  425: "store_unknown", // SYSTEM_ERROR
  999: "store_unknown", // KEEPER_EXCEPTION
  202: "store_retriable", // TOO_MANY_SIMULTANEOUS_QUERIES
  242: "store_retriable", // TABLE_IS_READ_ONLY
  252: "store_retriable", // TOO_MANY_PARTS
  6: "store_data", // CANNOT_PARSE_TEXT
  26: "store_data", // CANNOT_PARSE_QUOTED_STRING
  27: "store_data", // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38: "store_data", // CANNOT_PARSE_DATE
  41: "store_data", // CANNOT_PARSE_DATETIME
  53: "store_data", // TYPE_MISMATCH
  69: "store_data", // ARGUMENT_OUT_OF_BOUND
  72: "store_data", // CANNOT_PARSE_NUMBER
  117: "store_data", // INCORRECT_DATA
  131: "store_data", // TOO_LARGE_STRING_SIZE
  321: "store_data", // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349: "store_data", // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376: "store_data", // CANNOT_PARSE_UUID
  407: "store_data", // DECIMAL_OVERFLOW
  469: "store_data", // VIOLATED_CONSTRAINT
  16: "store_config", // NO_SUCH_COLUMN_IN_TABLE
  47: "store_config", // UNKNOWN_IDENTIFIER
  60: "store_config", // UNKNOWN_TABLE
  62: "store_config", // SYNTAX_ERROR
  81: "store_config", // UNKNOWN_DATABASE
  115: "store_config", // UNKNOWN_SETTING
  164: "store_config", // READONLY
  192: "store_config", // UNKNOWN_USER
  193: "store_config", // WRONG_PASSWORD
  194: "store_config", // REQUIRED_PASSWORD
  497: "store_config", // ACCESS_DENIED
  516: "store_config", // AUTHENTICATION_FAILED
};

/**
 * A fault that the engine named by number. An unknown number is nobody's fault until it was tried again.
 *
 * The engine quotes the row that it couldn't take. That is customer text, and messages are logged: of an error that a
 * row may have caused only the name, the column and the row remain, and the driver's error is not kept as its cause.
 */
export function storeErrorOf(
  clickhouseCode: number,
  message: string,
  { cause, isInsert }: { readonly cause?: unknown; readonly isInsert: boolean },
): StoreError {
  const code = STORE_ERROR_CODES[clickhouseCode] ?? "store_unclassified";
  const mayQuoteRow = code === "store_data" || (code === "store_unclassified" && isInsert);
  if (!mayQuoteRow) return new StoreError(code, message.trim(), { clickhouseCode, cause });
  const name = /\(([A-Z][A-Z_]{3,})\)/.exec(message)?.[1] ?? "error";
  const column = /while reading the value of key (\w+)/.exec(message)?.[1];
  const failedRow = failedRowIn(message);
  const place = `${column === undefined ? "" : `, column ${column}`}${failedRow === null ? "" : `, row ${failedRow}`}`;
  return new StoreError(code, `ClickHouse ${clickhouseCode} ${name}${place}`, { clickhouseCode, failedRow });
}

/** The engine counts rows from 1, and has no other place for the number than its message. */
function failedRowIn(message: string): number | null {
  const match = /\(at row (\d+)\)/.exec(message);
  return match === null ? null : Number(match[1]) - 1;
}
