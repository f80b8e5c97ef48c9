import { expect, test } from "vitest";
import { CircuitBreakers } from "./circuit-breaker.ts";

const POLICY = { failures: 3, window_ms: 1_000, open_ms: 500, scope: "model" } as const;

function create() {
  let now = 0;
  const breakers = new CircuitBreakers(() => now);
  const admit = () => breakers.admit("m", POLICY);
  const settle = (isGood: boolean, count: number) =>
    Array.from({ length: count }, admit).forEach((each) => each?.(isGood));
  return {
    at: (ms: number) => void (now = ms),
    admit,
    fail: (count = 1) => settle(false, count),
    succeed: (count = 1) => settle(true, count),
    admits: (name = "m") => breakers.admit(name, POLICY) !== null,
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
  const trial = breaker.admit();
  expect([trial !== null, breaker.admits(), breaker.admits()]).toEqual([true, false, false]);
  trial!(false);
  breaker.at(999);
  expect(breaker.admits()).toBe(false);
  breaker.at(1_000);
  breaker.admit()!(true);
  expect([breaker.admits(), breaker.admits()]).toEqual([true, true]);
});

test("calls from before it opened that fail late do not hold it open", () => {
  const breaker = create();
  const late = Array.from({ length: 5 }, breaker.admit);
  breaker.fail(3);
  breaker.at(400);
  for (const settle of late) settle!(false);
  breaker.at(500);
  expect(breaker.admits()).toBe(true);
});

// As in https://github.com/nodeshift/opossum/issues/381.
test("a call from before it opened that succeeds late closes nothing, nor does it end a trial", () => {
  const breaker = create();
  const [early, other, last] = [breaker.admit()!, breaker.admit()!, breaker.admit()!];
  breaker.fail(3);
  breaker.at(100);
  early(true);
  expect(breaker.admits()).toBe(false);
  breaker.at(500);
  const trial = breaker.admit()!;
  other(true);
  last(null);
  expect(breaker.admits()).toBe(false);
  trial(true);
  expect([breaker.admits(), breaker.admits()]).toEqual([true, true]);
});

test("calls from before it opened that fail after it closed do not open it again", () => {
  const breaker = create();
  const late = Array.from({ length: 5 }, breaker.admit);
  breaker.fail(3);
  breaker.at(500);
  breaker.admit()!(true);
  for (const settle of late) settle!(false);
  expect(breaker.admits()).toBe(true);
});

test("a trial that was given up, or that nobody heard of again, leaves room for the next", () => {
  const breaker = create();
  breaker.fail(3);
  breaker.at(500);
  breaker.admit()!(null);
  const silent = breaker.admit()!;
  breaker.at(999);
  expect(breaker.admits()).toBe(false);
  breaker.at(1_000);
  expect(breaker.admits()).toBe(true);
  // It is heard of after all, while the next is under way.
  silent(false);
  expect(breaker.admits()).toBe(false);
  breaker.at(1_500);
  expect(breaker.admits()).toBe(true);
});

test("a flood of names does not fill the memory, and stops nobody", () => {
  const breakers = new CircuitBreakers(() => 0);
  for (let i = 0; i < 5_000; i++) breakers.admit(`model ${i}`, POLICY)!(false);
  expect(breakers.admit("model 4999", POLICY)).not.toBeNull();
});
