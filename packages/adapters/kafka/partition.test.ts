import fc from "fast-check";
import { Partitioners } from "kafkajs";
import { expect, test } from "vitest";
import { partitionOf } from "./appender.ts";

test("a key goes to the partition that kafkajs' default partitioner chooses", () => {
  const partitioner = Partitioners.DefaultPartitioner();
  const theirs = (key: string, count: number): number =>
    partitioner({
      topic: "any",
      partitionMetadata: Array.from({ length: count }, (_, partitionId) => ({
        partitionId,
        leader: 1,
        partitionErrorCode: 0,
        replicas: [1],
        isr: [1],
      })),
      message: { key, value: null },
    });
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 50 }),
      fc.integer({ min: 1, max: 64 }),
      (key, count) => {
        expect(partitionOf(key, count)).toBe(theirs(key, count));
      },
    ),
    { numRuns: 500 },
  );
});

// From Kafka's own UtilsTest.testMurmur2: murmur2("foobar") = -790332482, murmur2("a-little-bit-long-string") = -985981536.
test.each([
  ["foobar", -790_332_482],
  ["a-little-bit-long-string", -985_981_536],
])("murmur2 of %s is what the Java client computes", (key, hash) => {
  expect(partitionOf(key, 1_000_003)).toBe((hash & 0x7f_ff_ff_ff) % 1_000_003);
});
