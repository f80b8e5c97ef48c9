/**
 * The layout of a record in the environment.
 *
 * Key, 12 bytes big-endian, so that LMDB's byte order is the order of the log:
 *   topic u16 · partition u16 · offset u64
 * Value, little-endian:
 *   format u8 (1) · timestamp f64 · key bytes u32 · headers bytes u32 · key UTF-8 · headers JSON (absent when none) · value
 */
import type { LogRecord, NewRecord } from "@plumbline/ports";

const FORMAT = 1;
const HEAD_BYTES = 17;
export const KEY_BYTES = 12;

/** Writes the key into `target`, which the caller may use again: LMDB copies keys. */
export function writeKey(target: Buffer, topic: number, partition: number, offset: number): Buffer {
  target.writeUInt16BE(topic, 0);
  target.writeUInt16BE(partition, 2);
  target.writeUInt32BE(Math.floor(offset / 2 ** 32), 4);
  target.writeUInt32BE(offset % 2 ** 32, 8);
  return target;
}

export function createKey(topic: number, partition: number, offset: number): Buffer {
  return writeKey(Buffer.allocUnsafe(KEY_BYTES), topic, partition, offset);
}

export function offsetOf(key: Uint8Array): number {
  const bytes = key as Buffer;
  return bytes.readUInt32BE(4) * 2 ** 32 + bytes.readUInt32BE(8);
}

/** Copies records into frames, all in one allocation; the caller may use its values again at once. */
export function encodeFrames(records: readonly NewRecord[], timestamp: number): readonly Buffer[] {
  const headers = records.map((record) => encodeHeaders(record.headers));
  const keyBytes = records.map((record) => Buffer.byteLength(record.key));
  let size = 0;
  for (const [i, record] of records.entries()) {
    size += HEAD_BYTES + keyBytes[i]! + Buffer.byteLength(headers[i]!) + record.value.byteLength;
  }
  const block = Buffer.allocUnsafeSlow(size);
  let end = 0;
  return records.map((record, i) => {
    const start = end;
    const headersBytes = Buffer.byteLength(headers[i]!);
    block[start] = FORMAT;
    block.writeDoubleLE(timestamp, start + 1);
    block.writeUInt32LE(keyBytes[i]!, start + 9);
    block.writeUInt32LE(headersBytes, start + 13);
    end = start + HEAD_BYTES;
    end += block.write(record.key, end);
    end += block.write(headers[i]!, end);
    block.set(record.value, end);
    end += record.value.byteLength;
    return block.subarray(start, end);
  });
}

/** @param frame not copied: the record's value is a view of it */
export function decodeFrame(partition: number, offset: number, frame: Buffer): LogRecord {
  if (frame[0] !== FORMAT)
    throw new RangeError(`record ${partition}:${offset} has unknown format ${frame[0]}`);
  const keyEnd = HEAD_BYTES + frame.readUInt32LE(9);
  const headersEnd = keyEnd + frame.readUInt32LE(13);
  return {
    partition,
    offset,
    timestamp: timestampOf(frame),
    key: frame.toString("utf8", HEAD_BYTES, keyEnd),
    value: frame.subarray(headersEnd),
    headers: keyEnd === headersEnd ? {} : decodeHeaders(frame.toString("utf8", keyEnd, headersEnd)),
  };
}

export function timestampOf(frame: Buffer): number {
  return frame.readDoubleLE(1);
}

function encodeHeaders(headers: NewRecord["headers"]): string {
  return headers === undefined || Object.keys(headers).length === 0 ? "" : JSON.stringify(headers);
}

function decodeHeaders(json: string): Readonly<Record<string, string>> {
  return JSON.parse(json) as Record<string, string>;
}
