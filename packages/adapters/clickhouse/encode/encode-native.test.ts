import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEmbeddedClickHouse, type EmbeddedClickHouse } from "../embedded.ts";
import {
  array,
  bool,
  dateTime64,
  decimal9,
  float64,
  lowCardinality,
  map,
  nullable,
  string,
  tuple,
  uint16,
  uint32,
  uint64,
  uuid,
  type ColumnType,
} from "./column-types.ts";
import { column, encodeNative, type NativeTable } from "./encode-native.ts";

let folder: string;
let clickhouse: EmbeddedClickHouse;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-native-"));
  await leaveHalfABlock();
  clickhouse = await openEmbeddedClickHouse({ path: folder });
  await clickhouse.command("CREATE DATABASE d");
});

afterAll(async () => {
  await clickhouse.close();
  await rm(folder, { recursive: true, force: true });
});

/** What a process that was killed during an insert leaves behind. */
async function leaveHalfABlock(): Promise<void> {
  await mkdir(join(folder, "spool"), { recursive: true });
  await writeFile(join(folder, "spool", "7.native"), "half a block");
}

/** Through the engine and back, in the order written. */
async function roundTrip<Value>(type: ColumnType<Value>, values: readonly Value[]): Promise<unknown[]> {
  const rows = values.map((value, n) => ({ n, value }));
  const table: NativeTable<(typeof rows)[number]> = {
    table: "d.t",
    chars: () => 1,
    columns: [column("n", uint32, ({ n }) => n), column("value", type, ({ value }) => value)],
  };
  await clickhouse.command("DROP TABLE IF EXISTS d.t");
  await clickhouse.command(`CREATE TABLE d.t (n UInt32, value ${type.name}) ENGINE = MergeTree ORDER BY n`);
  for await (const { bytes } of encodeNative(rows, table))
    await clickhouse.insert({ table: "d.t", columns: ["n", "value"], format: "Native", bytes });
  const read = await clickhouse.query("SELECT value FROM d.t ORDER BY n");
  return read.map(({ value }) => value);
}

const odd = `it's "odd" \\ \u0000 🙃`;

describe("values come back as they were written", () => {
  test.each<{ name: string; type: ColumnType<never>; values: readonly unknown[] }>([
    { name: "UInt16", type: uint16, values: [0, 1, 65_535] },
    { name: "UInt32", type: uint32, values: [0, 2 ** 31, 2 ** 32 - 1] },
    { name: "UInt64", type: uint64, values: [0, 2 ** 32, Number.MAX_SAFE_INTEGER] },
    { name: "Bool", type: bool, values: [true, false] },
    { name: "Float64", type: float64, values: [0, -0.5, 1 / 3, 5e-324, 1.7976931348623157e308] },
    { name: "Decimal", type: decimal9, values: [0, 0.000000001, 999_999.123456789, -2.5] },
    { name: "String", type: string, values: ["", odd, "é".repeat(30), "x".repeat(200_000)] },
    {
      name: "UUID",
      type: uuid,
      values: ["01935b2e-7c4e-7000-8000-0000000000a1", "ffffffff-0102-0304-0506-0708090a0b0c"],
    },
    {
      name: "DateTime64",
      type: dateTime64,
      values: ["1970-01-01T00:00:00.000Z", "2026-11-24T10:05:00.123Z", "1969-12-31T23:59:59.999Z"],
    },
    { name: "Nullable", type: nullable(float64, 0), values: [null, 0, 1.5] },
    { name: "Nullable(String)", type: nullable(string, ""), values: [null, "", odd] },
    { name: "LowCardinality", type: lowCardinality, values: ["a", "", odd, "a"] },
    { name: "Array(LowCardinality)", type: array(lowCardinality), values: [[], ["a", "b"], [], ["a"]] },
    { name: "Map", type: map(lowCardinality, float64), values: [{}, { a: 1, b: -2.5 }, { [odd]: 0 }] },
    { name: "Map of strings", type: map(string, string), values: [{ a: "" }, {}, { b: odd }] },
    {
      name: "Array(Tuple)",
      type: array(
        tuple<{ model: string; tokens: number | null }>({
          model: lowCardinality,
          tokens: nullable(uint32, 0),
        }),
      ),
      values: [
        [],
        [
          { model: "m", tokens: null },
          { model: "n", tokens: 7 },
        ],
        [],
      ],
    },
    {
      name: "nothing but empty arrays",
      type: array(tuple<{ model: string }>({ model: lowCardinality })),
      values: [[], []],
    },
  ])("$name", async ({ type, values }) => {
    expect(await roundTrip(type, values as never)).toEqual(values);
  });

  test.each([[256], [257], [65_537]])("%i different keys of a LowCardinality", async (count) => {
    const values = Array.from({ length: count }, (_, n) => `key-${n}`);
    expect(await roundTrip(lowCardinality, values)).toEqual(values);
  });

  test("half a surrogate pair has no UTF-8 and becomes U+FFFD", async () => {
    expect(await roundTrip(string, ["a\ud800b"])).toEqual(["a\ufffdb"]);
  });
});

describe("values that are none of the type's are refused, with their row", () => {
  test.each<{ name: string; type: ColumnType<never>; good: unknown; bad: unknown }>([
    { name: "a fraction", type: uint32, good: 1, bad: 1.5 },
    { name: "a negative number", type: uint64, good: 1, bad: -1 },
    { name: "too large a number", type: uint16, good: 1, bad: 65_536 },
    { name: "too large an amount", type: decimal9, good: 1, bad: 1e8 },
    { name: "a broken time", type: dateTime64, good: "2026-11-24T10:05:00Z", bad: "yesterday" },
    { name: "half an id", type: uuid, good: "01935b2e-7c4e-7000-8000-0000000000a1", bad: "01935b2e" },
  ])("$name", async ({ type, good, bad }) => {
    const rows = [good, good, bad, good];
    const table: NativeTable<unknown> = {
      table: "d.t",
      chars: () => 1,
      columns: [column("value", type, (row) => row as never)],
    };
    const encoding = encodeNative(rows, table);
    await expect(encoding.next()).rejects.toMatchObject({ code: "store_data", failedRow: 2 });
  });
});

test("long texts make small blocks, and lines name the rows of the caller", async () => {
  const rows = [1, 2, 3, 4].map((n) => ({ n, text: "x".repeat(20_000_000) }));
  const table: NativeTable<(typeof rows)[number]> = {
    table: "d.t",
    chars: ({ text }) => text.length,
    columns: [column("n", uint32, ({ n }) => n)],
  };
  const lines: number[][] = [];
  for await (const { rowAt } of encodeNative(rows, table, ({ n }) => n !== 2))
    lines.push([rowAt(0), rowAt(1)]);
  expect(lines).toEqual([
    [0, 2],
    [3, 1],
  ]);
});

test("no block stays in the spool, and what a killed process left there is gone", async () => {
  await roundTrip(string, ["a"]);
  const files = await readdir(join(folder, "spool"));
  expect(files).not.toEqual([]);
  expect(files).not.toContain("7.native");
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, "spool", file))).size));
  expect(sizes).toEqual(files.map(() => 0));
});
