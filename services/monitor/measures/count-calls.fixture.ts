/** Counts described calls as `feature_hours.sql` does, for tests without a store. */
import { describeCall } from "@plumbline/features";
import { createRandom } from "@plumbline/stats";
import { logBin } from "../counts/log-bins.ts";
import { ALL, CELL_PREFIX, type MutableCounts, type VersionHour } from "../counts/version-memory.ts";

export type Description = ReturnType<typeof describeCall>;

export function describeTexts(input: string, output: string | null): Description {
  return describeCall({ model: "m", input, output, attributes: {}, vars: null });
}

export function countHour(hour: number, version: string, calls: readonly Description[]): VersionHour {
  const counts: MutableCounts = { calls: new Map(), features: new Map() };
  for (const { slices, features } of calls) {
    const money = slices.includes("mentions_money") ? "money" : "other";
    const length = slices.find((slice) => slice.startsWith("input_length=")) ?? "";
    for (const slice of [ALL, `${CELL_PREFIX}${money} ${length}`, ...slices]) {
      counts.calls.set(slice, (counts.calls.get(slice) ?? 0) + 1);
      const own = counts.features.get(slice) ?? new Map<string, Map<number, number>>();
      counts.features.set(slice, own);
      for (const [feature, value] of Object.entries(features)) {
        if (!feature.startsWith("out_")) continue;
        const histogram = own.get(feature) ?? new Map<number, number>();
        own.set(feature, histogram);
        histogram.set(logBin(value), (histogram.get(logBin(value)) ?? 0) + 1);
      }
    }
  }
  return { hour, version, ...counts };
}

const CALLS_AN_HOUR = 40;
const HOUR_MS = 3_600_000;

/** An hour of summaries; a fifth of the inputs mention money, and a version that masks hides the amounts. */
export function summaryHour(at: number, version: string, isMasked: boolean): VersionHour {
  const random = createRandom(at / HOUR_MS);
  const calls = Array.from({ length: CALLS_AN_HOUR }, () => {
    const words = Array.from(
      { length: 8 + random.integer(12) },
      () => ["the", "order", "is", "late"][random.integer(4)],
    );
    const amount = random.uniform() < 0.2 ? ` $${10 + random.integer(90)}` : "";
    const input = `${words.join(" ")}${amount}`;
    return describeTexts(input, `Summary: ${isMasked ? input.replace(/\$\d+/, "[REDACTED]") : input}`);
  });
  return countHour(at, version, calls);
}
