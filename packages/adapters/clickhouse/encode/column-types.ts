/**
 * Values of a column in the engine's Native format: all of one column, then all of the next. A text format
 * has the engine parse every number and every name of a map again; here a name stands once a block.
 *
 * Values are checked against the type's range, because the engine would take the bytes for some other number.
 */
import type { ByteWriter } from "./byte-writer.ts";

export interface ColumnType<Value> {
  /** As in a CREATE TABLE. */
  readonly name: string;
  /** Stands once before the values, and before those of what encloses the type. */
  readonly prefix: (out: ByteWriter) => void;
  /** @throws RangeError when a value is none of the type's */
  readonly values: (out: ByteWriter, values: readonly Value[]) => void;
}

const nothing = (): void => undefined;

function each<Value>(name: string, write: (out: ByteWriter, value: Value) => void): ColumnType<Value> {
  return {
    name,
    prefix: nothing,
    values(out, values) {
      for (const value of values) write(out, value);
    },
  };
}

function unsigned(name: string, max: number, write: (out: ByteWriter, value: number) => void) {
  return each<number>(name, (out, value) => {
    if (!Number.isInteger(value) || value < 0 || value > max)
      throw new RangeError(`not a whole number from 0 to ${max}`);
    write(out, value);
  });
}

export const uint16 = unsigned("UInt16", 0xffff, (out, value) => out.uint16(value));
export const uint32 = unsigned("UInt32", 0xffff_ffff, (out, value) => out.uint32(value));
export const uint64 = unsigned("UInt64", Number.MAX_SAFE_INTEGER, (out, value) => out.int64(value));
export const bool = each<boolean>("Bool", (out, value) => out.uint8(value ? 1 : 0));
export const string = each<string>("String", (out, value) => out.string(value));
export const float64: ColumnType<number> = {
  name: "Float64",
  prefix: nothing,
  values: (out, values) => out.float64s(values),
};

/** Nine digits after the point. */
export const decimal9 = each<number>("Decimal(18, 9)", (out, value) => {
  const scaled = Math.round(value * 1e9);
  if (!Number.isSafeInteger(scaled)) throw new RangeError("not a number up to 9,007,199 with nine digits");
  out.int64(scaled);
});

/** From ISO 8601, in milliseconds. */
export const dateTime64 = each<string>("DateTime64(3, 'UTC')", (out, iso) => {
  out.int64(withinDateTime64(Date.parse(iso)));
});

/** Range of DateTime64, ms since the epoch: 1900 to 2299. */
const DATE_TIME_64 = { min: Date.UTC(1900, 0, 1), max: Date.UTC(2300, 0, 1) - 1 } as const;

/**
 * A time beyond the engine's calendar becomes its first or last moment: year 1 is what some languages write for none.
 *
 * @throws RangeError when it is no time
 */
export function withinDateTime64(milliseconds: number): number {
  if (Number.isNaN(milliseconds)) throw new RangeError("not an ISO 8601 time");
  return Math.min(DATE_TIME_64.max, Math.max(DATE_TIME_64.min, milliseconds));
}

/** Two halves of 64 bits, each little endian. */
export const uuid = each<string>("UUID", (out, text) => {
  if (!UUID.test(text)) throw new RangeError("not a UUID");
  // 8-4-4-4-12 digits: the first half is the first three groups, the second the last two.
  out.uint32(Number.parseInt(text.slice(9, 13) + text.slice(14, 18), 16));
  out.uint32(Number.parseInt(text.slice(0, 8), 16));
  out.uint32(Number.parseInt(text.slice(28, 36), 16));
  out.uint32(Number.parseInt(text.slice(19, 23) + text.slice(24, 28), 16));
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @param filler is written where there is no value, and never read */
export function nullable<Value>(inner: ColumnType<Value>, filler: NoInfer<Value>): ColumnType<Value | null> {
  return {
    name: `Nullable(${inner.name})`,
    prefix: inner.prefix,
    values(out, values) {
      for (const value of values) out.uint8(value === null ? 1 : 0);
      inner.values(
        out,
        values.map((value) => value ?? filler),
      );
    },
  };
}

const SHARED_DICTIONARIES = 1;
/** Keys stand with the block, and are all of its keys. */
const OWN_KEYS = 0x600;
const INDEX_BYTES = [1, 2, 4] as const;

/** A string that repeats: each once, then their numbers. */
export const lowCardinality: ColumnType<string> = {
  name: "LowCardinality(String)",
  prefix: (out) => out.int64(SHARED_DICTIONARIES),
  values(out, values) {
    if (values.length === 0) return;
    const numbers = new Map<string, number>();
    const indices = new Uint32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      let number = numbers.get(value);
      if (number === undefined) numbers.set(value, (number = numbers.size));
      indices[i] = number;
    }
    const size = numbers.size <= 0x100 ? 0 : numbers.size <= 0x1_0000 ? 1 : 2;
    out.int64(OWN_KEYS + size);
    out.int64(numbers.size);
    for (const key of numbers.keys()) out.string(key);
    out.int64(values.length);
    out.uints(indices, INDEX_BYTES[size]);
  },
};

export function array<Value>(inner: ColumnType<Value>): ColumnType<readonly Value[]> {
  return {
    name: `Array(${inner.name})`,
    prefix: inner.prefix,
    values(out, values) {
      const all: Value[] = [];
      for (const value of values) {
        for (const item of value) all.push(item);
        out.int64(all.length);
      }
      inner.values(out, all);
    },
  };
}

export function map<Value>(
  keys: ColumnType<string>,
  inner: ColumnType<Value>,
): ColumnType<Readonly<Record<string, Value>>> {
  return {
    name: `Map(${keys.name}, ${inner.name})`,
    prefix(out) {
      keys.prefix(out);
      inner.prefix(out);
    },
    values(out, values) {
      const allKeys: string[] = [];
      const all: Value[] = [];
      for (const value of values) {
        for (const key in value) {
          allKeys.push(key);
          all.push(value[key]!);
        }
        out.int64(all.length);
      }
      keys.values(out, allKeys);
      inner.values(out, all);
    },
  };
}

/** Fields in the order of `fields`, each with its name. */
export function tuple<Value extends object>(fields: {
  readonly [Name in keyof Value & string]: ColumnType<Value[Name]>;
}): ColumnType<Value> {
  const all = Object.entries(fields) as [keyof Value & string, ColumnType<unknown>][];
  return {
    name: `Tuple(${all.map(([name, type]) => `${name} ${type.name}`).join(", ")})`,
    prefix(out) {
      for (const [, type] of all) type.prefix(out);
    },
    values(out, values) {
      for (const [name, type] of all)
        type.values(
          out,
          values.map((value) => value[name]),
        );
    },
  };
}
