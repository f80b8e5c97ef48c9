import { snappyUncompressor } from "hysnappy";
import { assertWithin } from "./assert-within.ts";

/** Java's clients write blocks behind this header (xerial's stream), the others one block alone. */
const STREAM_MAGIC = Buffer.from("82534e4150505900", "hex");
/** The magic, a version and the oldest compatible version. */
const STREAM_HEADER_BYTES = 16;
/** The decoder's memory never shrinks; one that has grown past this is replaced. */
const KEPT_BYTES_MAX = 4 * 1_048_576;

let decoder: ReturnType<typeof snappyUncompressor> | null = null;

/** @throws Error when the bytes are damaged or the result would be larger than `bytesMax` */
export function decompressSnappy(bytes: Buffer, bytesMax: number): Buffer {
  if (!bytes.subarray(0, STREAM_MAGIC.byteLength).equals(STREAM_MAGIC)) return decodeBlock(bytes, bytesMax);
  const blocks: Buffer[] = [];
  let left = bytesMax;
  for (let at = STREAM_HEADER_BYTES; at < bytes.byteLength;) {
    const size = bytes.readUInt32BE(at);
    at += 4;
    if (at + size > bytes.byteLength) throw new RangeError("a snappy block ends after its stream");
    const block = decodeBlock(bytes.subarray(at, at + size), left);
    blocks.push(block);
    left -= block.byteLength;
    at += size;
  }
  return Buffer.concat(blocks);
}

function decodeBlock(block: Buffer, bytesMax: number): Buffer {
  const size = readLength(block);
  assertWithin(size, bytesMax);
  const decode = (decoder ??= snappyUncompressor());
  // Not kept when it fails: an aborted run may leave its own memory in disorder.
  decoder = null;
  const found = decode(block, size);
  if (block.byteLength + size <= KEPT_BYTES_MAX) decoder = decode;
  return Buffer.from(found.buffer, found.byteOffset, found.byteLength);
}

/** A block begins with the size of its content, 7 bits a byte, lowest first, at most 32 bits. */
function readLength(block: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block.readUInt8(i);
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  throw new RangeError("a snappy block has no length");
}
