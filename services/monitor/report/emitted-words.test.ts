import type { Message } from "@plumbline/ports";
/**
 * What people read about each measure, rendered from what the monitor emits for it. The table is made from the union of
 * evidence: a measure without words, or without a row here, does not compile.
 */
import { foldIncident, renderMessage } from "@plumbline/alerts";
import type { PromptDocument } from "@plumbline/prompts";
import type { CoverageEvidence, Detection, Measure } from "@plumbline/schemas";
import { expect, test } from "vitest";
import { wordingProblems } from "../../../alerts/message/wording.fixture.ts";
import { coverageDetection } from "../coverage/coverage-detection.ts";
import { judgingGaps, samplingGaps, silenceGap, useCaseGaps, versionGaps } from "../coverage/find-gaps.ts";
import {
  emittedByAnchors,
  emittedByInputs,
  emittedByOutcomes,
  emittedByOutputs,
  emittedByUncached,
} from "../measures/emitted.fixture.ts";
import { logBin } from "../counts/log-bins.ts";
import { BAD, GOOD, setUp } from "../quality/quality-world.fixture.ts";

const NOW = Date.parse("2026-03-02T12:00:00Z");
const KEY = { tenant: "", env: "production", use_case: "ticket-summary" };

interface Row {
  readonly emit: () => Promise<Detection>;
  /** Behind the severity and the use case. */
  readonly preview: string;
  /** Without what is as before. */
  readonly lines: readonly string[];
}

const RULE = "Keep every amount, date and name that matters to the request.\n";

function promptWith(first: string, rules: number): PromptDocument {
  const content = `${first}${RULE.repeat(rules)}`;
  return {
    use_case: KEY.use_case,
    model: "openai/gpt-5-mini",
    config: {},
    messages: [{ role: "system", content }],
  };
}

