import { explain } from "./verdict.ts";
import {
  type Detection,
  type NullOptions,
  type NullYear,
  SCENARIOS,
  type Volume,
  detect,
  nullYear,
} from "./scenarios.ts";
import { sliceFallsTo, uniformFall } from "./world.ts";

const incident = sliceFallsTo("money", 0.45);
const smallSlice = sliceFallsTo("flag:5%", 0.6);
const everywhere = uniformFall(0.05);

/** Explanations to make: what truly happened, how many units are judged, and the volume behind the baseline. */
export const VERDICTS = {
  incident_100_5k: { volume: "5k", units: 100, change: incident, slice: "money" },
  incident_250_5k: { volume: "5k", units: 250, change: incident, slice: "money" },
  incident_500_5k: { volume: "5k", units: 500, change: incident, slice: "money" },
  slice_5_percent_2500_5k: { volume: "5k", units: 2500, change: smallSlice, slice: "flag:5%" },
  uniform_250_5k: { volume: "5k", units: 250, change: everywhere, slice: undefined },
  uniform_1000_5k: { volume: "5k", units: 1000, change: everywhere, slice: undefined },
  uniform_2500_5k: { volume: "5k", units: 2500, change: everywhere, slice: undefined },
  slice_5_percent_2500_50k: { volume: "50k", units: 2500, change: smallSlice, slice: "flag:5%" },
  uniform_2500_50k: { volume: "50k", units: 2500, change: everywhere, slice: undefined },
} as const;
export type VerdictCase = keyof typeof VERDICTS;

/** A part of one question, small enough to be spread over processes: runs `from` up to, not including, `to`. */
export type Task = { readonly name: string; readonly from: number; readonly to: number } & (
  | { readonly kind: "detection"; readonly scenario: string; readonly volume: Volume }
  | { readonly kind: "null"; readonly volume: Volume; readonly options: NullOptions }
  | { readonly kind: "verdict"; readonly verdict: VerdictCase }
);

export interface TaskResult {
  readonly name: string;
  readonly from: number;
  readonly detections: readonly Detection[];
  readonly years: readonly NullYear[];
  readonly explanations: readonly Pick<ReturnType<typeof explain>, "kind" | "slices">[];
}

/** Run i of every question has a seed of its own; the same runs of different scenarios share their world. */
export const SEED = 20_260_000;
const SEED_NULL = SEED + 1_000_000;
const SEED_VERDICT = SEED + 2_000_000;

export function perform(task: Task): TaskResult {
  const runs = Array.from({ length: task.to - task.from }, (_, i) => task.from + i);
  const nothing = { name: task.name, from: task.from, detections: [], years: [], explanations: [] };
  switch (task.kind) {
    case "detection": {
      const scenario = SCENARIOS[task.scenario]!;
      // The first run also compares the snapshot with the one the product freezes from single units.
      const detections = runs.map((run) => detect(SEED + run, task.volume, scenario, run === 0));
      return { ...nothing, detections };
    }
    case "null":
      return { ...nothing, years: runs.map((run) => nullYear(SEED_NULL + run, task.volume, task.options)) };
    case "verdict": {
      const { volume, units, change } = VERDICTS[task.verdict];
      const explanations = runs.map((run) => {
        const { kind, slices } = explain(SEED_VERDICT + run, volume, units, change);
        return { kind, slices };
      });
      return { ...nothing, explanations };
    }
  }
}
