import { decompress } from "fzstd";
import { assertWithin } from "./assert-within.ts";

const FRAME_MAGIC = 0xfd2fb528;
/** Frames with any of 16 magics are to be skipped. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_BYTES_MAX = 131_072;
const BLOCK_RLE = 1;
const BLOCK_COMPRESSED = 2;
const WINDOW_EXPONENT_MIN = 10;

/**
 * @throws Error when the bytes are damaged or the result could be larger than `bytesMax`
 * @see https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.1
 */
export function decompressZstd(bytes: Buffer, bytesMax: number): Buffer {
  const narrowed = Buffer.from(bytes);
  assertWithin(narrowWindows(narrowed, bytesMax), bytesMax);
  const found = decompress(narrowed);
  return Buffer.from(found.buffer, found.byteOffset, found.byteLength);
}

/**
 * Walks the frames by the headers of their blocks. The decoder reserves, and for each block moves, the whole window
 * that a frame declares: 2 MiB for a batch of one record. A frame needs no larger window than it has content, so the
 * declared ones are made that small, in place.
 *
 * @returns the most bytes that the frames can decompress to
 */
function narrowWindows(bytes: Buffer, bytesMax: number): number {
  let total = 0;
  for (let at = 0; at < bytes.byteLength;) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + bytes.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== FRAME_MAGIC) throw new RangeError("not a zstd frame");
    const frame = readFrameHeader(bytes, at + 4);
    assertWithin(frame.content, bytesMax);
    at = frame.end;
    let size = 0;
    for (let isLast = false; !isLast;) {
      const header = bytes.readUIntLE(at, 3);
      isLast = (header & 1) === 1;
      const type = (header >> 1) & 3;
      const blockSize = header >> 3;
      size += type === BLOCK_COMPRESSED ? BLOCK_BYTES_MAX : blockSize;
      at += 3 + (type === BLOCK_RLE ? 1 : blockSize);
    }
    if (frame.windowAt !== null) {
      const exponent = Math.max(0, Math.ceil(Math.log2(Math.max(1, size))) - WINDOW_EXPONENT_MIN);
      const declared = bytes.readUInt8(frame.windowAt);
      bytes.writeUInt8(Math.min(declared, exponent << 3), frame.windowAt);
    }
    if (frame.hasChecksum) at += 4;
    total += size;
  }
  return total;
}

interface FrameHeader {
  /** One past its last byte. */
  readonly end: number;
  readonly hasChecksum: boolean;
  /** The declared window: five bits of an exponent, three of a mantissa. Null when it is the content's size. */
  readonly windowAt: number | null;
  /** The declared size of the content; 0 when it is not declared. */
  readonly content: number;
}

function readFrameHeader(bytes: Buffer, start: number): FrameHeader {
  const descriptor = bytes.readUInt8(start);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const end = start + 1 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
  let content = 0;
  for (let i = 1; i <= sizeBytes; i++) content = content * 256 + bytes.readUInt8(end - i);
  return {
    end,
    hasChecksum: (descriptor & 4) !== 0,
    windowAt: isSingleSegment ? null : start + 1,
    content,
  };
}
