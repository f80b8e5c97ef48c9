/**
 * The partition of a key: FNV-1a (32 bit) of its UTF-8 bytes, modulo the partition count.
 *
 * Stable across processes and releases, because equal keys must stay in one partition for as long as a log lives.
 * Kafka's adapter uses Kafka's own partitioner instead; positions never move between technologies.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 */
export function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % partitions;
}
