/** The share of calls with a cached prefix: what is a fall of it, and what is none. */
import { HOUR_MS } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { expect, test } from "vitest";
import { logBin, MISSING_BIN } from "../counts/log-bins.ts";
import type { OutcomeCounts } from "./rate-metrics.ts";
import { VersionHealth } from "./version-health.ts";

const CALLS = 100;

/** @param cached by tokens read from the provider's cache, calls; the rest did not report */
function hour(at: number, cached: Readonly<Record<number, number>>): OutcomeCounts {
  const cachedTokens = new Map<number, number>();
  let reported = 0;
  for (const [tokens, calls] of Object.entries(cached)) {
    const bin = logBin(Number(tokens));
    cachedTokens.set(bin, (cachedTokens.get(bin) ?? 0) + calls);
    reported += calls;
  }
  if (reported < CALLS) cachedTokens.set(MISSING_BIN, CALLS - reported);
  return {
    hour: at * HOUR_MS,
    calls: CALLS,
    okCalls: CALLS,
    elsewhereCalls: 0,
    degradedCalls: 0,
    pricedCalls: 0,
    costSum: 0,
    logCostSum: 0,
    logCostSquareSum: 0,
    latency: new Map([[logBin(800), CALLS]]),
    cachedTokens,
  };
}

/** Hours from the deploy to the first finding; null without one in two weeks. */
function foundAfter(
  before: (at: number) => Readonly<Record<number, number>>,
  after: (at: number) => Readonly<Record<number, number>>,
  isDeploy = true,
): number | null {
  const reference = Array.from({ length: 72 }, (_, at) => hour(at, before(at)));
  const health = new VersionHealth(reference, { isDeploy });
  for (let at = 72; at < 72 + 336; at++) {
    const findings = health.addHour(hour(at, after(at)));
    expect(findings.map(({ metric }) => metric.name)).toEqual(
      findings.length === 0 ? [] : ["cached_prefix_share"],
    );
    if (findings.length > 0) return at - 72;
  }
  return null;
}

test.each([
  { name: "an edit puts a variable first", before: { 0: 18, 1536: 82 }, after: { 0: 100 } },
  { name: "the prompt is under the provider's minimum now", before: { 0: 5, 1024: 95 }, after: { 0: 100 } },
  { name: "a part of the prefix is cut off", before: { 0: 18, 3072: 82 }, after: { 0: 18, 1024: 82 } },
  { name: "few calls had it, and none has it now", before: { 0: 75, 1536: 25 }, after: { 0: 100 } },
])("found within a day: $name", ({ before, after }) => {
  for (const isDeploy of [true, false])
    expect(
      foundAfter(
        () => before,
        () => after,
        isDeploy,
      ),
    ).toBeLessThan(24);
});

test.each([
  { name: "nothing was ever cached", before: { 0: 100 }, after: { 0: 100 } },
  { name: "next to nothing was ever cached", before: { 0: 97, 1536: 3 }, after: { 0: 100 } },
  { name: "nobody says what is cached", before: {}, after: {} },
  { name: "the provider stopped saying it", before: { 0: 18, 1536: 82 }, after: {} },
  { name: "a shorter prompt is cached as often", before: { 0: 18, 1536: 82 }, after: { 0: 18, 1408: 82 } },
  { name: "more is cached", before: { 0: 50, 1536: 50 }, after: { 4096: 100 } },
])("no finding: $name", ({ before, after }) => {
  for (const isDeploy of [true, false])
    expect(
      foundAfter(
        () => before,
        () => after,
        isDeploy,
      ),
    ).toBeNull();
});

test("long inputs do not hide a break: what counts is the prefix, not its share of the input", () => {
  // 1,536 tokens of some 5,000; conversations read more of them.
  const random = createRandom(7);
  const cached = (): Readonly<Record<number, number>> => {
    const more = 20 + random.integer(10);
    return { 0: 15, 1536: 85 - more, 2560: more };
  };
  expect(foundAfter(cached, cached)).toBeNull();
  expect(foundAfter(cached, () => ({ 0: 100 }))).toBeLessThan(24);
});