const TABLE: Readonly<Record<Measure, Row>> = {
  quality: {
    emit: async () => {
      const world = setUp({ callsPerUnit: 20 });
      await world.serve(GOOD);
      await world.serve(BAD);
      return (await world.found()).at(-1)!;
    },
    preview: "faithfulness fell from 92.5% to 63.7% on v2, for everybody alike. Roll back to v1.",
    lines: [
      "Roll back to v1.",
      "Faithfulness fell by 28.8 points. All kinds of requests got worse alike.",
      "About 1,560 of 5,400 answers are worse than before (858 to 2,270). That is 29% of the last day's 4,800 calls.",
      "Since 10 Mar, 00:00 UTC, when v2 was first called.",
    ],
  },
  success_rate: {
    emit: () => first(emittedByOutcomes({ okCalls: 88 })),
    preview:
      "success rate fell from 99.0% to 88.0% on the new version. Check the provider; roll back if it is well.",
    lines: [
      "Check the provider; roll back if it is well.",
      "Success rate fell by 11.0 points. A failed call ended in an error, a timeout, a rate limit, an unusable answer or a refusal.",
      "About 132 of 1,200 calls failed that would not have before (89 to 182). That is 5% of the last day's 2,400 calls.",
      "Since 12 Mar, 00:00 UTC, when the new version was first called.",
    ],
  },
  share_within: {
    emit: () =>
      first(
        emittedByOutcomes({
          latency: new Map([
            [logBin(900), 60],
            [logBin(9_000), 40],
          ]),
        }),
      ),
    preview:
      "slower: 40.0% of calls take longer than 939 ms on the new version, before 4.0%. Check the provider, then the length of the prompt and of its answers.",
    lines: [
      "Check the provider, then the length of the prompt and of its answers.",
      "Before, 95% of calls took at most 939 ms.",
      "About 432 of 1,200 calls were slow that would not have been before (361 to 504).",
      "Since 12 Mar, 00:00 UTC, when the new version was first called.",
    ],
  },
  primary_share: {
    emit: () => first(emittedByOutcomes({ elsewhereCalls: 62, degradedCalls: 61 })),
    preview:
      "answers from the primary model fell from 99.0% to 38.0% on the new version. Check the main model; users get substitute answers.",
    lines: [
      "Check the main model; users get substitute answers.",
      "Answers from the primary model fell by 61.0 points. 61% of the calls since then got another model, an old answer, a fixed text or an error.",
      "About 732 of 1,200 calls got another answer than the main model's (662 to 799 more than before).",
      "Since 12 Mar, 00:00 UTC, when the new version was first called.",
    ],
  },
  cached_prefix_share: {
    emit: () =>
      first(
        emittedByOutcomes({
          cachedTokens: new Map([
            [logBin(0), 95],
            [logBin(1_536), 5],
          ]),
        }),
      ),
    preview:
      "calls with a cached prompt fell from 82.0% to 5.0% on the new version. Find what changes at the beginning of the prompt.",
    lines: [
      "Find what changes at the beginning of the prompt.",
      "Calls with a cached prompt fell by 77.0 points. A call counts as cached when 1,218 tokens or more came from the provider's cache. The rest is paid for in full.",
      "About 924 of 1,200 calls were paid for in full (878 to 961 more than before).",
      "Since 12 Mar, 00:00 UTC, when the new version was first called.",
    ],
  },
  uncached_prefix: {
    emit: () => first(emittedByUncached(promptWith("{{ticket}}", 100))),
    preview:
      "nothing of the live version's prompt is read from the provider's cache. Move the fixed text of the prompt ahead of what varies.",
    lines: [
      "Move the fixed text of the prompt ahead of what varies.",
      "Seen from 2 Mar, 00:00 UTC to 3 Mar, 00:00 UTC. It begins with what varies; the provider caches from 1,024 fixed tokens on. With all fixed text in front it would be 1,550 tokens.",
    ],
  },
  cost_per_call: {
    emit: () =>
      first(
        emittedByOutcomes({
          costSum: 0.82,
          logCostSum: 100 * Math.log(0.008),
          logCostSquareSum: 100 * (Math.log(0.008) ** 2 + 0.04),
        }),
      ),
    preview:
      "cost per call rose from $0.00410 to $0.00820 on the new version. Check the length of prompt and answers, and retries.",
    lines: [
      "Check the length of prompt and answers, and retries.",
      "A typical call costs 2.00 times as much as before.",
      "1,200 calls cost about $4.92 more ($4.66 to $5.19).",
      "Since 12 Mar, 00:00 UTC, when the new version was first called.",
    ],
  },
  input_slice: {
    emit: () => first(emittedByInputs("slice")),
    preview:
      "users send something else: requests that mention money went from 19% to 42% of the calls. Check whether the eval set still covers what users send.",
    lines: [
      "Check whether the eval set still covers what users send.",
      "Whether the answers got worse is not known from this.",
      "Seen from 18 Apr, 00:00 UTC to 19 Apr, 00:00 UTC. What users send changed, not the prompt.",
    ],
  },
  input_number: {
    emit: () => first(emittedByInputs("number")),
    preview:
      "users send something else: characters in the input went from 207 to 554 on average. Check whether the eval set still covers what users send.",
    lines: [
      "Check whether the eval set still covers what users send.",
      "Whether the answers got worse is not known from this.",
      "Seen from 18 Apr, 00:00 UTC to 19 Apr, 00:00 UTC. What users send changed, not the prompt.",
    ],
  },
  input_topic: {
    emit: () => first(emittedByInputs("topic")),
    preview:
      "users send something else: requests about topic 16 (refund, charged, billing, payment) went from 8% to 48% of the texts. Check whether the eval set still covers what users send.",
    lines: [
      "Check whether the eval set still covers what users send.",
      "Whether the answers got worse is not known from this.",
      "Seen from 23 Mar, 00:00 UTC to 24 Mar, 00:00 UTC. What users send changed, not the prompt.",
    ],
  },
  input_text: {
    emit: () => first(emittedByInputs("text")),
    preview:
      "users send something else: requests read differently from those before. Check whether the eval set still covers what users send.",
    lines: [
      "Check whether the eval set still covers what users send.",
      "Whether the answers got worse is not known from this.",
      "Seen from 23 Mar, 00:00 UTC to 24 Mar, 00:00 UTC. What users send changed, not the prompt.",
    ],
  },
  output_feature: {
    emit: () => first(emittedByOutputs(true)),
    preview:
      "answers of the new version changed: blanked-out values in the answer went from 0 to 1.09 on average, for requests that mention money. Read answers of both versions side by side.",
    lines: [
      "Read answers of both versions side by side.",
      "Whether the answers got worse is not known from this.",
      "Since 11 Mar, 00:00 UTC, when the new version was first called. The answers changed with the deploy.",
    ],
  },
  judge_agreement: {
    emit: () => first(emittedByAnchors()),
    preview:
      "the judge changed: it repeats 72.0% of its earlier verdicts, before 95.0%. Compare the judge with people's labels before trusting its scores.",
    lines: [
      "Compare the judge with people's labels before trusting its scores.",
      "Alarms about quality of this use case are held back until the judge is trusted again.",
      "Seen from 2 Mar, 00:00 UTC to 8 Mar, 00:00 UTC. The answers did not change, the judge did; its scores before and after do not compare.",
    ],
  },
  judged_share: {
    emit: async () =>
      gap(
        judgingGaps(progress({ scored: 60, unjudged: 40, oldest_unjudged_at: "2026-03-02T08:00:00.000Z" })),
      ),
    preview:
      "40 of 100 answers picked for judging wait for the judge. Get the judge going again; quality is unknown until then.",
    lines: [
      "Get the judge going again; quality is unknown until then.",
      "Nobody knows how good these answers are.",
      "The oldest waits since 2 Mar, 08:00 UTC. Of them 60 are scored, 40 wait.",
    ],
  },
  scored_share: {
    emit: async () => gap(judgingGaps(progress({ scored: 0, failed: 100 }))),
    preview:
      "the judge scored none of the 100 answers it was given. Get the judge going again; quality is unknown until then.",
    lines: [
      "Get the judge going again; quality is unknown until then.",
      "Nobody knows how good these answers are.",
      "Of them 100 failed.",
    ],
  },
  verdict_count: {
    emit: async () => gap(judgingGaps(progress({ scored: 90 }))),
    preview:
      "the judge's results for 100 answers do not add up. Run npx @plumbline/cli doctor to see which verdicts are missing.",
    lines: [
      "Run npx @plumbline/cli doctor to see which verdicts are missing.",
      "A verdict was lost or counted twice.",
      "Of them 90 are scored.",
    ],
  },
  sampled_calls: {
    emit: async () => gap(samplingGaps(4_000, 0)),
    preview:
      "none of 4,000 calls was picked for judging. Check the share of calls that is judged; quality is unknown until then.",
    lines: [
      "Check the share of calls that is judged; quality is unknown until then.",
      "Nobody knows how good these answers are.",
    ],
  },
  traffic: {
    emit: async () =>
      gap([
        silenceGap(
          {
            ...KEY,
            first_at: "2026-02-01T00:00:00.000Z",
            last_at: "2026-03-02T09:00:00.000Z",
            calls_of_last_day: 2_000,
            calls_a_week_before: 240,
            calls_around_a_week_before: 560,
          },
          { usual_calls: 240, time_zone: "Europe/Berlin", time_zone_source: "config" },
          NOW,
        )!,
      ]),
    preview:
      "no calls for 3 h, where about 240 are usual. Check the application, then run npx @plumbline/cli doctor.",
    lines: [
      "Check the application, then run npx @plumbline/cli doctor.",
      "Either nobody uses it, or its calls are lost. What is usual goes by the clock of Europe/Berlin, its time zone.",
      "The last call was at 2 Mar, 09:00 UTC. The application, its reporting or the collector stopped.",
    ],
  },
  known_versions: {
    emit: async () => gap(versionGaps(10_000, 9_000, ["support-desk"])),
    preview:
      "90% of calls carry more than the 100 prompt versions that a day may have. Send the version of the prompt's template, not a hash of the finished prompt.",
    lines: [
      "Send the version of the prompt's template, not a hash of the finished prompt.",
      "9,000 of 10,000 calls are not told apart.",
      "The application support-desk sends a new prompt version with nearly every call, such as a hash of the finished prompt.",
    ],
  },
  known_use_cases: {
    emit: async () => gap(useCaseGaps(9_000, ["support-desk"])),
    preview:
      "9,000 calls carry more than the 1,000 use cases that a day may have. Send the name of the feature as the use case, and ids as attributes.",
    lines: [
      "Send the name of the feature as the use case, and ids as attributes.",
      "Nothing is measured of the rest.",
      "The application support-desk sends a new use case with nearly every call, such as one with an id in its name.",
    ],
  },
  job_runs: {
    emit: async () =>
      unknown({
        measure: "job_runs",
        jobs: [{ job: "measures", error: "too many rows", last_success_at: "2026-03-02T10:00:00.000Z" }],
      }),
    preview:
      "the monitor did not look. Read the monitor's log and the store's; nothing is watched until then.",
    lines: [
      "Read the monitor's log and the store's; nothing is watched until then.",
      "It could not do this: look at failures, speed, cost, inputs and answers.",
      "It last succeeded at 2 Mar, 10:00 UTC. It says: too many rows.",
    ],
  },
  stored_share: {
    emit: async () =>
      unknown({
        measure: "stored_share",
        lost_records: 20,
        partitions: [
          {
            topic: "plumbline.calls",
            log_partition: 0,
            records: 20,
            first_offset: 20,
            last_offset: 103,
            expired: 0,
          },
        ],
      }),
    preview: "20 records were not stored. Run npx @plumbline/cli doctor to see what was not stored.",
    lines: [
      "Run npx @plumbline/cli doctor to see what was not stored.",
      "They are in the log and in no table, and the writer does not come back to them.",
      "Seen from 2 Mar, 10:00 UTC to 2 Mar, 12:00 UTC. They are in partition 0, offsets 20 to 103.",
    ],
  },
};

