import type { DropExplanation } from "@plumbline/stats";
import { RIVALS, type Rival } from "./rivals.ts";
import type { Detection, NullYear, Scenario } from "./scenarios.ts";

/** Of one scenario and volume. Hours are null when not even that share of the runs alarmed. */
export interface ScenarioFigures {
  readonly runs: number;
  readonly median_hours: number | null;
  readonly p95_hours: number | null;
  /** Units judged since the start of the watch; null without a deploy, where it ran before the change. */
  readonly units_median: number | null;
  readonly units_p95: number | null;
  /** Share of alarms whose strongest slice is the one that fell; null when everything fell alike. */
  readonly slice_on_top: number | null;
  /** Share whose strongest stream, "all traffic" included, is the one that fell. */
  readonly stream_on_top: number;
  /** Share of runs without an alarm in 35 days. */
  readonly never: number;
  readonly rivals: Readonly<Record<Rival, RivalFigures>>;
}

interface RivalFigures {
  readonly median_hours: number | null;
  readonly p95_hours: number | null;
  readonly never: number;
}

export interface NullFigures {
  readonly years: number;
  readonly alarms: number;
  readonly false_alarms_per_year: number;
  readonly rivals: Readonly<Record<Rival, number>>;
}

export interface VerdictFigures {
  readonly runs: number;
  readonly distributional: number;
  readonly mixed: number;
  readonly uniform: number;
  readonly inconclusive: number;
  /** Share of runs whose best slice is exactly the one that fell; null when none did. */
  readonly exact_slice: number | null;
}

export function summariseDetections(
  detections: readonly Detection[],
  { slice, deploy = true }: Scenario,
): ScenarioFigures {
  const alarmed = detections.filter(({ hours }) => hours < Infinity);
  const units = alarmed.map((one) => one.units);
  const share = (holds: (one: Detection) => boolean): number =>
    rounded(alarmed.filter(holds).length / alarmed.length);
  return {
    runs: detections.length,
    ...delays(detections.map(({ hours }) => hours)),
    units_median: deploy ? quantile(units, 0.5) : null,
    units_p95: deploy ? quantile(units, 0.95) : null,
    slice_on_top: slice === undefined ? null : share((one) => one.isSliceOnTop),
    stream_on_top: share((one) => one.isStreamOnTop),
    rivals: perRival((rival) => delays(detections.map(({ rivals }) => rivals[rival]))),
  };
}

function delays(hours: readonly number[]): RivalFigures {
  return {
    median_hours: quantile(hours, 0.5),
    p95_hours: quantile(hours, 0.95),
    never: rounded(hours.filter((one) => one === Infinity).length / hours.length),
  };
}

export function summariseNullYears(years: readonly NullYear[]): NullFigures {
  const alarms = years.reduce((sum, year) => sum + year.alarms, 0);
  return {
    years: years.length,
    alarms,
    false_alarms_per_year: rounded(alarms / years.length),
    rivals: perRival((rival) =>
      rounded(years.reduce((sum, { rivals }) => sum + rivals[rival], 0) / years.length),
    ),
  };
}

export function summariseVerdicts(
  explanations: readonly Pick<DropExplanation, "kind" | "slices">[],
  slice?: string,
): VerdictFigures {
  const share = (holds: (one: Pick<DropExplanation, "kind" | "slices">) => boolean): number =>
    rounded(explanations.filter(holds).length / explanations.length);
  return {
    runs: explanations.length,
    distributional: share(({ kind }) => kind === "distributional"),
    mixed: share(({ kind }) => kind === "mixed"),
    uniform: share(({ kind }) => kind === "uniform"),
    inconclusive: share(({ kind }) => kind === "inconclusive"),
    exact_slice: slice === undefined ? null : share(({ slices }) => slices[0]?.names.join(" & ") === slice),
  };
}

function perRival<T>(value: (rival: Rival) => T): Record<Rival, T> {
  return Object.fromEntries(RIVALS.map((rival) => [rival, value(rival)])) as Record<Rival, T>;
}

/** The smallest value that at least the share p does not exceed; null when that is not finite. */
function quantile(values: readonly number[], p: number): number | null {
  const value = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(p * values.length) - 1)];
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
