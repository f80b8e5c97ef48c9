import { LogError } from "@plumbline/ports";
import { KafkaJSConnectionError, KafkaJSError, KafkaJSProtocolError } from "kafkajs";
import { expect, test } from "vitest";
import { isLostAssignment, toLogError } from "./errors.ts";

const fromBroker = (type: string): Error =>
  new KafkaJSProtocolError({
    type,
    code: 1,
    retriable: false,
    message: "said the broker",
  } as unknown as Error);

test.each([
  ["REBALANCE_IN_PROGRESS", "not_assigned", false],
  ["ILLEGAL_GENERATION", "not_assigned", false],
  ["UNKNOWN_MEMBER_ID", "not_assigned", false],
  ["MESSAGE_TOO_LARGE", "record_too_large", false],
  ["UNKNOWN_TOPIC_OR_PARTITION", "topic_mismatch", false],
  ["TOPIC_AUTHORIZATION_FAILED", "config", false],
  ["NOT_ENOUGH_REPLICAS", "log_unavailable", true],
  ["a type of tomorrow", "log_unavailable", true],
])("the broker's %s is %s", (type, code, retryable) => {
  expect(toLogError(fromBroker(type), "test")).toMatchObject({ code, retryable });
  // As kafkajs rethrows it when it gives up.
  const given = Object.assign(new KafkaJSError("gave up"), { cause: fromBroker(type) });
  expect(toLogError(given, "test")).toMatchObject({ code, retryable });
});

test("a lost connection is an outage, and its cause is kept", () => {
  const lost = new KafkaJSConnectionError("refused");
  expect(toLogError(lost, "append")).toMatchObject({ code: "log_unavailable", retryable: true, cause: lost });
});

test("our own errors pass through", () => {
  const own = new LogError("topic_mismatch", "as it is", { retryable: false });
  expect(toLogError(own, "test")).toBe(own);
});

test("only the group's own answers mean that the partition is gone", () => {
  expect(isLostAssignment(fromBroker("ILLEGAL_GENERATION"))).toBe(true);
  expect(isLostAssignment(fromBroker("NOT_ENOUGH_REPLICAS"))).toBe(false);
  expect(isLostAssignment(new Error("ILLEGAL_GENERATION"))).toBe(false);
});
