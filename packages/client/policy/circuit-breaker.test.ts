import { expect, test } from "vitest";
import { CircuitBreakers } from "./circuit-breaker.ts";

const POLICY = { failures: 3, window_ms: 1_000, open_ms: 500, scope: "model" } as const;

function create() {
  let now = 0;
  const breakers = new CircuitBreakers(() => now);
  return {
    at: (ms: number) => void (now = ms),
    fail: (count = 1) => Array.from({ length: count }, () => breakers.failed("m", POLICY)),
    succeed: (count = 1) => Array.from({ length: count }, () => breakers.succeeded("m", POLICY)),
    release: () => breakers.released("m"),
    admits: (name = "m") => breakers.admits(name, POLICY),
  };
}

test("it opens at so many failures within the window, for this name alone", () => {
  const breaker = create();
  breaker.fail(2);
  expect(breaker.admits()).toBe(true);
  breaker.fail();
  expect(breaker.admits()).toBe(false);
  expect(breaker.admits("another")).toBe(true);
});

test("a few failures among many successes open nothing: there is always one in a hundred", () => {
  const breaker = create();
  breaker.succeed(100);
  breaker.fail(50);
  expect(breaker.admits()).toBe(true);
  breaker.fail(50);
  expect(breaker.admits()).toBe(false);
});

test("failures that are older than the window do not count", () => {
  const breaker = create();
  breaker.fail(2);
  breaker.at(1_500);
  breaker.fail();
  expect(breaker.admits()).toBe(true);
});

test("after its time one call goes through as a trial, and what becomes of it decides", () => {
  const breaker = create();
  breaker.fail(3);
  breaker.at(499);
  expect(breaker.admits()).toBe(false);
  breaker.at(500);
  expect([breaker.admits(), breaker.admits(), breaker.admits()]).toEqual([true, false, false]);
  breaker.fail();
  breaker.at(999);
  expect(breaker.admits()).toBe(false);
  breaker.at(1_000);
  expect(breaker.admits()).toBe(true);
  breaker.succeed();
  expect([breaker.admits(), breaker.admits()]).toEqual([true, true]);
});

test("calls from before it opened that fail late do not hold it open", () => {
  const breaker = create();
  breaker.fail(3);
  breaker.at(400);
  breaker.fail(5);
  breaker.at(500);
  expect(breaker.admits()).toBe(true);
});

test("a trial that was given up, or that nobody heard of again, leaves room for the next", () => {
  const breaker = create();
  breaker.fail(3);
  breaker.at(500);
  expect(breaker.admits()).toBe(true);
  breaker.release();
  expect(breaker.admits()).toBe(true);
  breaker.at(999);
  expect(breaker.admits()).toBe(false);
  breaker.at(1_000);
  expect(breaker.admits()).toBe(true);
});

test("a flood of names does not fill the memory, and stops nobody", () => {
  const breakers = new CircuitBreakers(() => 0);
  for (let i = 0; i < 5_000; i++) breakers.failed(`model ${i}`, POLICY);
  expect(breakers.admits("model 4999", POLICY)).toBe(true);
});
