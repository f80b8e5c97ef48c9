import { expect, test } from "vitest";
import type { Detection } from "@plumbline/schemas";
import { detection, streams } from "../detection.fixture.ts";
import { storedDetection } from "../message/stored-detections.fixture.ts";
import { alsoSentence } from "./slice-words.ts";

const [english, money] = detection().slices as [Detection["slices"][number], Detection["slices"][number]];
const german = {
  name: "lang=de",
  units: 83,
  reference: 0.933,
  current: 0.795,
  share_of_traffic: 0.07,
  share_of_drop: 0.12,
};

type Streams = NonNullable<Parameters<typeof streams>[0]>["streams"];
type Stream = NonNullable<Streams>[number];

/** A stream of `units` that scored `score` where the baseline expected `expected`. */
function stream(name: string, units: number, score: number, expected = 0.94): Stream {
  return {
    name,
    weight: 0.01,
    log_detector: null,
    log_deploy_e: null,
    units,
    score_sum: units * score,
    expected_sum: units * expected,
  };
}

const ALL = stream("all", 1_000, 0.79);

function also(
  affected: readonly string[],
  of: readonly Stream[],
  changes: Parameters<typeof detection>[0] = {},
) {
  return alsoSentence(
    detection({
      slices: [money],
      ...changes,
      evidence: { detector: streams({ affected, streams: [ALL, ...of] }) },
    }),
  );
}

test("a slice that fell further than the rest is told, by its label", () => {
  expect(also(["has_url"], [stream("has_url", 100, 0.4)])).toBe(
    "Also worse, and partly the same calls: requests that contain a link.",
  );
});

test("what holds for nearly every call is everybody, and is not told", () => {
  expect(also(["lang=en"], [stream("lang=en", 950, 0.77)])).toBeNull();
  expect(alsoSentence(detection({ slices: [money, { ...english, share_of_traffic: 0.95 }] }))).toBeNull();
});

test("what fell no further than the rest is not told, nor what is not known to have fallen", () => {
  expect(also(["has_url"], [stream("has_url", 100, 0.78)])).toBeNull();
  expect(also(["has_url"], [])).toBeNull();
});

test("where all fell alike, or nobody knows who did, no slice is told", () => {
  const of = [stream("has_url", 100, 0.4)];
  expect(also(["has_url"], of, { verdict: "UNIFORM" })).toBeNull();
  expect(also(["has_url"], of, { verdict: "INCONCLUSIVE" })).toBeNull();
});

test("further slices of the explanation come first, each once, and at most three are named", () => {
  const names = ["lang=de", "has_url", "has_code", "is_question", "mentions_money"];
  const of = names.map((name) => stream(name, 100, 0.4));
  expect(also(names, of, { slices: [money, german] })).toBe(
    "Also worse, and partly the same calls: requests in German; requests that contain a link; requests that contain program text; others (1).",
  );
});

test("without a list there is no claim", () => {
  expect(alsoSentence(detection({ slices: [money], evidence: { detector: streams() } }))).toBeNull();
  expect(alsoSentence(detection({ slices: [money] }))).toBeNull();
  expect(alsoSentence(storedDetection("latency"))).toBeNull();
});