test.each(Object.entries(TABLE))(
  "%s says what to do, what happened, by how much, and why",
  async (measure, { emit, ...row }) => {
    const detection = await emit();
    expect(detection.evidence.measure).toBe(measure);
    const message = messageOf(detection);
    const { preview, lines } = message;
    expect({ preview, lines: lines.filter((line) => !line.startsWith("As before: ")) }).toEqual({
      // The preview is often all that is read.
      preview: `[${detection.severity}] ticket-summary: ${row.preview}`,
      lines: row.lines,
    });
    // What to do comes first.
    expect(preview).toContain(lines[0]);
    expect(wordingProblems(message, [detection.judge ?? ""])).toEqual([]);
  },
  60_000,
);

test("answers that changed without a deploy are blamed on what is upstream", async () => {
  const { preview, lines, severity } = messageOf(await first(emittedByOutputs(false)));
  expect(severity).toBe("SEV2");
  expect(preview).toMatch(/changed though nobody deployed/);
  expect(lines.join("\n")).toContain("Nobody deployed; the model, its provider or what users send changed.");
});

function messageOf(detection: Detection): Message {
  const state = foldIncident(null, {
    type: "detected",
    incident_id: "inc_4f1c9a2b77d09be0",
    at: detection.window.end,
    actor: "monitor",
    detection,
  });
  return renderMessage(state!, { runbooks_url: null, console_url: null });
}

