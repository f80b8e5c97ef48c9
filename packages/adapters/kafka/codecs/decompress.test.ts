/**
 * `vectors.json` holds one text compressed by the codecs' reference implementations: cramjam 2.11 (snappy), lz4 4.4
 * and zstandard 0.25, all from PyPI, in each framing that Kafka's clients write.
 */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CODECS, decompress } from "./decompress.ts";

const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url), "utf8")) as Record<
  string,
  string
>;
const { plain = "", ...compressed } = vectors;
const PLAIN = Buffer.from(plain, "base64");
const MIB = 1_048_576;

const cases = [
  { name: "gzip", codec: CODECS.gzip, bytes: gzipSync(PLAIN) },
  { name: "gzip of two members", codec: CODECS.gzip, bytes: twoMembers() },
  ...Object.entries(compressed).map(([name, text]) => ({
    name,
    codec: CODECS[name.split(" ")[0] as "snappy" | "lz4" | "zstd"],
    bytes: Buffer.from(text, "base64"),
  })),
];

function twoMembers(): Buffer {
  return Buffer.concat([gzipSync(PLAIN.subarray(0, 100)), gzipSync(PLAIN.subarray(100))]);
}

describe.each(cases)("$name", ({ codec, bytes }) => {
  test("comes back as it was", () => {
    expect(decompress(codec, bytes, MIB).equals(PLAIN)).toBe(true);
    // Again, because a decoder may keep something from before.
    expect(decompress(codec, bytes, MIB).equals(PLAIN)).toBe(true);
  });

  test("that would become larger than the limit is refused", () => {
    expect(() => decompress(codec, bytes, PLAIN.byteLength - 1)).toThrow();
  });

  test("that is damaged anywhere throws or becomes something within the limit, and harms nobody after it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(bytes.byteLength),
        (changes, length) => {
          const damaged = Buffer.from(bytes);
          for (const [at, value] of changes) damaged[at] = value;
          let found: Buffer = Buffer.alloc(0);
          try {
            found = decompress(codec, damaged.subarray(0, length), MIB);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
          expect(found.byteLength).toBeLessThanOrEqual(MIB);
        },
      ),
      { seed: 20_261_130, numRuns: 300 },
    );
    expect(decompress(codec, bytes, MIB).equals(PLAIN)).toBe(true);
  });
});

test("a codec that the protocol does not have is refused by its number", () => {
  expect(() => decompress(5, PLAIN, MIB)).toThrow("codec 5 is unknown");
});

test.each([
  { name: "gzip", codec: CODECS.gzip, bomb: gzipSync(Buffer.alloc(50 * MIB)) },
  // A length of 1 GiB, and nothing.
  { name: "snappy", codec: CODECS.snappy, bomb: Buffer.from([0x80, 0x80, 0x80, 0x80, 0x04, 0]) },
  { name: "lz4", codec: CODECS.lz4, bomb: lz4Bomb() },
  {
    name: "zstd that declares its size",
    codec: CODECS.zstd,
    bomb: zstdBomb(Buffer.from("c000000000ffff0000", "hex")),
  },
  { name: "zstd of runs", codec: CODECS.zstd, bomb: zstdBomb(Buffer.from("0050", "hex")) },
])("a bomb of $name is refused before it takes memory", ({ codec, bomb }) => {
  const before = process.memoryUsage().rss;
  expect(() => decompress(codec, bomb, MIB)).toThrow();
  expect(process.memoryUsage().rss - before).toBeLessThan(40 * MIB);
});

/** One literal, and one match that repeats it 255 times a byte. */
function lz4Bomb(): Buffer {
  const block = Buffer.concat([
    Buffer.from([0x1f, 0x78, 1, 0]),
    Buffer.alloc(200_000, 255),
    Buffer.from([0]),
  ]);
  const header = Buffer.from("04224d184070df", "hex");
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.byteLength);
  return Buffer.concat([header, size, block, Buffer.alloc(4)]);
}

/** Blocks of 128 KiB of one byte each, in four bytes. */
function zstdBomb(frameHeader: Buffer): Buffer {
  const block = Buffer.alloc(4);
  block.writeUIntLE((131_072 << 3) | (1 << 1), 0, 3);
  const last = Buffer.from(block);
  last[0] = last[0]! | 1;
  return Buffer.concat([
    Buffer.from("28b52ffd", "hex"),
    frameHeader,
    ...Array<Buffer>(999).fill(block),
    last,
  ]);
}
