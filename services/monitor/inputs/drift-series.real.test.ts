import { groupBy } from "../units/series.ts";
import { describeCall } from "@plumbline/features";
import { DAY_MS } from "@plumbline/schemas";
import { expect, test } from "vitest";
import type { FeatureResult } from "./drift-decision.ts";
import { DriftSeries } from "./drift-series.ts";
import type { DriftWindow } from "../counts/drift-window.ts";
import { logBin } from "../counts/log-bins.ts";
import { type RealEvent, realEvents } from "../measures/real-data.fixture.ts";
import type { DatedText } from "./text-drift.ts";

const events = realEvents("open/drift_banking77.events.jsonl.gz");
if (events === null) console.warn("SKIPPED: shared/data/open/drift_banking77.events.jsonl.gz is absent");

test.skipIf(events === null)(
  "real messages: both shifts of topics are flagged after their start, and nothing before the first",
  { timeout: 120_000 },
  () => {
    const days = groupBy(events!, (event) => Math.floor(Date.parse(event.ts) / DAY_MS) * DAY_MS);
    const starts = [...days.keys()].sort((a, b) => a - b);
    const series = new DriftSeries();
    const flags = starts.map((start) => {
      series.closeWindow(windowOf(start, days.get(start)!));
      const reference = series
        .textReferenceDays(start)
        .flatMap((day) => days.get(day)!.map((event) => dated(event, day)));
      return series.closeTextDay(
        start,
        days.get(start)!.map((event) => dated(event, start)),
        reference,
      ).flagged;
    });

    const flaggedDays = flags.flatMap((flagged, day) => (flagged.length > 0 ? [day] : []));
    const mentions = (day: number, words: RegExp): boolean =>
      flags[day]!.some((each) => words.test(describe(each)));
    expect(flaggedDays.filter((day) => day < 14)).toEqual([]);
    // Days 14 to 17: cash machines, from 12.8% to 35%.
    const first = flaggedDays[0]!;
    expect(first).toBeLessThanOrEqual(17);
    expect(mentions(first, /cash|withdr|atm/)).toBe(true);
    // From day 24 on: topping up, never seen before, climbing to 40% on day 34.
    const second = flaggedDays.find((day) => day >= 24 && mentions(day, /top/));
    expect(second).toBeLessThanOrEqual(30);
  },
);

function describe(result: FeatureResult): string {
  return `${result.feature} ${result.text?.ngrams.map(({ ngram }) => ngram).join(" ") ?? ""}`;
}

function dated(event: RealEvent, day: number): DatedText {
  return { id: event.meta.item_id, text: event.input, day };
}

function windowOf(start: number, events: readonly RealEvent[]): DriftWindow {
  const inputs = new Map<string, Map<number, number>>();
  const slices = new Map<string, number>();
  for (const { input } of events) {
    const call = describeCall({ model: "m", input, output: null, attributes: {}, vars: null });
    for (const slice of call.slices) slices.set(slice, (slices.get(slice) ?? 0) + 1);
    for (const [feature, value] of Object.entries(call.features)) {
      const histogram = inputs.get(feature) ?? new Map<number, number>();
      histogram.set(logBin(value), (histogram.get(logBin(value)) ?? 0) + 1);
      inputs.set(feature, histogram);
    }
  }
  const calls = events.length;
  return {
    start,
    end: start + DAY_MS,
    shownStart: start,
    widthHours: 24,
    calls,
    described: calls,
    version: "",
    inputs,
    slices,
    outputs: new Map(),
  };
}
