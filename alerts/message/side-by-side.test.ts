import { expect, test } from "vitest";
import { detection, streams } from "../detection.fixture.ts";
import { sideBySideLine } from "../words/quality-words.ts";
import { storedDetection } from "./stored-detections.fixture.ts";

const { prompt_version: incumbent } = detection().incumbent!;
const paired = {
  incumbent,
  pairs: 180,
  weight: 0.2,
  log_detector: null,
  log_deploy_e: null,
  difference: 0.042,
};

type Pairs = Omit<typeof paired, "log_deploy_e"> & { readonly log_deploy_e: number | null };
const line = (changes: Partial<Pairs>): string | null =>
  sideBySideLine(
    detection({
      incumbent: { ...detection().incumbent!, number: 1 },
      evidence: { detector: streams({ paired: { ...paired, ...changes } }) },
    }),
  );

test.each<{ name: string; changes: Partial<Pairs>; expected: string | null }>([
  {
    name: "worse",
    changes: {},
    expected: "Side by side with v1: 4.2 points worse in 180 pairs of conversations from the same hours.",
  },
  {
    name: "better",
    changes: { difference: -0.013, log_deploy_e: -2 },
    expected: "Side by side with v1: 1.3 points better in 180 pairs of conversations from the same hours.",
  },
  {
    name: "the same, to what is shown",
    changes: { difference: 0.0004, log_deploy_e: -2 },
    expected: "Side by side with v1: no difference in 180 pairs of conversations from the same hours.",
  },
  {
    name: "one pair",
    changes: { pairs: 1, difference: 1 },
    expected: "Side by side with v1: 100.0 points worse in 1 pair of conversations from the same hours.",
  },
  {
    name: "an e-value of 20 at level 0.95",
    changes: { log_deploy_e: 3 },
    expected:
      "Side by side with v1: 4.2 points worse in 180 pairs of conversations from the same hours, more than chance explains.",
  },
  {
    name: "an e-value just below it",
    changes: { log_deploy_e: 2.99 },
    expected: "Side by side with v1: 4.2 points worse in 180 pairs of conversations from the same hours.",
  },
  {
    name: "an e-value below 1",
    changes: { log_deploy_e: -0.1 },
    expected:
      "Side by side with v1: 4.2 points worse in 180 pairs of conversations from the same hours, which chance may explain.",
  },
  {
    name: "a version that is not the incumbent of the message",
    changes: { incumbent: `sha256:${"ab".repeat(32)}` },
    expected:
      "Side by side with abababababab: 4.2 points worse in 180 pairs of conversations from the same hours.",
  },
  { name: "no pairs", changes: { pairs: 0 }, expected: null },
])("side by side: $name", ({ changes, expected }) => {
  expect(line(changes)).toBe(expected);
});

test("an incident without pairs says nothing of them", () => {
  expect(sideBySideLine(detection())).toBeNull();
  expect(sideBySideLine(detection({ evidence: { detector: streams() } }))).toBeNull();
  expect(sideBySideLine(storedDetection("latency"))).toBeNull();
});
