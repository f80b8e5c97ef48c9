/** Part of the murmur2 definition. */
const SEED = 0x97_47_b2_8c;
const MULTIPLIER = 0x5b_d1_e9_95;
const SHIFT = 24;

/**
 * The partition of a key: what kafkajs and the Java client choose by default (murmur2 of the UTF-8 bytes, modulo
 * the partitions), so that every producer of a topic agrees. kafkajs computes it with BigInt, at 10 µs for a UUID
 * against 0.7 µs here, where all the rest of a record's way costs about 15 µs. A test holds the two equal.
 *
 * @returns integer in [0, partitionCount)
 */
export function partitionOf(key: string, partitionCount: number): number {
  return (murmur2(Buffer.from(key)) & 0x7f_ff_ff_ff) % partitionCount;
}

function murmur2(data: Buffer): number {
  const { length } = data;
  let hash = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let word = Math.imul(data.readInt32LE(i), MULTIPLIER);
    word = Math.imul(word ^ (word >>> SHIFT), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  const rest = length - i;
  if (rest >= 3) hash ^= data[i + 2]! << 16;
  if (rest >= 2) hash ^= data[i + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ data[i]!, MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}
