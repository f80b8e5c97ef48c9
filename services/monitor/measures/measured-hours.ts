/** Rows of the store → hours of use cases, ascending. */
import { groupBy, type UseCase } from "../units/series.ts";
import type { FeatureHour, OutcomeHour } from "@plumbline/ports";
import { addHistogram } from "../counts/log-bins.ts";
import type { MeasuredHour } from "./use-case-measures.ts";
import type { OutcomeCounts } from "../rates/rate-metrics.ts";
import { ALL, type MutableCounts, type VersionHour } from "../counts/version-memory.ts";

export interface HourOfUseCase {
  readonly key: UseCase;
  readonly hour: MeasuredHour;
  /** Rows of the store that it was made of. */
  readonly rows: number;
}

export function toMeasuredHours(
  features: readonly FeatureHour[],
  outcomes: readonly OutcomeHour[],
): readonly HourOfUseCase[] {
  const name = (row: FeatureHour | OutcomeHour): string =>
    JSON.stringify([row.hour, row.tenant, row.env, row.use_case]);
  const outcomesOf = groupBy(outcomes, name);
  return [...groupBy(features, name)].map(([group, rows]) => {
    const { tenant, env, use_case, hour } = rows[0]!;
    const inputs = new Map<string, Map<number, number>>();
    for (const row of rows) {
      if (row.slice !== ALL || !row.feature.startsWith("in_")) continue;
      if (!inputs.has(row.feature)) inputs.set(row.feature, new Map());
      addHistogram(inputs.get(row.feature)!, new Map(row.counts));
    }
    const ended = outcomesOf.get(group) ?? [];
    return {
      key: { tenant, env, use_case },
      rows: rows.length,
      hour: {
        hour: Date.parse(hour),
        versions: [...groupBy(rows, (row) => row.prompt_version)].map(([version, own]) =>
          toVersionHour(version, own),
        ),
        inputs,
        outcomes: new Map(ended.map((row) => [row.prompt_version, toOutcomeCounts(row)])),
        responseModels: new Map(ended.map((row) => [row.prompt_version, summed(row.response_models)])),
      },
    };
  });
}

function toVersionHour(version: string, rows: readonly FeatureHour[]): VersionHour {
  const counts: MutableCounts = { calls: new Map(), features: new Map() };
  for (const { slice, feature, counts: pairs } of rows) {
    if (feature === "calls")
      counts.calls.set(
        slice,
        pairs.reduce((sum, [, calls]) => sum + calls, 0),
      );
    if (!feature.startsWith("out_")) continue;
    if (!counts.features.has(slice)) counts.features.set(slice, new Map());
    counts.features.get(slice)!.set(feature, new Map(pairs));
  }
  return { hour: Date.parse(rows[0]!.hour), version, ...counts };
}

function toOutcomeCounts(row: OutcomeHour): OutcomeCounts {
  return {
    hour: Date.parse(row.hour),
    calls: row.calls,
    okCalls: row.ok_calls,
    elsewhereCalls: row.elsewhere_calls,
    degradedCalls: row.degraded_calls,
    pricedCalls: row.priced_calls,
    costSum: row.cost_usd_sum,
    logCostSum: row.log_cost_sum,
    logCostSquareSum: row.log_cost_square_sum,
    latency: summed(row.latency),
    cachedTokens: summed(row.cached_tokens),
  };
}

/** A key may come several times: the query groups by more than it returns. */
function summed<Key>(pairs: readonly (readonly [Key, number])[]): Map<Key, number> {
  const sums = new Map<Key, number>();
  for (const [key, n] of pairs) sums.set(key, (sums.get(key) ?? 0) + n);
  return sums;
}
