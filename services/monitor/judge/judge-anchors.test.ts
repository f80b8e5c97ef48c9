import { createRandom } from "@plumbline/stats";
import { expect, test } from "vitest";
import { judgeAnchors } from "./judge-anchors.ts";

const days = (agreements: readonly number[]) =>
  agreements.map((n, day) => ({ day, items: 100, agreements: n }));

test.each([
  {
    name: "three days are the baseline, then it watches",
    agreements: [95, 96, 94, 95, 95, 96],
    state: "steady",
  },
  { name: "two days are not enough", agreements: [95, 96], state: "not_enough_data" },
  {
    name: "a judge that suddenly disagrees has drifted",
    agreements: [95, 96, 94, 95, 70, 71],
    state: "drifted",
  },
  {
    name: "a judge that disagrees on and on stays drifted",
    agreements: [95, 96, 94, 60, 60, 62, 60, 61],
    state: "drifted",
  },
  { name: "a little better is not back", agreements: [95, 96, 94, 60, 60, 74, 75, 74, 75], state: "drifted" },
  { name: "a judge that agrees again is back", agreements: [95, 96, 94, 60, 60, 95, 94], state: "steady" },
  { name: "and can drift again", agreements: [95, 96, 94, 60, 60, 95, 94, 60, 60], state: "drifted" },
  { name: "a drop within the margin is none", agreements: [95, 96, 94, 94, 94, 93, 94], state: "steady" },
])("$name", ({ agreements, state }) => {
  expect(judgeAnchors(days(agreements))).toMatchObject({ state });
});

test("a steady judge raises about no alarm in a year", () => {
  const random = createRandom(5);
  let alarms = 0;
  for (let year = 0; year < 40; year++) {
    const agreements = Array.from(
      { length: 365 },
      () => Array.from({ length: 100 }, () => random.uniform()).filter((u) => u < 0.94).length,
    );
    if (judgeAnchors(days(agreements)).state === "drifted") alarms++;
  }
  expect(alarms).toBeLessThanOrEqual(2);
});
