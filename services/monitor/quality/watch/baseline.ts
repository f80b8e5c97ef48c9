/**
 * The baseline that a version is compared with: chosen and frozen when the version starts, before any of its own verdicts
 * count, so that looking at it later can't bias it.
 */
import type { BaselineInsert, BaselineRow, JudgedUnitRow, QualitySeries } from "@plumbline/ports";
import { DAY_MS, HOUR_MS } from "@plumbline/schemas";
import {
  type BaselineSnapshot,
  deployStartWeights,
  freezeSnapshot,
  type HourWindow,
  REFERENCE_MIN,
  selectReference,
  slicesTouchedByDiff,
} from "@plumbline/stats";
import { weightedTotal } from "../../units/compare-versions.ts";
import { localHour } from "../../counts/local-hours.ts";
import type { ServedVersion } from "../../deploys/served-versions.ts";
import { byArrival, hourOf, iso, seriesOf, unitOf } from "../../units/series.ts";
import { PREDICATE_WORDS } from "@plumbline/features";

/** Own units that become the baseline of a version without a predecessor. */
export const OWN_REFERENCE_UNITS = 300;
/** Ratchet guard: versions are compared with a baseline this old as well, so that many small drops add up to one. */
const PINNED_AGE_MS = 90 * DAY_MS;
/** A younger history is guarded by its oldest baseline, once that is this old. */
const PINNED_AGE_MIN_MS = 28 * DAY_MS;
/** Oldest age of a reference unit, ms. */
export const REFERENCE_REACH_MS = 90 * 24 * HOUR_MS;
/** A version with a smaller share of the last hour's judged units is a client left behind, not the other arm of a canary. */
const BESIDE_SHARE = 0.1;

export interface BaselineInput {
  readonly series: QualitySeries;
  readonly version: ServedVersion;
  /** In order of their first call, this one included. */
  readonly versions: readonly ServedVersion[];
  /** Judged units of the series, all versions, as far back as a reference may reach. */
  readonly units: readonly JudgedUnitRow[];
  /** Versions known to be worse: comparing with one would call the damage normal. */
  readonly regressed: ReadonlySet<string>;
  /** Hours of incidents, left out of references. */
  readonly incidents: readonly HourWindow[];
  /** Earlier baselines of the series, oldest first; those that `keptBaselines` keeps are enough. */
  readonly earlier: readonly BaselineRow[];
  /** Hours of the deploys that had a baseline, of the last year at least. */
  readonly deployHours: readonly number[];
  readonly nowMs: number;
  readonly options: BaselineOptions;
  /** The registry gave the version a share beside its predecessor: their pairs get a stream of their own. */
  readonly isCanary?: boolean;
  /** Words that the prompt of one version has more often than that of another; "" when they are unknown. */
  readonly changedWords?: (before: string, after: string) => string;
  /** By whose clock hours of the week are alike. Default UTC. */
  readonly timeZone?: string;
}

export interface BaselineOptions {
  /** Absolute target of quality, tested while there is no reference; none by default. */
  readonly slo?: number;
  /** False pages a year and use case; default 1. */
  readonly falseAlarmsPerYear?: number;
  /** Slices that people asked to be watched, whatever their size; predicates of a conjunction are joined by " & ". */
  readonly pinnedSlices?: readonly string[];
}

type BaselineChoice =
  | { readonly kind: "frozen"; readonly row: BaselineInsert }
  | {
      readonly kind: "not_enough_data";
      /** Units of predecessors, and own ones. */
      readonly referenceUnits: number;
      readonly ownUnits: number;
    };

export function chooseBaseline(input: BaselineInput): BaselineChoice {
  const { version, units } = input;
  const own = units.filter((row) => row.prompt_version === version.prompt_version);
  const reference = chooseReference(input);
  if (reference.rows.length >= REFERENCE_MIN) {
    const fromHour = deployHour(input, own);
    return freeze(input, "predecessors", reference.rows, fromHour, deployWeight(input, fromHour));
  }
  const first = own.toSorted(byArrival).slice(0, OWN_REFERENCE_UNITS);
  if (first.length === OWN_REFERENCE_UNITS) {
    return freeze(input, "own_units", first, hourOf(first.at(-1)!.judged_at) + 1, 1);
  }
  if (input.options.slo !== undefined && !input.earlier.some((row) => isOf(row, version))) {
    const fromHour = deployHour(input, own);
    return freeze(input, "target", [], fromHour, deployWeight(input, fromHour));
  }
  return { kind: "not_enough_data", referenceUnits: reference.rows.length, ownUnits: own.length };
}

