import { expect, test } from "vitest";
import { detection, streams } from "../detection.fixture.ts";
import { qualityWords } from "./quality-words.ts";

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
const said = (changes: Partial<Pairs> | null): string =>
  qualityWords(
    detection({
      incumbent: { ...detection().incumbent!, number: 1 },
      evidence: { detector: streams({ paired: changes === null ? null : { ...paired, ...changes } }) },
    }),
    "UTC",
  ).changed.join(" ");

test.each<{ name: string; changes: Partial<Pairs> | null; expected: string }>([
  { name: "worse", changes: {}, expected: "In the same hours it answers 4.2 points worse than v1." },
  {
    name: "better",
    changes: { difference: -0.013, log_deploy_e: -2 },
    expected: "In the same hours it answers 1.3 points better than v1.",
  },
  {
    name: "the same, to what is shown",
    changes: { difference: 0.0004, log_deploy_e: -2 },
    expected: "In the same hours it answers as well as v1.",
  },
  {
    name: "an e-value of 20 at level 0.95",
    changes: { log_deploy_e: 3 },
    expected: "In the same hours it answers 4.2 points worse than v1, which chance does not explain.",
  },
  {
    name: "an e-value just below it",
    changes: { log_deploy_e: 2.99 },
    expected: "In the same hours it answers 4.2 points worse than v1.",
  },
  {
    name: "an e-value below 1",
    changes: { log_deploy_e: -0.1 },
    expected: "In the same hours it answers 4.2 points worse than v1, which may be chance.",
  },
  {
    name: "a version that is not the incumbent of the message",
    changes: { incumbent: `sha256:${"ab".repeat(32)}` },
    expected: "In the same hours it answers 4.2 points worse than another version (abababababab).",
  },
  { name: "no pairs", changes: { pairs: 0 }, expected: "" },
  { name: "nothing known of pairs", changes: null, expected: "" },
])("side by side: $name", ({ changes, expected }) => {
  expect(said(changes)).toBe(expected);
});
