import { LogError, type NewRecord } from "@plumbline/ports";
import { TOPICS, type Topic } from "@plumbline/schemas";

/** Bytes that count against a topic's `record_bytes_max`: UTF-8 of key and headers, and the value. */
export function recordBytes(record: NewRecord): number {
  let size = Buffer.byteLength(record.key) + record.value.byteLength;
  for (const [name, value] of Object.entries(record.headers ?? {})) {
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return size;
}

/**
 * Checks an append before any of it is written, so that it is accepted or refused as a whole.
 *
 * @throws LogError `record_too_large`, naming the first record that is
 */
export function assertRecordsFit(topic: Topic, records: readonly NewRecord[]): void {
  const bytesMax = TOPICS[topic].record_bytes_max;
  for (const [i, record] of records.entries()) {
    const size = recordBytes(record);
    if (size <= bytesMax) continue;
    const message = `record ${i} of ${records.length} has ${size} bytes, ${topic} takes ${bytesMax}; nothing was appended`;
    throw new LogError("record_too_large", message, { retryable: false });
  }
}

/**
 * Kafka's limit, `offset.metadata.max.bytes`, which it applies to characters; the other logs keep it so that code moves
 * between them.
 */
const METADATA_BYTES_MAX = 4_096;

/** @throws RangeError when a group wants to store more than the port allows */
export function assertMetadataFits(metadata: string): void {
  const size = Buffer.byteLength(metadata);
  if (size > METADATA_BYTES_MAX)
    throw new RangeError(`metadata has ${size} bytes, at most ${METADATA_BYTES_MAX}`);
}
