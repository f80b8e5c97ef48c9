import type { Message } from "@plumbline/ports";
/**
 * What people read about each measure, rendered from what the monitor emits for it. The table is made from the union of
 * evidence: a measure without words, or without a row here, does not compile.
 */
import { foldIncident, renderMessage } from "@plumbline/alerts";
import type { PromptDocument } from "@plumbline/prompts";
import type { CoverageEvidence, Detection, Measure } from "@plumbline/schemas";
import { expect, test } from "vitest";
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
  readonly title: string;
  /** The first two lines: how much, and what it means or what did it. */
  readonly lines: readonly [string, string];
  /** The severity, and what to do. */
  readonly severity: string;
  /** Calls that were hit; null for what hits none by itself. */
  readonly harm: string | null;
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
    title: "faithfulness down 28.8 pp on v2",
    lines: [
      "92.5% → 63.7% (Δ −28.8 pp, 95% always-valid interval −42.1 to −15.9 pp), 270 judged of 5,400 calls, 2026-03-10 00:00 UTC to 2026-03-11 03:00 UTC.",
      "Uniform: no slice explains the drop (n = 270 judged).",
    ],
    severity: "SEV1 · Roll back to v1, or acknowledge",
    harm: "≈ 1,555 degraded answers (858 to 2,273) of 5,400; about 29% of the day's 4,800",
  },
  success_rate: {
    emit: () => first(emittedByOutcomes({ okCalls: 88 })),
    title: "success rate down 11.0 pp on 4f4f4f4f4f4f",
    lines: [
      "99.0% → 88.0% (Δ −11.0 pp, 95% always-valid interval −15.2 to −7.4 pp), 1,200 calls, 00:00 to 12:00 UTC.",
      "The rest ended in an error, a timeout, a rate limit, an invalid output or a refusal.",
    ],
    severity: "SEV1 · Check the provider, then roll back",
    harm: "≈ 132 more failed calls (89 to 182) of 1,200; about 5% of the day's 2,400",
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
    title: "slower: calls within 939 ms down 36.0 pp on 4f4f4f4f4f4f",
    lines: [
      "96.0% → 60.0% (Δ −36.0 pp, 95% always-valid interval −42.0 to −30.1 pp), 1,200 calls, 00:00 to 12:00 UTC.",
      "Before, 95% of calls stayed within 939 ms.",
    ],
    severity: "SEV3 · Check the provider, then the prompt's length",
    harm: "≈ 432 more slow calls (361 to 504) of 1,200",
  },
  primary_share: {
    emit: () => first(emittedByOutcomes({ elsewhereCalls: 62, degradedCalls: 61 })),
    title: "answers from the primary model down 61.0 pp on 4f4f4f4f4f4f",
    lines: [
      "99.0% → 38.0% (Δ −61.0 pp, 95% always-valid interval −66.5 to −55.2 pp), 1,200 calls, 00:00 to 12:00 UTC.",
      "61% of the calls since then got a fallback model, a stale answer, a template or an error.",
    ],
    severity: "SEV1 · Check the primary model; users get degraded answers",
    harm: "≈ 732 more answers from elsewhere (662 to 799) of 1,200",
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
    title: "calls with a cached prefix down 77.0 pp on 4f4f4f4f4f4f",
    lines: [
      "82.0% → 5.0% (Δ −77.0 pp, 95% always-valid interval −80.1 to −73.1 pp), 1,200 calls, 00:00 to 12:00 UTC.",
      "A call counts when the provider's cache gave about as much as before, 1,218 tokens or more; without it the input is paid in full and read anew.",
    ],
    severity: "SEV3 · Find what changes ahead of the prompt's stable part",
    harm: "≈ 924 more calls without it (878 to 961) of 1,200",
  },
  uncached_prefix: {
    emit: () => first(emittedByUncached(promptWith("{{ticket}}", 100))),
    title: "nothing of 9b9b9b9b9b9b is read from the provider's cache",
    lines: [
      "0 of 2,400 calls read from it, 2026-03-02 00:00 UTC to 2026-03-03 00:00 UTC.",
      "What never varies at its beginning is about 0 tokens, and the provider caches from 1,024 on; with the fixed text behind what varies it would be about 1,550 tokens.",
    ],
    severity: "SEV3 · Move the fixed text of the prompt ahead of what varies",
    harm: null,
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
    title: "cost per call up $0.00410 on 4f4f4f4f4f4f",
    lines: [
      "$0.00410 → $0.00820 (Δ +$0.00410, 99% always-valid interval +$0.00388 to +$0.00432), 1,200 calls, 00:00 to 12:00 UTC.",
      "A typical call costs 2.00 times as much as before.",
    ],
    severity: "SEV3 · Check token counts and the cached share",
    harm: "≈ $4.92 more ($4.66 to $5.19) for 1,200 calls",
  },
  input_slice: {
    emit: () => first(emittedByInputs("slice")),
    title: "inputs moved: mentions_money 19% → 42% of calls",
    lines: [
      "mentions_money 19% → 42% of calls (PSI 0.264, 95% interval 0.216 to 0.317; up to 0.02 is usual), 2,000 calls, 2026-04-18 00:00 UTC to 2026-04-19 00:00 UTC.",
      "What users send moved, not the prompt. This says nothing about quality yet.",
    ],
    severity: "SEV3 · Check whether the eval set still covers the inputs",
    harm: null,
  },
  input_number: {
    emit: () => first(emittedByInputs("number")),
    title: "inputs moved: characters in the input 207 → 554 on average",
    lines: [
      "characters in the input 207 → 554 on average (PSI 1.44, 95% interval 1.32 to 1.56; up to 0.02 is usual), 2,000 calls, 2026-04-18 00:00 UTC to 2026-04-19 00:00 UTC.",
      "What users send moved, not the prompt. This says nothing about quality yet.",
    ],
    severity: "SEV3 · Check whether the eval set still covers the inputs",
    harm: null,
  },
  input_topic: {
    emit: () => first(emittedByInputs("topic")),
    title: "inputs moved: topic 16 (refund, charged, billing, payment) 8% → 48% of texts",
    lines: [
      "topic 16 (refund, charged, billing, payment) 8% → 48% of texts (PSI 0.950, 95% interval 0.561 to 1.44; up to 0.02 is usual), 80 texts, 2026-03-23 00:00 UTC to 2026-03-24 00:00 UTC.",
      "What users send moved, not the prompt. This says nothing about quality yet.",
    ],
    severity: "SEV3 · Check whether the eval set still covers the inputs",
    harm: null,
  },
  input_text: {
    emit: () => first(emittedByInputs("text")),
    title: "inputs moved: texts of the window can be told from those before (AUC 0.72)",
    lines: [
      "A classifier tells a text of the window from one before it in 72% of pairs (95% interval 63% to 80%; 50% is chance, up to 55% is usual), 80 texts, 2026-03-23 00:00 UTC to 2026-03-24 00:00 UTC.",
      "What users send moved, not the prompt. This says nothing about quality yet.",
    ],
    severity: "SEV3 · Check whether the eval set still covers the inputs",
    harm: null,
  },
  output_feature: {
    emit: () => first(emittedByOutputs(true)),
    title:
      "answers of 4f4f4f4f4f4f changed: masked values in the answer 0 → 1.09 on average in mentions_money",
    lines: [
      "masked values in the answer 0 → 1.09 on average in mentions_money, 21% of calls (PSI 11.80, 95% interval 10.14 to 13.59; up to 0.02 is usual), 68 calls, 2026-03-11 00:00 UTC to 2026-03-12 00:00 UTC.",
      "The answers changed with the version. This says nothing about quality yet.",
    ],
    severity: "SEV3 · Read answers of both versions side by side",
    harm: null,
  },
  judge_agreement: {
    emit: () => first(emittedByAnchors()),
    title: "the judge changed: its agreement with its frozen verdicts on faithfulness down 23.0 pp",
    lines: [
      "95.0% → 72.0% (Δ −23.0 pp, 95% always-valid interval −36.4 to −8.2 pp), 300 frozen answers judged again, 2026-03-02 00:00 UTC to 2026-03-08 00:00 UTC.",
      "Quality alarms of this use case are held back until the judge is trusted again.",
    ],
    severity: "SEV3 · Recalibrate the judge before trusting its scores",
    harm: null,
  },
  judged_share: {
    emit: async () =>
      gap(
        judgingGaps(progress({ scored: 60, unjudged: 40, oldest_unjudged_at: "2026-03-02T08:00:00.000Z" })),
      ),
    title: "40 of 100 selected calls wait for a verdict",
    lines: [
      "100 selected: 60 scored, 40 waiting, the oldest since 08:00 UTC, 2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC.",
      "Quality is unknown while calls are not judged: no data is not good data.",
    ],
    severity: "SEV3 · Restore judging; quality is unknown until then",
    harm: null,
  },
  scored_share: {
    emit: async () => gap(judgingGaps(progress({ scored: 0, failed: 100 }))),
    title: "the judge scores nothing of 100 selected calls",
    lines: [
      "100 selected: 100 failed, 2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC.",
      "Quality is unknown while calls are not judged: no data is not good data.",
    ],
    severity: "SEV3 · Restore judging; quality is unknown until then",
    harm: null,
  },
  verdict_count: {
    emit: async () => gap(judgingGaps(progress({ scored: 90 }))),
    title: "the states of 100 selected calls do not add up",
    lines: [
      "100 selected: 90 scored, 2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC.",
      "A verdict was lost or counted twice: every selected call ends in exactly one state.",
    ],
    severity: "SEV3 · Compare the judge's verdicts with the store: plumbline doctor",
    harm: null,
  },
  sampled_calls: {
    emit: async () => gap(samplingGaps(4_000, 0)),
    title: "none of 4,000 calls was selected for judging",
    lines: [
      "0 selected of 4,000 calls, 2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC.",
      "Quality is unknown while calls are not judged: no data is not good data.",
    ],
    severity: "SEV3 · Check the sampling rate of the writer; quality is unknown until then",
    harm: null,
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
          },
          NOW,
        )!,
      ]),
    title: "no calls for 3 h, where about 240 are usual",
    lines: [
      "Last call 09:00 UTC.",
      "The application, its emitter or the collector stopped; nobody knows how good its answers are.",
    ],
    severity: "SEV3 · Check the application and its emitter: plumbline doctor",
    harm: null,
  },
  known_versions: {
    emit: async () => gap(versionGaps(10_000, 9_000, ["support-desk"])),
    title: "90% of calls have a prompt version beyond the 100 of the day",
    lines: [
      "Carried by 9,000 of 10,000 calls, 2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC.",
      "App support-desk sends more than 100 prompt versions a day, such as the hash of the rendered prompt; the rest is not told apart.",
    ],
    severity: "SEV3 · Send the version of the prompt's template, not a hash of the rendered prompt",
    harm: null,
  },
  known_use_cases: {
    emit: async () => gap(useCaseGaps(9_000, ["support-desk"])),
    title: "9,000 calls have a use case beyond the 1,000 of the day",
    lines: [
      "9,000 calls, 2026-03-01 12:00 UTC to 2026-03-02 12:00 UTC.",
      "App support-desk sends more than 1,000 use cases a day, such as one with an id in its name; nothing is measured of the rest.",
    ],
    severity: "SEV3 · Send the name of the feature as use_case, and ids as attributes or conversation_id",
    harm: null,
  },
  job_runs: {
    emit: async () =>
      unknown({
        measure: "job_runs",
        jobs: [{ job: "measures", error: "too many rows", last_success_at: "2026-03-02T10:00:00.000Z" }],
      }),
    title: "not watched by job measures",
    lines: [
      "Last success 10:00 UTC.",
      "The monitor could not look: too many rows. What is not looked at is not known to be good.",
    ],
    severity: "SEV3 · Read the monitor's log and the store's; nothing is watched until then",
    harm: null,
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
    title: "20 records are in no table",
    lines: [
      "20 records lost (partition 0, offsets 20 to 103), 10:00 to 12:00 UTC.",
      "The writer went past them and does not come back; this says nothing about quality.",
    ],
    severity: "SEV2 · Look for what the writer went past: plumbline doctor",
    harm: null,
  },
};

test.each(Object.entries(TABLE))(
  "%s says what happened, by how much, and what to do",
  async (measure, { emit, ...row }) => {
    const detection = await emit();
    expect(detection.evidence.measure).toBe(measure);
    const { title, lines, fields, preview } = messageOf(detection);
    const field = (name: string) => fields.find(({ label }) => label === name)?.value ?? null;
    expect({
      title: title.replace("ticket-summary: ", ""),
      lines: lines.filter((line) => !line.startsWith("Normal: ")).slice(0, 2),
      severity: field("Severity"),
      harm: field("Blast radius"),
    }).toEqual(row);
    // The preview is often all that is read.
    expect(preview).toMatch(new RegExp(`^\\[${detection.severity}\\] ticket-summary: `));
    expect(preview).toContain(row.severity.replace(/^SEV\d · /, ""));
  },
  60_000,
);

test("answers that changed without a deploy are blamed on what is upstream", async () => {
  const { title, lines, severity } = messageOf(await first(emittedByOutputs(false)));
  expect(severity).toBe("SEV2");
  expect(title).toMatch(/changed without a deploy/);
  expect(lines[1]).toBe(
    "Nobody deployed: the version answers otherwise than it did. Look upstream: model, provider. This says nothing about quality yet.",
  );
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
