/**
 * LZ4 frames, as Kafka's clients write them. Written here because the registry has no maintained decoder of frames
 * without native code.
 *
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
import { assertWithin } from "./assert-within.ts";

const FRAME_MAGIC = 0x184d2204;
/** Frames with any of 16 magics are to be skipped. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const VERSION = 1;
/** Set in the size of a block that is stored as it is. */
const STORED_BIT = 0x8000_0000;
const MATCH_BYTES_MIN = 4;
/** A length of 15 goes on in the bytes that follow. */
const LENGTH_CONTINUES = 15;
const SHORT_BYTES = 64;

/** @throws Error when the bytes are damaged or the result would be larger than `bytesMax` */
export function decompressLz4(bytes: Buffer, bytesMax: number): Buffer {
  const output = new Output(bytes.byteLength * 4, bytesMax);
  for (let at = 0; at < bytes.byteLength;) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) at += 8 + bytes.readUInt32LE(at + 4);
    else if (magic === FRAME_MAGIC) at = decodeFrame(bytes, at + 4, output);
    else throw new RangeError("not an lz4 frame");
  }
  return output.finish();
}

/** @returns one past the frame's last byte */
function decodeFrame(bytes: Buffer, start: number, output: Output): number {
  const flags = bytes.readUInt8(start);
  if (flags >> 6 !== VERSION) throw new RangeError(`lz4 frame of version ${flags >> 6}`);
  const blockChecksumBytes = (flags & 0x10) === 0 ? 0 : 4;
  const contentSizeBytes = (flags & 0x08) === 0 ? 0 : 8;
  const contentChecksumBytes = (flags & 0x04) === 0 ? 0 : 4;
  const dictionaryBytes = (flags & 0x01) === 0 ? 0 : 4;
  // Flags, block size, and a checksum of the header.
  let at = start + 2 + contentSizeBytes + dictionaryBytes + 1;
  for (;;) {
    const header = bytes.readUInt32LE(at);
    at += 4;
    if (header === 0) return at + contentChecksumBytes;
    const isStored = header >= STORED_BIT;
    const end = at + (isStored ? header - STORED_BIT : header);
    if (end > bytes.byteLength) throw new RangeError("an lz4 block ends after its frame");
    if (isStored) output.append(bytes, at, end);
    else decodeBlock(bytes, at, end, output);
    at = end + blockChecksumBytes;
  }
}

/** A block is a row of literals and matches; a match may begin in an earlier block of the frame. */
function decodeBlock(bytes: Buffer, start: number, end: number, output: Output): void {
  let at = start;
  const lengthOf = (nibble: number): number => {
    let length = nibble;
    if (nibble < LENGTH_CONTINUES) return length;
    for (;;) {
      if (at >= end) throw new RangeError("an lz4 length ends after its block");
      const byte = bytes[at++]!;
      length += byte;
      if (byte < 255) return length;
    }
  };
  while (at < end) {
    const token = bytes[at++]!;
    const literals = lengthOf(token >> 4);
    if (at + literals > end) throw new RangeError("an lz4 literal ends after its block");
    output.append(bytes, at, at + literals);
    at += literals;
    // The last sequence has no match.
    if (at === end) return;
    if (at + 2 > end) throw new RangeError("an lz4 offset ends after its block");
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    output.repeat(distance, lengthOf(token & 0xf) + MATCH_BYTES_MIN);
  }
}

/** Bytes that grow up to a limit. */
class Output {
  readonly #bytesMax: number;
  #bytes: Buffer;
  #size = 0;

  constructor(expected: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(expected, bytesMax));
  }

  append(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    source.copy(this.#bytes, this.#size, start, end);
    this.#size += end - start;
  }

  /** Appends `length` bytes that begin `distance` before the end; when they overlap the end, they repeat. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.#size) throw new RangeError("an lz4 match begins before its frame");
    this.#reserve(length);
    const from = this.#size - distance;
    // Short ones are the rule, and a call costs more than they do.
    if (distance >= length && length > SHORT_BYTES) this.#bytes.copyWithin(this.#size, from, from + length);
    else for (let i = 0; i < length; i++) this.#bytes[this.#size + i] = this.#bytes[from + i]!;
    this.#size += length;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  #reserve(added: number): void {
    const needed = this.#size + added;
    assertWithin(needed, this.#bytesMax);
    if (needed <= this.#bytes.byteLength) return;
    const grown = Buffer.allocUnsafeSlow(
      Math.min(this.#bytesMax, Math.max(needed, 2 * this.#bytes.byteLength)),
    );
    this.#bytes.copy(grown, 0, 0, this.#size);
    this.#bytes = grown;
  }
}