/** isProvisional returns true for a baseline that is only the absolute target, replaced as soon as there is a better one. */
export function isProvisional(row: BaselineRow): boolean {
  return snapshotOf(row).kind === "cold_start";
}

/** The store keeps what `freezeSnapshot` made, unchanged. */
export function snapshotOf(row: Pick<BaselineRow, "snapshot">): BaselineSnapshot {
  return row.snapshot as BaselineSnapshot;
}

/** The hour in which the watch begins, and its weight; part of the frozen baseline. */
export function startOf(row: BaselineRow): { readonly fromHour: number; readonly startWeight: number } {
  const { lineage } = snapshotOf(row);
  return { fromHour: Number(lineage["from_hour"]), startWeight: Number(lineage["start_weight"]) };
}

/** Versions that the reference came from. */
export function referenceVersions(row: BaselineRow): readonly string[] {
  const list = snapshotOf(row).lineage["reference_versions"] ?? "";
  return list === "" ? [] : list.split(",");
}

function chooseReference(input: BaselineInput): { readonly rows: readonly JudgedUnitRow[] } {
  const { units, regressed, series, incidents } = input;
  const before = predecessorsOf(input);
  const good = before.filter((name) => !regressed.has(name));
  // Where every predecessor has regressed, the newest one is the only measure there is.
  const names = good.length > 0 ? good : before.slice(0, 1);
  const rowOf = new Map<object, JudgedUnitRow>();
  const predecessors = names.map((name) => ({
    version: name,
    alarmed: regressed.has(name),
    calibration: series.rubric_hash + series.judge,
    units: units
      .filter((row) => row.prompt_version === name)
      .map((row) => {
        const unit = unitOf(row);
        rowOf.set(unit, row);
        return unit;
      }),
  }));
  const { units: chosen } = selectReference(predecessors, series.rubric_hash + series.judge, incidents);
  return { rows: chosen.map((unit) => rowOf.get(unit)!) };
}

/**
 * Versions before this one, the predecessor that people would name first: the version that serves beside the new one, if it
 * serves more than stragglers, else the one that came last. A version that was tried and taken back is not the predecessor.
 */
function predecessorsOf({ version, versions, units }: BaselineInput): readonly string[] {
  const startMs = Date.parse(version.first_started_at);
  const before = versions.filter((each) => each.first_started_at < version.first_started_at);
  const names = new Set(before.map((each) => each.prompt_version));
  const lately = units.filter(
    (row) => names.has(row.prompt_version) && Date.parse(row.judged_at) >= startMs - HOUR_MS,
  );
  const servesBeside = (each: ServedVersion): boolean =>
    Date.parse(each.last_started_at) > startMs &&
    lately.filter((row) => row.prompt_version === each.prompt_version).length >= lately.length * BESIDE_SHARE;
  const newestFirst = before.toReversed();
  return [...newestFirst.filter(servesBeside), ...newestFirst.filter((each) => !servesBeside(each))].map(
    (each) => each.prompt_version,
  );
}

