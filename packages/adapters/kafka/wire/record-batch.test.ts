/** Batches are written by kafkajs' encoder, and read back by ours. */
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c } from "./crc32c.ts";
import { decodeBatches, isCurrentFormat, type DecodedMessage } from "./record-batch.ts";

const require = createRequire(import.meta.url);
const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0/index.js") as {
  RecordBatch: (options: object) => Promise<{ buffer: Buffer }>;
};
const Record_ = require("kafkajs/src/protocol/recordBatch/record/v0/index.js") as (record: object) => object;
const Long = require("kafkajs/src/utils/long.js") as { fromValue(value: string): object };

const GZIP = 1;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;

interface Written {
  readonly key?: string | null;
  readonly value?: string | null;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly timestampDelta?: string;
}

async function batch(
  firstOffset: number,
  records: readonly Written[],
  options: { compression?: number; firstTimestamp?: string; transactional?: boolean } = {},
): Promise<Buffer> {
  const { firstTimestamp = "1000", ...rest } = options;
  const encoded = await RecordBatch({
    ...rest,
    firstOffset: Long.fromValue(String(firstOffset)),
    firstTimestamp: Long.fromValue(firstTimestamp),
    maxTimestamp: Long.fromValue("9000"),
    lastOffsetDelta: records.length - 1,
    records: records.map(({ key = "k", value = "v", headers = {}, timestampDelta = "0" }, offsetDelta) =>
      Record_({
        offsetDelta,
        timestampDelta: Long.fromValue(timestampDelta),
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        headers,
      }),
    ),
  });
  return encoded.buffer;
}

/** Makes a change to a batch one that its producer made. */
function signed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  copy.writeUInt32BE(crc32c(copy.subarray(ATTRIBUTES_AT)), CRC_AT);
  return copy;
}

const brief = ({ offset, value, unreadable }: DecodedMessage): unknown =>
  unreadable === undefined ? `${offset} ${value?.toString() ?? "null"}` : unreadable;

describe.each([
  { name: "plain", compression: 0 },
  { name: "gzip", compression: GZIP },
])("a $name batch", ({ compression }) => {
  test("is decoded as it was written: keys, values and headers, absent ones too", async () => {
    const records: Written[] = [
      { key: null, value: null },
      { key: "", value: "" },
      { key: "größe", value: "東京", headers: { tenant: "a", twice: ["1", "2"], __proto__x: "y" } },
    ];
    const [none, empty, full] = await decodeBatches(await batch(40, records, { compression }));
    expect(none).toMatchObject({ offset: "40", key: null, value: null, headers: {} });
    expect(empty).toMatchObject({ offset: "41", key: Buffer.alloc(0), value: Buffer.alloc(0) });
    expect(full!.key!.toString()).toBe("größe");
    expect(full!.value!.toString()).toBe("東京");
    expect(full!.headers).toEqual({
      tenant: Buffer.from("a"),
      twice: [Buffer.from("1"), Buffer.from("2")],
      __proto__x: Buffer.from("y"),
    });
    expect(full).toMatchObject({
      isControlRecord: false,
      batchContext: { producerId: "-1", inTransaction: false },
    });
  });

  test.each([
    ["0", "0", "0"],
    ["-1", "0", "-1"],
    ["1764504000", "7", "1764504007"],
    ["1764504000000000", "-5", "1764503999999995"],
    // Past 2^53 the last digits are lost, and nothing else is.
    ["1764504000000000000", "0", "1764504000000000000"],
  ])(
    "of first timestamp %s keeps a record's time at %s after it",
    async (firstTimestamp, timestampDelta, is) => {
      const records = [{ timestampDelta }];
      const [message] = await decodeBatches(await batch(0, records, { compression, firstTimestamp }));
      expect(message!.timestamp).toBe(is);
    },
  );

  test("whose times are the log's has the log's", async () => {
    const written = await batch(0, [{ timestampDelta: "3" }], { compression });
    const [message] = await decodeBatches(signed(written, (copy) => (copy[ATTRIBUTES_AT + 1]! |= 0x08)));
    expect(message!.timestamp).toBe("9000");
  });

  test("that was damaged on the way is named by its offsets, and its neighbours are read", async () => {
    const [before, middle, after] = await Promise.all([
      batch(0, [{ value: "a" }], { compression }),
      batch(1, [{ value: "b" }, { value: "c" }], { compression }),
      batch(3, [{ value: "d" }], { compression }),
    ]);
    middle[middle.byteLength - 1]! ^= 1;
    const found = await decodeBatches(Buffer.concat([before, middle, after]));
    expect(found.map(brief)).toEqual([
      "0 a",
      { from: 1, to: 2, detail: "its checksum does not match" },
      "3 d",
    ]);
    expect(found[1]!.offset).toBe("2");
  });

  test("of a codec that nobody knows is named with it", async () => {
    const written = await batch(5, [{}, {}], { compression });
    const found = await decodeBatches(signed(written, (copy) => (copy[ATTRIBUTES_AT + 1] = 6)));
    expect(found.map(brief)).toEqual([{ from: 5, to: 6, detail: "codec 6 is unknown" }]);
  });

  test("that ends in the middle of a record gives the records before it", async () => {
    const written = await batch(0, [{ value: "a" }, { value: "b" }], { compression });
    // It says that there are more records than there are.
    const found = await decodeBatches(
      signed(written, (copy) => {
        copy.writeInt32BE(4, 57);
        copy.writeInt32BE(3, 23);
      }),
    );
    expect(found.map(brief)).toEqual(["0 a", "1 b", { from: 2, to: 3, detail: expect.any(String) }]);
  });
});

test("a batch that was cut at the end of an answer is left for the next one", async () => {
  const [whole, cut] = await Promise.all([batch(0, [{ value: "a" }]), batch(1, [{ value: "b" }])]);
  const found = await decodeBatches(Buffer.concat([whole, cut]).subarray(0, -1));
  expect(found.map(brief)).toEqual(["0 a"]);
});

test("what a small answer decompresses to is bounded: the rest is left for the next fetch", async () => {
  const value = "x".repeat(9 * 1_048_576);
  const batches = await Promise.all(
    [0, 1, 2].map((offset) => batch(offset, [{ value }], { compression: GZIP })),
  );
  const found = await decodeBatches(Buffer.concat(batches));
  expect(found.map((each) => each.offset)).toEqual(["0", "1"]);
});

test("formats of before Kafka 0.11 are known as such", async () => {
  const written = await batch(0, [{}]);
  expect(isCurrentFormat(written)).toBe(true);
  written[16] = 1;
  expect(isCurrentFormat(written)).toBe(false);
  expect(isCurrentFormat(Buffer.alloc(3))).toBe(false);
});

test("no bytes of a signed batch make decoding throw or find what is not in it", async () => {
  const written = await batch(0, [{ value: "a" }, { value: "b", headers: { h: "1" } }]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 57, max: written.byteLength - 1 }), fc.nat(255)), { minLength: 1 }),
      async (changes) => {
        const damaged = signed(written, (copy) => {
          for (const [at, value] of changes) copy[at] = value;
        });
        const found = await decodeBatches(damaged);
        for (const { offset } of found) expect(["0", "1"]).toContain(offset);
      },
    ),
    { seed: 20_261_130, numRuns: 500 },
  );
});

test("the checksum is that of the standard", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  // RFC 3720 B.4: 32 bytes of zeros, of ones, and rising.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});
