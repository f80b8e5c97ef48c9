/** Kafka's limit, `offset.metadata.max.bytes`, which it applies to characters; the other logs keep it so that code moves between them. */
const METADATA_BYTES_MAX = 4_096;

/** @throws RangeError when a group wants to store more than the port allows */
export function assertMetadataFits(metadata: string): void {
  const size = Buffer.byteLength(metadata);
  if (size > METADATA_BYTES_MAX)
    throw new RangeError(`metadata has ${size} bytes, at most ${METADATA_BYTES_MAX}`);
}
