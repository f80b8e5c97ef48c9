import { expect, test } from "vitest";
import { createBudget } from "./budget.ts";

test("what was spent never passes the limit, whatever is in flight", async () => {
  const budget = createBudget(1);
  expect(await budget.reserve(0.6)).toBe(true);
  // Fits only when the first turns out cheaper than its worst case.
  const second = budget.reserve(0.6);
  budget.settle(0.6, 0.3, "m");
  expect(await second).toBe(true);
  budget.settle(0.6, 0.6, "m");
  expect(budget.spentUsd).toBeCloseTo(0.9);
  expect(budget.isExhausted).toBe(false);
});

test("a request that cannot fit ends the run, for those that wait as well", async () => {
  const budget = createBudget(1);
  await budget.reserve(0.9);
  const waiting = budget.reserve(0.5);
  budget.settle(0.9, 0.8, "m");
  expect(await waiting).toBe(false);
  expect(budget.isExhausted).toBe(true);
  expect(await budget.reserve(0.01)).toBe(false);
  expect(await budget.reserve(0)).toBe(true);
});

test("answers of unknown cost are in no sum of dollars, and are counted by who gave them", async () => {
  const budget = createBudget(1);
  expect(await budget.reserve(0)).toBe(true);
  budget.settle(0, null, "m");
  budget.settle(0, 0, "m");
  expect(budget.spentUsd).toBe(0);
  expect([...budget.unpriced]).toEqual([["m", 1]]);
});
