/**
 * ClickHouse's error codes → what the writer must do. By code, never by message.
 *
 * `store_retriable` promises that nothing was written. A code that may strike between the parts of one insert
 * (timeouts, memory, disk) is therefore `store_unknown`: verify first, then write what is missing.
 */
import { StoreError } from "@plumbline/ports";

type StoreErrorCode =
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

/** Codes of a part whose files a loss of power or a bad disk has damaged. */
const DAMAGED_PART_CODES: ReadonlySet<number> = new Set([
  33, // CANNOT_READ_ALL_DATA
  40, // CHECKSUM_DOESNT_MATCH
  226, // NO_FILE_IN_DATA_PART
  246, // CORRUPTED_DATA
  271, // CANNOT_DECOMPRESS
  432, // UNKNOWN_CODEC
]);

/** Whether a question of this code met a damaged part. */
export function isDamage(clickhouseCode: number): boolean {
  return DAMAGED_PART_CODES.has(clickhouseCode);
}

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
  const part = damagedPartIn(clickhouseCode, message, isInsert);
  if (part !== null) return new StoreError(code, part, { clickhouseCode, cause });
  if (!mayQuoteRow) return new StoreError(code, message.trim(), { clickhouseCode, cause });
  const name = /\(([A-Z][A-Z_]{3,})\)/.exec(message)?.[1] ?? "error";
  const column = /while reading the value of key (\w+)/.exec(message)?.[1];
  const failedRow = failedRowIn(message);
  const place = `${column === undefined ? "" : `, column ${column}`}${failedRow === null ? "" : `, row ${failedRow}`}`;
  return new StoreError(code, `ClickHouse ${clickhouseCode} ${name}${place}`, { clickhouseCode, failedRow });
}

/** Advice about a damaged part, where the engine names one; every question about its table fails until then. */
function damagedPartIn(clickhouseCode: number, message: string, isInsert: boolean): string | null {
  if (isInsert || !isDamage(clickhouseCode)) return null;
  const [, folder, table = "a table"] =
    /while reading from part (\S+?)\/? in table (\S+)/.exec(message) ??
    /from file (\S+)\/[\w.]+[:,]? /.exec(message) ??
    [];
  if (folder === undefined) {
    const name = /\(([A-Z][A-Z_]{3,})\)/.exec(message)?.[1] ?? "error";
    const file = /\b(\w+\.(?:c?mrk\d?|bin|c?idx\d?))\b/.exec(message)?.[1];
    return (
      `ClickHouse ${clickhouseCode} ${name}: a part is damaged${file === undefined ? "" : ` in ${file}`}, and the engine does not say which. ` +
      "CHECK TABLE with SETTINGS check_query_single_value_result = 0 names it. In local mode a start after kill -9 looks " +
      "for damaged parts and sets them aside; on a server, ALTER TABLE … DETACH PART: the writer fills what the part held " +
      "of the last minutes from the log at its next start, and what else is missing becomes an incident"
    );
  }
  return (
    `ClickHouse ${clickhouseCode}: a part of ${table} is damaged. Stop what runs on this ClickHouse, move the folder ` +
    `${folder} out of its data and start again: the writer fills what the part held of the last minutes from the log, ` +
    "and what else is missing becomes an incident"
  );
}

/** The engine counts rows from 1, and has no other place for the number than its message. */
function failedRowIn(message: string): number | null {
  const match = /\(at row (\d+)\)/.exec(message);
  return match === null ? null : Number(match[1]) - 1;
}
