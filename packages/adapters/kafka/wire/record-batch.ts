/**
 * Decodes what a fetch brings of one partition: batches of records, each compressed as its producer liked.
 *
 * In place of kafkajs' own decoder, which knows one of four codecs, does not look at checksums, and answers a batch
 * that it can't decode with an exception, at which its consumer asks for the same batch again for ever.
 *
 * @see https://kafka.apache.org/documentation/#recordbatch
 */
import { counted } from "@plumbline/schemas";
import { CODECS, decompress } from "../codecs/decompress.ts";
import { crc32c } from "./crc32c.ts";
import type { FetchedMessage } from "./record.ts";

/** Most bytes that one batch may decompress to: 60 times what a broker takes from a producer at once. */
const BATCH_BYTES_MAX = 64 * 1_048_576;
/** Decompressed bytes after which the rest of an answer is left for the next fetch. */
const ANSWER_BYTES_MAX = 16 * 1_048_576;
/** Bytes decoded in one turn of the event loop. */
const TURN_BYTES = 1_048_576;

const MAGIC = 2;
/** Before the length's own end: the first offset, and the length. */
const LENGTH_END = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const HEADER_BYTES = 61;

const CODEC_MASK = 0x07;
const APPEND_TIME_FLAG = 0x08;
const TRANSACTION_FLAG = 0x10;
const CONTROL_FLAG = 0x20;

/** A message as kafkajs' consumer needs it to leave out what the log wrote for itself, and what a transaction took back. */
export interface DecodedMessage extends FetchedMessage {
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

/** The format of the first batch; formats before 2 are those of Kafka before 0.11, and kafkajs decodes them. */
export function isCurrentFormat(answer: Buffer): boolean {
  return answer.byteLength > MAGIC_AT && answer.readInt8(MAGIC_AT) === MAGIC;
}

/**
 * @param answer batches, the last of which may be cut
 * @returns their records in order. Records that are there and can't be read are one message in their place, with
 *   `unreadable` set and the last of their offsets
 */
export async function decodeBatches(answer: Buffer): Promise<readonly DecodedMessage[]> {
  const messages: DecodedMessage[] = [];
  let decoded = 0;
  let nextTurn = TURN_BYTES;
  for (let at = 0; at + HEADER_BYTES <= answer.byteLength && decoded < ANSWER_BYTES_MAX;) {
    const end = at + LENGTH_END + answer.readInt32BE(at + 8);
    if (end > answer.byteLength) break;
    if (end < at + HEADER_BYTES) throw new Error(`a batch of ${end - at} bytes, at least ${HEADER_BYTES}`);
    decoded += decodeBatch(answer.subarray(at, end), messages);
    at = end;
    if (decoded < nextTurn) continue;
    nextTurn = decoded + TURN_BYTES;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return messages;
}

/** @returns how many bytes its records take */
function decodeBatch(batch: Buffer, messages: DecodedMessage[]): number {
  const header = readHeader(batch);
  let next = header.firstOffset;
  try {
    if (crc32c(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CRC_AT)) {
      throw new RangeError("its checksum does not match");
    }
    const content = batch.subarray(HEADER_BYTES);
    const records =
      header.codec === CODECS.none ? content : decompress(header.codec, content, BATCH_BYTES_MAX);
    const reader = new FieldReader(records);
    if (header.count < 0) throw new RangeError(`it says that it has ${counted(header.count, "record")}`);
    for (let i = 0; i < header.count; i++) {
      const message = readRecord(reader, header);
      const offset = Number(message.offset);
      if (offset < next || offset > header.lastOffset)
        throw new RangeError("a record has an offset of elsewhere");
      messages.push(message);
      next = offset + 1;
    }
    return records.byteLength;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    messages.push(unreadable(header, next, detail));
    return batch.byteLength;
  }
}

interface BatchHeader {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly codec: number;
  readonly firstTimestamp: number;
  /** The log's own time of the batch; null when its records have their producer's. */
  readonly appendedAt: number | null;
  readonly count: number;
  readonly isControl: boolean;
  readonly context: DecodedMessage["batchContext"];
}

function readHeader(batch: Buffer): BatchHeader {
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  const firstOffset = Number(batch.readBigInt64BE(0));
  return {
    firstOffset,
    lastOffset: firstOffset + batch.readInt32BE(23),
    codec: attributes & CODEC_MASK,
    firstTimestamp: Number(batch.readBigInt64BE(27)),
    appendedAt: (attributes & APPEND_TIME_FLAG) === 0 ? null : Number(batch.readBigInt64BE(35)),
    count: batch.readInt32BE(57),
    isControl: (attributes & CONTROL_FLAG) !== 0,
    context: {
      producerId: batch.readBigInt64BE(43).toString(),
      inTransaction: (attributes & TRANSACTION_FLAG) !== 0,
    },
  };
}

function readRecord(reader: FieldReader, batch: BatchHeader): DecodedMessage {
  const record = new FieldReader(reader.take(reader.varint()));
  record.take(1);
  const timestamp = batch.firstTimestamp + record.varint();
  const offset = batch.firstOffset + record.varint();
  const key = record.bytes();
  const value = record.bytes();
  return {
    offset: String(offset),
    timestamp: String(batch.appendedAt ?? timestamp),
    key,
    value,
    headers: readHeaders(record),
    isControlRecord: batch.isControl,
    batchContext: batch.context,
  };
}

function readHeaders(record: FieldReader): Record<string, Buffer | Buffer[]> {
  const headers: Record<string, Buffer | Buffer[]> = {};
  for (let left = record.varint(); left > 0; left--) {
    const name = (record.bytes() ?? EMPTY).toString();
    const value = record.bytes() ?? EMPTY;
    // Defined, not assigned: a header may be called "__proto__".
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    Object.defineProperty(headers, name, {
      value: before === undefined ? value : [before, value].flat(),
      enumerable: true,
      configurable: true,
    });
  }
  return headers;
}

function unreadable(
  { lastOffset, isControl, context }: BatchHeader,
  from: number,
  detail: string,
): DecodedMessage {
  return {
    offset: String(lastOffset),
    timestamp: "-1",
    key: null,
    value: null,
    headers: {},
    isControlRecord: isControl,
    batchContext: context,
    unreadable: { from, to: lastOffset, detail },
  };
}

const EMPTY = Buffer.alloc(0);

/** Reads the fields of a record; past its end it throws RangeError. */
class FieldReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(size: number): Buffer {
    const end = this.#at + size;
    if (!(size >= 0 && end <= this.#bytes.byteLength)) throw new RangeError("a record ends after its batch");
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return found;
  }

  /** A length and as many bytes; null for a length of −1. */
  bytes(): Buffer | null {
    const size = this.varint();
    return size < 0 ? null : this.take(size);
  }

  /** Up to 64 bits, 7 a byte, lowest first, the sign in the lowest bit. Not exact past 2^53. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) break;
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw new RangeError("a number ends after its record");
  }
}
