import { expect, test } from "vitest";
import type { Detection } from "@plumbline/schemas";
import { detection, streams } from "../detection.fixture.ts";
import { alsoAffectedLine } from "./slice-lines.ts";
import { storedDetection } from "./stored-detections.fixture.ts";

const [english, money] = detection().slices as [Detection["slices"][number], Detection["slices"][number]];
const german = {
  name: "lang=de",
  units: 83,
  reference: 0.933,
  current: 0.795,
  share_of_traffic: 0.07,
  share_of_drop: 0.12,
};
const seven = ["mentions_money", "a", "b", "c", "d", "e", "f"];

test.each<{ name: string; verdict: Detection["verdict"]; slices?: Detection["slices"]; line: string | null }>(
  [
    {
      name: "what overlaps a concentrated drop is no cause of its own",
      verdict: "DISTRIBUTIONAL",
      line: "Also affected (they overlap with mentions_money; not separate causes): a, b, c, d, e and 1 more.",
    },
    {
      name: "where some of the drop is everywhere, a slice may have no more than that",
      verdict: "MIXED",
      line: "Also affected (they overlap with mentions_money or share the drop that is everywhere; not separate causes): a, b, c, d, e and 1 more.",
    },
    {
      name: "slices of the explanation and those of the detector are one statement",
      verdict: "DISTRIBUTIONAL",
      slices: [money, german],
      line: "Also affected (slices overlap; their intervals are fixed-n and exploratory): lang=de (7% of traffic) 93.3% → 79.5% (95% interval 69.6% to 86.8%, n = 83), about 12% of the drop; not separate causes: a, b, c, d, e and 1 more.",
    },
    {
      name: "in a uniform drop they fell with the rest, the one that carries the most too",
      verdict: "UNIFORM",
      line: "Affected with everything else, not separate causes (slices overlap): mentions_money, a, b, c, d and 2 more.",
    },
    {
      name: "while nobody knows where, no slice is called the cause",
      verdict: "INCONCLUSIVE",
      line: "Affected slices (they overlap; none is known to be the cause): mentions_money, a, b, c, d and 2 more.",
    },
  ],
)("$name", ({ verdict, slices = [money], line }) => {
  expect(
    alsoAffectedLine(detection({ verdict, slices, evidence: { detector: streams({ affected: seven }) } })),
  ).toBe(line);
});

test("five names need no count, and a name is said once", () => {
  const line = (affected: readonly string[]): string | null =>
    alsoAffectedLine(detection({ slices: [money], evidence: { detector: streams({ affected }) } }));
  expect(line(["a", "b", "c", "d", "e"])).toMatch(/: a, b, c, d, e\.$/);
  expect(line(["a", "mentions_money", "a"])).toMatch(/: a\.$/);
  expect(line(["mentions_money"])).toBeNull();
});

test("a slice with numbers is not repeated by its name", () => {
  const evidence = { detector: streams({ affected: ["lang=en", "lang=de"] }) };
  const line = alsoAffectedLine(detection({ slices: [money, english], evidence }))!;
  expect(line.match(/lang=en/g)).toHaveLength(1);
  expect(line).toMatch(/; not separate causes: lang=de\.$/);
});

test("without a list there is no claim", () => {
  expect(alsoAffectedLine(detection({ slices: [money], evidence: { detector: streams() } }))).toBeNull();
  expect(alsoAffectedLine(detection({ slices: [money] }))).toBeNull();
  expect(alsoAffectedLine(storedDetection("latency"))).toBeNull();
});