async function first(emitted: Promise<readonly Detection[]>): Promise<Detection> {
  const [detection] = await emitted;
  if (detection === undefined) throw new Error("nothing was emitted");
  return detection;
}

type Progress = Parameters<typeof judgingGaps>[0];

function progress(fields: Partial<Progress>): Progress {
  return {
    ...KEY,
    sampled: 100,
    scored: 100,
    cannot_judge: 0,
    failed: 0,
    expired: 0,
    over_budget: 0,
    unjudged: 0,
    oldest_unjudged_at: null,
    commonest_cause: "",
    ...fields,
  };
}

function gap([found]: ReturnType<typeof judgingGaps>): Detection {
  return coverageDetection(KEY, {
    ...found!,
    window: { start: "2026-03-01T12:00:00.000Z", end: new Date(NOW).toISOString() },
  });
}

function unknown(evidence: CoverageEvidence): Detection {
  const window = { start: "2026-03-02T10:00:00.000Z", end: new Date(NOW).toISOString() };
  return coverageDetection(KEY, { evidence, calls: 0, units: 0, value: 0, window });
}

test("a prompt of which nothing is cached is told only where something could be", async () => {
  const reasonOf = async (prompt: PromptDocument | null, cached?: number): Promise<unknown> => {
    const [detection] = await emittedByUncached(prompt, cached);
    return detection?.evidence.measure === "uncached_prefix" ? detection.evidence.reason : detection;
  };
  expect(await reasonOf(promptWith("{{ticket}}", 100))).toBe("under_minimum");
  expect(await reasonOf(promptWith("", 100))).toBe("not_read");
  expect(await reasonOf(promptWith("", 100), 1)).toBeUndefined();
  expect(await reasonOf(promptWith("{{ticket}}", 10))).toBeUndefined();
  expect(await reasonOf(promptWith("", 66))).toBeUndefined();
  expect(await reasonOf({ ...promptWith("{{ticket}}", 100), model: "mistral/large" })).toBeUndefined();
  expect(await reasonOf(null)).toBeUndefined();
});
