/** What was looked at and is as before, with its numbers: half of a diagnosis is what did not change. */
import type { UseCaseMeasures } from "./use-case-measures.ts";

/** As `evidence.normal` of a detection takes it. */
export interface NormalMeasure {
  readonly name: string;
  readonly value: number;
  readonly unit: "share" | "index";
  readonly interval: readonly [number, number];
  readonly n: number;
}

/** Empty for a version that is not under test, and for whatever has no reference: nothing is called normal unseen. */
export function normalMeasures(measures: UseCaseMeasures, version: string): readonly NormalMeasure[] {
  const { health } = measures;
  const rates = health?.version === version ? health.tests.normal() : [];
  return [
    ...rates.map((rate) => ({ ...rate, name: readableMetric(rate.name), unit: "share" as const })),
    ...normalInputs(measures),
  ];
}

/** The feature of the inputs that moved most, when none of them moved by what is material. */
function normalInputs({ decision }: UseCaseMeasures): readonly NormalMeasure[] {
  const inputs =
    decision?.results.filter((result) => result.side === "input" && result.method === "psi") ?? [];
  if (decision === null || decision.flagged.some((result) => result.side === "input")) return [];
  const [most] = [...inputs].sort((a, b) => b.size - a.size);
  if (most === undefined) return [];
  const name = `input drift (PSI, the largest of ${inputs.length} features: ${most.feature})`;
  return [
    { name, value: most.size, unit: "index", interval: most.interval, n: Math.round(most.currentRows) },
  ];
}

const NAMES: Readonly<Record<string, string>> = {
  success_rate: "success rate",
  primary_share: "answered by the primary model",
  cached_prefix_share: "input read from the provider's cache",
};

function readableMetric(metric: string): string {
  const within = /^share_within_(\d+)_milliseconds$/.exec(metric)?.[1];
  if (within === undefined) return NAMES[metric] ?? metric;
  return `calls within ${Number(within).toLocaleString("en-US")} ms, the p95 before`;
}
