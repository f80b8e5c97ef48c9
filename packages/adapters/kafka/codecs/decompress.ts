/**
 * Undoes what a producer's `compression.type` did to the records of one batch. Ours do not compress; other producers
 * of the topic may use any of the protocol's four codecs.
 *
 * Checksums inside of the compressed bytes are not looked at: the batch's own covers them.
 */
import { gunzipSync } from "node:zlib";
import { decompressLz4 } from "./lz4.ts";
import { decompressSnappy } from "./snappy.ts";
import { decompressZstd } from "./zstd.ts";

/** The protocol's numbers, by which a batch says how it is compressed. */
export const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/**
 * @param codec one of `CODECS` but `none`
 * @param bytesMax most bytes of the result, so that a small batch can't fill the memory
 * @throws Error (of any class) when the codec is unknown, the bytes are damaged or the result would be larger
 */
export function decompress(codec: number, bytes: Buffer, bytesMax: number): Buffer {
  switch (codec) {
    case CODECS.gzip:
      return gunzipSync(bytes, { maxOutputLength: bytesMax });
    case CODECS.snappy:
      return decompressSnappy(bytes, bytesMax);
    case CODECS.lz4:
      return decompressLz4(bytes, bytesMax);
    case CODECS.zstd:
      return decompressZstd(bytes, bytesMax);
    default:
      throw new RangeError(`codec ${codec} is unknown`);
  }
}
