import { expect, test } from "vitest";
import { SwitchedOff } from "./switched-off.ts";

const MODEL = "openai/gpt-5-mini";

const NOW = 1_000_000;

test("a model that is off is left out, but for a few calls that try it; others are not", () => {
  const off = new SwitchedOff();
  off.apply([MODEL], NOW);
  const tried = Array.from({ length: 4_000 }, () => off.has(MODEL, NOW)).filter((isOff) => !isOff).length;
  // 5% of 4,000: 200, give or take 4.5 standard deviations.
  expect(tried).toBeGreaterThan(138);
  expect(tried).toBeLessThan(262);
  expect(off.has("anthropic/claude-haiku", NOW)).toBe(false);
});

test("what nobody has confirmed for five minutes is forgotten, and holds again once it is", () => {
  const off = new SwitchedOff();
  // Of 200 calls, at least one leaves it out, but for one run in 20^200.
  const isLeftOut = (at: number): boolean =>
    Array.from({ length: 200 }, () => off.has(MODEL, at)).includes(true);
  off.apply([MODEL], NOW);
  off.confirm(NOW + 299_000);
  expect(isLeftOut(NOW + 599_000)).toBe(true);
  expect(isLeftOut(NOW + 599_001)).toBe(false);
  off.confirm(NOW + 700_000);
  expect(isLeftOut(NOW + 700_000)).toBe(true);
});

test.each([[undefined], [null], ["openai/gpt-5-mini"], [{ a: 1 }], [[1, null]]])(
  "%j switches nothing off: absence is no list",
  (value) => {
    const off = new SwitchedOff();
    off.apply([MODEL], NOW);
    off.apply(value, NOW);
    expect(off.has(MODEL, NOW)).toBe(false);
  },
);
