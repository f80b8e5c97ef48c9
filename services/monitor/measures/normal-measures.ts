/** What was looked at and is as before, with its numbers: half of a diagnosis is what did not change. */
import type { NormalMeasure } from "@plumbline/schemas";
import type { UseCaseMeasures } from "./use-case-measures.ts";

/** Empty for a version that is not under test, and for whatever has no reference: nothing is called normal unseen. */
export function normalMeasures(measures: UseCaseMeasures, version: string): NormalMeasure[] {
  const { health } = measures;
  const rates = health?.version === version ? health.tests.normal() : [];
  return [
    ...rates.map(({ metric, estimate: { mean, interval, calls } }) => ({
      name: metric.label,
      value: mean,
      unit: "share" as const,
      interval,
      n: calls,
    })),
    ...normalInputs(measures),
  ];
}

/** The feature of the inputs that moved most, when none of them moved by what is material. */
function normalInputs({ decision }: UseCaseMeasures): NormalMeasure[] {
  const inputs =
    decision?.results.filter((result) => result.side === "input" && result.method === "psi") ?? [];
  if (decision === null || decision.flagged.some((result) => result.side === "input")) return [];
  const [most] = [...inputs].sort((a, b) => b.size - a.size);
  if (most === undefined) return [];
  const name = `inputs (the largest move of ${inputs.length} features: ${most.feature})`;
  const n = Math.round(most.currentRows);
  return [{ name, value: most.size, unit: "psi", interval: most.interval, n }];
}