function freeze(
  input: BaselineInput,
  source: "predecessors" | "own_units" | "target",
  reference: readonly JudgedUnitRow[],
  fromHour: number,
  startWeight: number,
): BaselineChoice {
  const { series, version, nowMs, options } = input;
  const sorted = reference.toSorted(byArrival);
  const start = sorted[0]?.judged_at ?? version.first_started_at;
  const end = sorted.at(-1)?.judged_at ?? version.first_started_at;
  const named = new Set(sorted.map((row) => row.prompt_version));
  const versions =
    source === "predecessors" ? predecessorsOf(input).filter((name) => named.has(name)) : [...named];
  const pinned = source === "predecessors" ? pinnedSnapshot(input) : undefined;
  const pinnedSlices = (options.pinnedSlices ?? []).map((slice) => slice.split(" & "));
  const ofEdit = slicesOfEdit(
    sorted.flatMap((row) => row.slices),
    source === "predecessors" ? (input.changedWords?.(versions[0]!, version.prompt_version) ?? "") : "",
  );
  const beside = source === "predecessors" && input.isCanary === true ? versions[0] : undefined;
  const result = freezeSnapshot(
    sorted.map((row) => unitOf(row)),
    {
      lineage: {
        source,
        candidate: version.prompt_version,
        reference_versions: versions.join(","),
        reference_start: start,
        reference_end: end,
        criterion: series.criterion,
        rubric_hash: series.rubric_hash,
        judge: series.judge,
        from_hour: String(fromHour),
        start_weight: String(startWeight),
        ...(ofEdit.length === 0 ? {} : { slices_of_edit: ofEdit.join(",") }),
        ...(beside === undefined ? {} : { beside }),
      },
      canary: beside !== undefined,
      timeZone: input.timeZone ?? "UTC",
      localHour,
      pinnedSlices,
      favouredSlices: [...ofEdit, ...(options.pinnedSlices ?? [])],
      ...(options.slo === undefined ? {} : { slo: options.slo }),
      ...(options.falseAlarmsPerYear === undefined ? {} : { falseAlarmsPerYear: options.falseAlarmsPerYear }),
      ...(pinned === undefined ? {} : { pinnedSnapshot: pinned }),
    },
  );
  if (result.kind !== "frozen")
    throw new RangeError(`baseline of ${reference.length} units: ${result.reason}`);
  const { snapshot } = result;
  return {
    kind: "frozen",
    row: {
      ...seriesOf(series),
      snapshot_id: snapshot.id,
      prompt_version: version.prompt_version,
      incumbent_version: versions.length === 1 ? versions[0]! : "",
      deployed_at: version.first_started_at,
      reference_start: start,
      reference_end: iso(Date.parse(end) + 1),
      units: sorted.length,
      score_sum: weightedTotal(sorted).score_sum,
      snapshot,
      created_at: iso(nowMs),
      dispersion: snapshot.dispersion,
      tempering: snapshot.eta,
      coefficients: snapshot.model.beta,
      streams: snapshot.streams.map((stream) => stream.name),
      stream_weights: snapshot.streams.map((stream) => stream.weight),
      stream_margins: snapshot.streams.map((stream) => stream.margin),
      stream_units: snapshot.streams.map((stream) => stream.n),
      misfits_expected: snapshot.expectedViolations,
    },
  };
}

/**
 * The hour of the first call, or of the first verdict when that is later. Evidence is ordered by arrival, and calls that were
 * delivered days late would otherwise count as days without a fall; an arrival says nothing about a score.
 */
function deployHour({ version, nowMs }: BaselineInput, own: readonly JudgedUnitRow[]): number {
  const firstMs = own.reduce((first, row) => Math.min(first, Date.parse(row.judged_at)), nowMs - HOUR_MS);
  return Math.max(hourOf(version.first_started_at), hourOf(firstMs));
}

/** W while the year's deploys are within the budget, else 1. */
function deployWeight({ deployHours }: BaselineInput, fromHour: number): number {
  const hours = [...new Set([...deployHours, fromHour])]
    .filter((hour) => hour <= fromHour)
    .sort((a, b) => a - b);
  return deployStartWeights(hours).at(-1)!;
}

/** The newest fitted baseline of at least 90 days, or else the oldest one of at least four weeks. */
function pinnedSnapshot({ earlier, nowMs, version }: BaselineInput): BaselineSnapshot | undefined {
  const fitted = earlier.filter(
    (row) =>
      !isOf(row, version) && !isProvisional(row) && nowMs - Date.parse(row.created_at) >= PINNED_AGE_MIN_MS,
  );
  const old = fitted.filter((row) => nowMs - Date.parse(row.created_at) >= PINNED_AGE_MS);
  const chosen = old.at(-1) ?? fitted[0];
  return chosen === undefined ? undefined : snapshotOf(chosen);
}

/** Newest baselines of a series that are kept in memory. */
const KEPT = 6;

/** The baselines that may still be needed: the newest, and those that guard against the ratchet. */
export function keptBaselines(rows: readonly BaselineRow[], nowMs: number): BaselineRow[] {
  const old = rows.findLastIndex((row) => nowMs - Date.parse(row.created_at) >= PINNED_AGE_MS);
  return rows.filter((_, i) => i === 0 || i === old || i >= rows.length - KEPT);
}

function isOf(row: BaselineRow, version: ServedVersion): boolean {
  return row.prompt_version === version.prompt_version;
}

/**
 * Slices that the edit of the prompt is about, by their names or by the words that people use for them: those that the new
 * version most likely hurts, decided before any of its outcomes is seen.
 *
 * @param slices names of the predicates that the reference knows
 * @param changedWords words and symbols of the edit; empty when the texts are unknown
 */
export function slicesOfEdit(slices: Iterable<string>, changedWords: string): readonly string[] {
  if (changedWords === "") return [];
  const predicates = [...new Set(slices)].map((name) => [name, PREDICATE_WORDS[name] ?? ""] as const);
  return slicesTouchedByDiff(Object.fromEntries(predicates), changedWords).toSorted();
}
