import { describe, expect, test } from "vitest";
import { STORE_ERROR_CODES, storeErrorOf } from "./translate-error.ts";

describe("ClickHouse's codes decide what the writer does", () => {
  test.each([
    { name: "NETWORK_ERROR", code: 210, becomes: "store_unknown", retryable: true },
    { name: "TIMEOUT_EXCEEDED", code: 159, becomes: "store_unknown", retryable: true },
    { name: "MEMORY_LIMIT_EXCEEDED", code: 241, becomes: "store_unknown", retryable: true },
    { name: "NOT_ENOUGH_SPACE", code: 243, becomes: "store_unknown", retryable: true },
    { name: "UNKNOWN_STATUS_OF_INSERT", code: 319, becomes: "store_unknown", retryable: true },
    { name: "KEEPER_EXCEPTION", code: 999, becomes: "store_unknown", retryable: true },
    { name: "TOO_MANY_SIMULTANEOUS_QUERIES", code: 202, becomes: "store_retriable", retryable: true },
    { name: "TABLE_IS_READ_ONLY", code: 242, becomes: "store_retriable", retryable: true },
    { name: "TOO_MANY_PARTS", code: 252, becomes: "store_retriable", retryable: true },
    { name: "a code of the future", code: 12_345, becomes: "store_unclassified", retryable: true },
    { name: "VIOLATED_CONSTRAINT", code: 469, becomes: "store_data", retryable: false },
    { name: "CANNOT_PARSE_INPUT_ASSERTION_FAILED", code: 27, becomes: "store_data", retryable: false },
    { name: "CANNOT_PARSE_DATETIME", code: 41, becomes: "store_data", retryable: false },
    { name: "INCORRECT_DATA", code: 117, becomes: "store_data", retryable: false },
    { name: "CANNOT_PARSE_UUID", code: 376, becomes: "store_data", retryable: false },
    { name: "UNKNOWN_TABLE", code: 60, becomes: "store_config", retryable: false },
    { name: "ACCESS_DENIED", code: 497, becomes: "store_config", retryable: false },
    { name: "AUTHENTICATION_FAILED", code: 516, becomes: "store_config", retryable: false },
  ])("$name ($code) is $becomes", ({ code, becomes, retryable }) => {
    expect(storeErrorOf(code, "…", { isInsert: true })).toMatchObject({
      code: becomes,
      retryable,
      clickhouseCode: code,
    });
  });

  test("no code is in the table twice with a typo's value", () => {
    expect(Object.values(STORE_ERROR_CODES)).not.toContain(undefined);
  });

  test("a data error names column and row, and repeats nothing of the row", () => {
    const message =
      'Code: 376. DB::Exception: Cannot parse uuid my secret"]\n: (while reading the value of key call_id): (at row 2)\n' +
      ": While executing JSONCompactEachRowRowInputFormat. (CANNOT_PARSE_UUID)";
    const error = storeErrorOf(376, message, { cause: new Error(message), isInsert: true });
    expect(error.message).toBe("ClickHouse 376 CANNOT_PARSE_UUID, column call_id, row 1");
    expect(error.failedRow).toBe(1);
    expect(error.cause).toBeUndefined();
  });

  test("an unknown error of an insert may quote a row too; that of a query tells what is wrong with it", () => {
    const message = "Code: 12345. DB::Exception: the value 'my secret' is odd. (ODD_VALUE)";
    const error = storeErrorOf(12_345, message, { cause: new Error(message), isInsert: true });
    expect(error.message).toBe("ClickHouse 12345 ODD_VALUE");
    expect(error.cause).toBeUndefined();
    expect(storeErrorOf(12_345, message, { isInsert: false }).message).toBe(message);
  });

  test("a damaged part is named with its folder and what to do about it", () => {
    const message =
      "Code: 40. DB::Exception: Checksum doesn't match: corrupted data: (while reading from part /data/store/94a/94a1/202611_2_2_0/ " +
      "in table plumbline_raw.calls (94a1) located on disk default of type local). (CHECKSUM_DOESNT_MATCH)";
    const error = storeErrorOf(40, message, { isInsert: false });
    expect(error.message).toContain("a part of plumbline_raw.calls is damaged");
    expect(error.message).toContain("move the folder /data/store/94a/94a1/202611_2_2_0 out of its data");
    expect(error.retryable).toBe(true);
  });

  test("a damaged part is named by the file that could not be read", () => {
    const message =
      "Code: 33. DB::Exception: Cannot read all marks from file /data/store/c38/c38e/20261130_9_9_0/skp_idx_by_n.cmrk4, " +
      "marks expected 1 (bytes size 24), marks read 0 (bytes size 0): While executing MergeTreeSelect. (CANNOT_READ_ALL_DATA)";
    expect(storeErrorOf(33, message, { isInsert: false }).message).toContain(
      "move the folder /data/store/c38/c38e/20261130_9_9_0 out of its data",
    );
  });

  test("a damaged part that the engine does not name is told with the statement that names it", () => {
    const message =
      "Code: 432. DB::Exception: Unknown codec family code: 0: While reading or decompressing skp_idx_log_offset_range.cmrk4 " +
      "(position: 0): While executing MergeTreeSelect(pool: ReadPool, algorithm: Thread). (UNKNOWN_CODEC)";
    const error = storeErrorOf(432, message, { isInsert: false });
    expect(error.message).toMatch(
      /^ClickHouse 432 UNKNOWN_CODEC: a part is damaged in skp_idx_log_offset_range\.cmrk4, .* CHECK TABLE /,
    );
    expect(error.retryable).toBe(true);
  });
});
