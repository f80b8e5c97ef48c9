/** What the measures really emit: hours of calls that go wrong in one way, folded and asserted as the job does it. */
import { IncidentFold } from "@plumbline/alerts";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { PromptDocument } from "@plumbline/prompts";
import { DAY_MS, type Detection, HOUR_MS, IncidentEvent } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { pino } from "pino";
import { assertAnchors } from "./assert-anchors.ts";
import { assertDrift, assertOutputs } from "./assert-drift.ts";
import { assertHealth } from "./assert-health.ts";
import { assertUncachedPrefix } from "./assert-uncached-prefix.ts";
import { summaryHour } from "./count-calls.fixture.ts";
import { DriftSeries } from "../inputs/drift-series.ts";
import { type DriftWindow } from "../counts/drift-window.ts";
import { logBin } from "../counts/log-bins.ts";
import type { DatedText } from "../inputs/text-drift.ts";
import { UseCaseMeasures } from "./use-case-measures.ts";
import type { OutcomeCounts } from "../rates/rate-metrics.ts";

const START = Date.parse("2026-03-02T00:00:00Z");
const KEY = { tenant: "", env: "production", use_case: "ticket-summary" };
const [OLD, NEW] = [`sha256:${"9b".repeat(32)}`, `sha256:${"4f".repeat(32)}`];

type Deps = Parameters<typeof assertHealth>[3];
type Outcome = Omit<OutcomeCounts, "hour" | "calls">;

/** 100 calls an hour of which nothing is wrong. */
const HEALTHY: Outcome = {
  okCalls: 99,
  elsewhereCalls: 1,
  degradedCalls: 1,
  pricedCalls: 100,
  costSum: 0.41,
  logCostSum: 100 * Math.log(0.004),
  logCostSquareSum: 100 * (Math.log(0.004) ** 2 + 0.04),
  cachedTokens: new Map([
    [logBin(0), 18],
    [logBin(1_536), 82],
  ]),
  latency: new Map([
    [logBin(900), 96],
    [logBin(1_800), 4],
  ]),
};

/** Ten days of a healthy version, and `hours` of one that differs in some way. */
export async function emittedByOutcomes(worse: Partial<Outcome>, hours = 12): Promise<Detection[]> {
  const measures = new UseCaseMeasures();
  const deploy = 10 * 24;
  for (let hour = 0; hour < deploy + hours; hour++) {
    const at = START + hour * HOUR_MS;
    const isNew = hour >= deploy;
    const version = isNew ? NEW : OLD;
    measures.addHour({
      hour: at,
      versions: [{ hour: at, version, calls: new Map([["", 100]]), features: new Map() }],
      inputs: new Map(),
      outcomes: new Map([[version, { hour: at, calls: 100, ...HEALTHY, ...(isNew ? worse : {}) }]]),
      responseModels: new Map(),
    });
  }
  return emitted((now, deps) => assertHealth(KEY, measures, now, deps), START + (deploy + hours) * HOUR_MS);
}

/** A day of a version of whose calls, 100 an hour, some read from their provider's cache. */
export async function emittedByUncached(prompt: PromptDocument | null, cached = 0): Promise<Detection[]> {
  const measures = new UseCaseMeasures();
  for (let hour = 0; hour < 24; hour++) {
    const at = START + hour * HOUR_MS;
    const cachedTokens = new Map([
      [logBin(0), 100 - cached],
      [logBin(1_536), cached],
    ]);
    measures.addHour({
      hour: at,
      versions: [{ hour: at, version: OLD, calls: new Map([["", 100]]), features: new Map() }],
      inputs: new Map(),
      outcomes: new Map([[OLD, { hour: at, calls: 100, ...HEALTHY, cachedTokens }]]),
      responseModels: new Map(),
    });
  }
  return emitted(
    (now, deps) => assertUncachedPrefix(KEY, measures, now, deps, async () => prompt),
    START + 24 * HOUR_MS,
  );
}

