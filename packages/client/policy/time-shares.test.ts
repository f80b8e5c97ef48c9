import { expect, test } from "vitest";
import { timeShares } from "./time-shares.ts";

const models = (count: number): readonly unknown[] => Array.from({ length: count }, () => ({ model: "a/b" }));

test.each([
  // The defaults.
  [15_000, 8_000, 1, { reserveMs: 100, ownMs: 7_450, fallbackMs: 7_450 }],
  [15_000, 8_000, 0, { reserveMs: 100, ownMs: 14_900, fallbackMs: 0 }],
  [15_000, 3_000, 1, { reserveMs: 100, ownMs: 11_900, fallbackMs: 3_000 }],
  [15_000, 15_000, 5, { reserveMs: 100, ownMs: 7_450, fallbackMs: 1_490 }],
  [1_000, 1_000, 1, { reserveMs: 50, ownMs: 475, fallbackMs: 475 }],
])("of %i ms, %i an attempt, with %i fallback models", (deadline_ms, attempt_timeout_ms, count, expected) => {
  expect(timeShares({ deadline_ms, attempt_timeout_ms, fallback_models: models(count) })).toEqual(expected);
});
