import { createRequire } from "node:module";
import { expect, test } from "vitest";
import {
  brokerErrorText,
  checkDriverVersion,
  guardIdleTimer,
  keepCommitted,
  replaceDecoder,
  retriesUntil,
} from "./driver.ts";

const require = createRequire(import.meta.url);

interface RequestQueue {
  pending: unknown[];
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
  destroy(): void;
}

function openQueue(): RequestQueue {
  const Queue = require("kafkajs/src/network/requestQueue/index.js") as new (options: object) => RequestQueue;
  return new Queue({ maxInFlightRequests: null, logger: { debug: () => undefined } });
}

test("kafkajs is the version whose inside the driver knows", () => {
  expect(checkDriverVersion).not.toThrow();
});

test("a queue without requests arms no timer, and a queue with one does", () => {
  guardIdleTimer();
  const queue = openQueue();
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});

test("without the guard the timer re-arms for ever, so the guard is still needed", () => {
  const file = require.resolve("kafkajs/src/network/requestQueue/index.js");
  const guarded = require.cache[file];
  delete require.cache[file];
  try {
    const queue = openQueue();
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    queue.destroy();
  } finally {
    require.cache[file] = guarded;
  }
});

test("what fetches bring is decoded by us, and what the group committed is left alone", () => {
  replaceDecoder();
  keepCommitted();
  const decode: unknown = require("kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js");
  const { prototype } = require("kafkajs/src/consumer/offsetManager/index.js") as {
    prototype: { setDefaultOffset: unknown };
  };
  const { setDefaultOffset } = prototype;
  replaceDecoder();
  keepCommitted();
  expect(String(decode)).toContain("isCurrentFormat");
  expect(String(setDefaultOffset)).not.toContain("offsetCommit");
  expect(require("kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js")).toBe(decode);
  expect(prototype.setDefaultOffset).toBe(setDefaultOffset);
});

test("guarding twice is guarding once", () => {
  const { prototype } = require("kafkajs/src/network/requestQueue/index.js") as { prototype: object };
  const current = (): unknown => Reflect.get(prototype, "scheduleCheckPendingRequests");
  guardIdleTimer();
  const once = current();
  guardIdleTimer();
  expect(current()).toBe(once);
});

test("a broker's error type that kafkajs does not know is a mistake of ours", () => {
  expect(brokerErrorText("LEADER_NOT_AVAILABLE")).toMatch(/leadership/);
  expect(() => brokerErrorText("NO_SUCH_TYPE")).toThrow("NO_SUCH_TYPE");
});

test("repetitions go on until the signal aborts, and end then", async () => {
  const createRetry = require("kafkajs/src/retry/index.js") as (
    options: object,
  ) => (work: () => Promise<void>) => Promise<void>;
  const stop = new AbortController();
  let attempts = 0;
  const retry = createRetry({
    initialRetryTime: 1,
    maxRetryTime: 1,
    factor: 0,
    multiplier: 1,
    retries: retriesUntil(stop.signal),
  });
  const retried = retry(async () => {
    attempts += 1;
    if (attempts === 20) stop.abort();
    throw new Error("no broker");
  });
  await expect(retried).rejects.toThrow("no broker");
  // kafkajs looks at the number before an attempt, so one is under way already.
  expect(attempts).toBeLessThanOrEqual(21);
});