/** Inputs of some weeks, and a few days of others. */
export async function emittedByInputs(change: "slice" | "number" | "text" | "topic"): Promise<Detection[]> {
  const series = new DriftSeries();
  const measures = new UseCaseMeasures();
  const isText = change === "text" || change === "topic";
  const [moved, days] = isText ? [16, 22] : [42, 48];
  for (let day = 0; day < days; day++) {
    const isMoved = day >= moved;
    const start = START + day * DAY_MS;
    measures.addHour({
      hour: start,
      versions: [{ hour: start, version: OLD, calls: new Map([["", 10]]), features: new Map() }],
      inputs: new Map(),
      outcomes: new Map(),
      responseModels: new Map(),
    });
    if (!isText) {
      const random = createRandom(1_000 + day);
      const lengths = new Map<number, number>();
      let money = 0;
      for (let i = 0; i < 2_000; i++) {
        const longer = isMoved && change === "number" ? 1 : 0;
        const bin = logBin(Math.exp(5 + 0.8 * random.normal() + longer));
        lengths.set(bin, (lengths.get(bin) ?? 0) + 1);
        if (random.uniform() < (isMoved && change === "slice" ? 0.41 : 0.18)) money++;
      }
      const window: DriftWindow = {
        start,
        end: start + DAY_MS,
        shownStart: start,
        widthHours: 24,
        calls: 2_000,
        described: 2_000,
        version: OLD,
        inputs: new Map([["in_chars", lengths]]),
        slices: new Map([["mentions_money", money]]),
        outputs: new Map(),
      };
      measures.decision = series.closeWindow(window);
    } else {
      const reference = series.textReferenceDays(start).flatMap((each) => textsOf(each, false, change));
      measures.decision = series.closeTextDay(start, textsOf(start, isMoved, change), reference);
    }
  }
  const { decision } = measures;
  if (change === "topic" && decision !== null) {
    const flagged = decision.flagged.filter(({ is }) => is.type === "topic");
    measures.decision = { ...decision, flagged };
  }
  return emitted((now, deps) => assertDrift(KEY, measures, now, deps), START + days * DAY_MS);
}

/** What people write about: one subject in words, and as many others as keep its words from being grammar. */
const INVOICES = ["invoice", "charged", "refund", "payment", "billing", "twice", "amount", "statement"];
const WARRANTY = ["warranty", "broken", "screen", "repair", "battery", "spare", "technician", "crack"];
const SUBJECTS = [
  INVOICES,
  ..."bcdfghjklmnpqr".split("").map((first) => "aeiouxyz".split("").map((second) => `${first}${second}rato`)),
];

/** Texts of a day; when they moved, many are about invoices, or about a subject that nobody wrote about before. */
function textsOf(day: number, isMoved: boolean, change: "text" | "topic"): readonly DatedText[] {
  const random = createRandom(day / HOUR_MS);
  return Array.from({ length: 80 }, (_, i) => {
    const isOther = isMoved && random.uniform() < 0.4;
    const words = isOther ? (change === "topic" ? INVOICES : WARRANTY) : SUBJECTS[i % SUBJECTS.length]!;
    const text = Array.from({ length: 14 }, () => words[random.integer(words.length)]).join(" ");
    return { id: `${day}-${i}`, text, day };
  });
}

/** Answers that mask amounts: of a new version, or of the same one after two weeks. */
export async function emittedByOutputs(isDeploy: boolean): Promise<Detection[]> {
  const measures = new UseCaseMeasures();
  const [changed, days] = isDeploy ? [9, 10] : [15, 20];
  for (let day = 0; day < days; day++) {
    for (let hour = 0; hour < 8; hour++) {
      const at = START + day * DAY_MS + hour * HOUR_MS;
      const isChanged = day >= changed;
      measures.addHour({
        hour: at,
        versions: [summaryHour(at, isDeploy && isChanged ? NEW : OLD, isChanged)],
        inputs: new Map(),
        outcomes: new Map(),
        responseModels: new Map(),
      });
    }
    measures.closeUntil(START + (day + 1) * DAY_MS);
  }
  return emitted(
    (now, deps) =>
      isDeploy ? assertOutputs(KEY, measures, now, deps) : assertDrift(KEY, measures, now, deps),
    START + days * DAY_MS,
  );
}

/** A judge that agrees with 60% of its frozen verdicts after it agreed with 95%. */
export function emittedByAnchors(): Promise<Detection[]> {
  const days = [95, 96, 94, 95, 60, 61].map((agreements, i) => ({
    tenant: "",
    env: KEY.env,
    criterion: `${KEY.use_case}/faithfulness`,
    rubric_hash: "sha256:r",
    judge: "openai/gpt-5-mini",
    day: new Date(START + i * DAY_MS).toISOString(),
    items: 100,
    agreements,
  }));
  return emitted((now, deps) => assertAnchors(days, now, deps), START + 6 * DAY_MS);
}

async function emitted(run: (now: number, deps: Deps) => Promise<void>, now: number): Promise<Detection[]> {
  const clock = new VirtualClock(now);
  const log = createMemoryEventLog({ clock });
  await run(now, {
    store: { judgedUnits: async () => [] },
    log,
    clock,
    logger: pino({ level: "silent" }),
    incidents: new IncidentFold(log),
    holds: () => true,
  });
  const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 100 });
  return records.flatMap(({ value }) => {
    const event = IncidentEvent.parse(JSON.parse(new TextDecoder().decode(value)));
    return event.type === "detected" ? [event.detection] : [];
  });
}
