import { createHash } from "node:crypto";
import { clearanceGrid } from "../sequential/clearance.ts";
import { dispersion } from "../sequential/dispersion.ts";
import { alarmThreshold } from "../sequential/e-detector.ts";
import { relativeDropGrid } from "../sequential/e-value.ts";
import { HOUR_BLOCKS, hourBlock, type LocalHour, utcHour } from "../sequential/hour-block.ts";
import { ridgeBaseline } from "./ridge-baseline.ts";
import { normalSf } from "../special/special.ts";
import { compileColumns } from "../sequential/stream-columns.ts";

/** One judged conversation: the unit of evidence. At most one a conversation and day. */
export interface JudgedUnit {
  /** Hour in which the verdict arrived, whole hours since 1970 UTC. */
  readonly hour: number;
  /** Verdict (0 or 1) or score, in [0, 1]. */
  readonly x: number;
  /** Names of the slice predicates that hold for its input. Order and repeats do not matter. */
  readonly slices: readonly string[];
  /** Probability with which it was selected for judging, in (0, 1]. */
  readonly rate: number;
}

/** A linear model of expected quality, as stored. */
export interface BaselineModel {
  /** Intercept, one coefficient a column, then six hour-block coefficients when `hourBlocks`. */
  readonly beta: readonly number[];
  /** Predicates of each column; a conjunction lists several. */
  readonly columns: readonly (readonly string[])[];
  readonly hourBlocks: boolean;
  /** By whose clock the blocks are; UTC when absent. */
  readonly timeZone?: string;
}

/** One monitored stream: everything (no predicates), or the units for which all predicates hold. */
interface SnapshotStream {
  readonly name: string;
  readonly predicates: readonly string[];
  /** The model that the stream is compared with. */
  readonly baseline: "own" | "pinned";
  /** Reference units (effective number when sampling rates differ). */
  readonly n: number;
  /** Standard error of the reference mean, score points, dispersion included. */
  readonly se: number;
  /** Drops up to here are immaterial, score points. */
  readonly margin: number;
  /** A drop of this size is excluded when the stream is cleared, score points. */
  readonly clearanceMargin: number;
  /** Share of the alarm evidence, fixed here; all weights and `pairedWeight` sum to 1. */
  readonly weight: number;
}

/**
 * Everything an alarm needs to be recomputed from rows: plain JSON, frozen when a version starts.
 * Stream 0 is all traffic; registered slices follow; a pinned stream, if any, is last.
 */
export interface BaselineSnapshot {
  /** SHA-256 of the content below, first 16 bytes in hex. */
  readonly id: string;
  /** `cold_start`: too little reference, so only the absolute target is tested and nothing is cleared. */
  readonly kind: "fitted" | "cold_start";
  /** Quoted by messages: versions, window, judge model, rubric hash. */
  readonly lineage: Readonly<Record<string, string>>;
  readonly referenceUnits: number;
  readonly model: BaselineModel;
  readonly pinned: { readonly snapshotId: string; readonly model: BaselineModel } | null;
  readonly streams: readonly SnapshotStream[];
  /** Weight of the paired canary stream; 0 without one. */
  readonly pairedWeight: number;
  /** Dispersion c ≥ 1; show above 2. */
  readonly dispersion: number;
  /** Tempering η = 1/c. */
  readonly eta: number;
  /** Relative drops fⱼ. */
  readonly drops: readonly number[];
  /** Clearance bets gⱼ, as many as drops. */
  readonly gains: readonly number[];
  /** W, hours. */
  readonly deployWeight: number;
  /** C, hours. */
  readonly threshold: number;
  /** Σ Φ(−margin/se): expected number of streams whose baseline errs by more than its margin. */
  readonly expectedViolations: number;
}

export interface SnapshotOptions {
  readonly lineage?: Readonly<Record<string, string>>;
  /** Absolute target of the use case, in (0, 1); used alone when the reference is too small. */
  readonly slo?: number;
  /** Conjunctions a user asked for; monitored whatever their size, and counted five times. */
  readonly pinnedSlices?: readonly (readonly string[])[];
  /** Predicates touched by the prompt diff, from `slicesTouchedByDiff`; counted five times. */
  readonly favouredSlices?: readonly string[];
  /** The last baseline a human accepted: the ratchet guard. */
  readonly pinnedSnapshot?: BaselineSnapshot;
  /** Reserve the paired stream's weight because old and new will run side by side. */
  readonly canary?: boolean;
  /** Default 200. */
  readonly streamsMax?: number;
  /** Material drops, score points. Default 0.01 for all traffic and 0.03 for slices. */
  readonly deltaAll?: number;
  readonly deltaSlice?: number;
  /** Default 0.03; slices get two points more. */
  readonly clearanceMargin?: number;
  /** F, default 1. */
  readonly falseAlarmsPerYear?: number;
  /** D, default 52. */
  readonly deploysPerYear?: number;
  /** W, hours, default 168. */
  readonly deployWeight?: number;
  /** By whose clock the hour blocks are. Default UTC. */
  readonly timeZone?: string;
  /** Needed for every other zone than UTC. */
  readonly localHour?: LocalHour;
}

/** Below this many reference units there is no baseline, only the absolute target. */
export const REFERENCE_MIN = 100;
/** Reference units a slice needs to be monitored. */
export const SLICE_REFERENCE_MIN = 30;
/** Reference units from which the baseline also knows the time of the week. */
export const HOUR_BLOCK_REFERENCE_MIN = 3000;

const WEIGHT_ALL = 0.4;
const WEIGHT_PINNED = 0.1;
const WEIGHT_PAIRED = 0.2;
const FAVOURED = 5;

/**
 * Fits and freezes the baseline of a new version from judged units of its predecessors.
 *
 * Per stream k, with p̃ = (y + 1)/(n + 2) and dispersion c:
 *
 *     seₖ = √(c p̃(1 − p̃)/n)      marginₖ = max(δₖ, 3 seₖ)
 *
 * and for scores the sample variance + 1/(4n) instead of p̃(1 − p̃). The margin declares small drops
 * immaterial and absorbs a baseline error of up to three standard errors. The result depends on the set
 * of rows, not on their order (up to rounding in the last digit).
 *
 * @param rows at most one a conversation and day; incidents already left out (see `selectReference`)
 * @returns `not_enough_data` below 100 rows without an `slo`
 * @throws RangeError on a score, rate or option outside its range
 */
export function freezeSnapshot(
  rows: readonly JudgedUnit[],
  options: SnapshotOptions = {},
):
  | { readonly kind: "frozen"; readonly snapshot: BaselineSnapshot }
  | {
      readonly kind: "not_enough_data";
      readonly reason: "reference_small_and_no_slo";
      readonly units: number;
    } {
  for (const row of rows) requireUnit(row);
  if (rows.length >= REFERENCE_MIN) return { kind: "frozen", snapshot: fit(rows, options) };
  if (options.slo === undefined) {
    return { kind: "not_enough_data", reason: "reference_small_and_no_slo", units: rows.length };
  }
  return { kind: "frozen", snapshot: coldStart(rows.length, options.slo, options) };
}

/** @throws RangeError unless the score is in [0, 1], the rate in (0, 1] and the hour whole */
export function requireUnit({ x, rate, hour }: JudgedUnit): void {
  if (!(x >= 0 && x <= 1 && rate > 0 && rate <= 1 && Number.isInteger(hour))) {
    throw new RangeError(`judged unit: x = ${x}, rate = ${rate}, hour = ${hour}`);
  }
}

function fit(rows: readonly JudgedUnit[], options: SnapshotOptions): BaselineSnapshot {
  const { streamsMax = 200, deltaAll = 0.01, deltaSlice = 0.03, clearanceMargin = 0.03 } = options;
  const { timeZone = "UTC", localHour = utcHour, pinnedSnapshot } = options;
  const slices = registeredSlices(rows, options.pinnedSlices ?? [], streamsMax);
  const columns = compileColumns(slices);
  const hourBlocks = rows.length >= HOUR_BLOCK_REFERENCE_MIN;
  const rateMin = rows.reduce((least, row) => Math.min(least, row.rate), 1);

  const active = rows.map((row) => {
    const held = columns(row.slices).slice();
    return hourBlocks ? [...held, 1 + slices.length + hourBlock(localHour(timeZone, row.hour))] : held;
  });
  const beta = ridgeBaseline(
    rows.map((row, i) => ({ active: active[i]!, x: row.x, weight: rateMin / row.rate })),
    slices.length + (hourBlocks ? HOUR_BLOCKS : 0),
  );

  const binary = rows.every((row) => row.x === 0 || row.x === 1);
  const moments = Array.from({ length: slices.length + 1 }, () => new Moments());
  for (const [i, row] of rows.entries()) {
    const weight = rateMin / row.rate;
    moments[0]!.add(row.x, weight);
    for (const column of active[i]!) moments[column]?.add(row.x, weight);
  }
  const clustering = hourlyDispersion(rows, binary ? undefined : moments[0]!.variance());
  const c = clustering.inflation;
  const se = moments.map((m) => Math.sqrt((c * m.varianceForError(binary)) / m.n()));

  const favoured = new Set(options.favouredSlices ?? []);
  const shares = slices.map((slice) => (slice.length > 1 || favoured.has(slice[0]!) ? FAVOURED : 1));
  const shareTotal = shares.reduce((sum, share) => sum + share, 0);
  const pairedWeight = options.canary ? WEIGHT_PAIRED : 0;
  const pinnedWeight = pinnedSnapshot ? WEIGHT_PINNED : 0;
  const rest = 1 - pairedWeight - pinnedWeight;
  const weightAll = rest * (slices.length > 0 ? WEIGHT_ALL : 1);

  const streams: SnapshotStream[] = [[], ...slices].map((predicates, k) => ({
    name: k === 0 ? "all" : predicates.join(" & "),
    predicates,
    baseline: "own",
    n: moments[k]!.n(),
    se: se[k]!,
    margin: Math.max(k === 0 ? deltaAll : deltaSlice, 3 * se[k]!),
    clearanceMargin: k === 0 ? clearanceMargin : clearanceMargin + 0.02,
    weight: k === 0 ? weightAll : ((rest - weightAll) * shares[k - 1]!) / shareTotal,
  }));
  if (pinnedSnapshot) {
    const all = pinnedSnapshot.streams[0]!;
    streams.push({
      ...all,
      name: "all, against the pinned baseline",
      baseline: "pinned",
      margin: Math.max(0.02, 3 * all.se),
      weight: pinnedWeight,
    });
  }
  return identified({
    kind: "fitted",
    lineage: options.lineage ?? {},
    referenceUnits: rows.length,
    model: { beta: [...beta], columns: slices, hourBlocks, timeZone },
    pinned: pinnedSnapshot ? { snapshotId: pinnedSnapshot.id, model: pinnedSnapshot.model } : null,
    streams,
    pairedWeight,
    dispersion: c,
    eta: clustering.eta,
    ...budgetOf(options),
    expectedViolations: streams.reduce((sum, stream) => sum + normalSf(stream.margin / stream.se), 0),
  });
}

function coldStart(units: number, slo: number, options: SnapshotOptions): BaselineSnapshot {
  if (!(slo > 0 && slo < 1)) throw new RangeError(`freezeSnapshot: slo = ${slo}, needs 0 < slo < 1`);
  const { clearanceMargin = 0.03, timeZone = "UTC" } = options;
  return identified({
    kind: "cold_start",
    lineage: options.lineage ?? {},
    referenceUnits: units,
    model: { beta: [slo], columns: [], hourBlocks: false, timeZone },
    pinned: null,
    streams: [
      {
        name: "all",
        predicates: [],
        baseline: "own",
        n: units,
        se: 0,
        margin: 0,
        clearanceMargin,
        weight: 1,
      },
    ],
    pairedWeight: 0,
    dispersion: 1,
    eta: 1,
    ...budgetOf(options),
    expectedViolations: 0,
  });
}

function budgetOf(
  options: SnapshotOptions,
): Pick<BaselineSnapshot, "drops" | "gains" | "deployWeight" | "threshold"> {
  const drops = relativeDropGrid();
  return {
    drops,
    gains: clearanceGrid(drops.length),
    deployWeight: options.deployWeight ?? 168,
    threshold: alarmThreshold(options),
  };
}

function identified(content: Omit<BaselineSnapshot, "id">): BaselineSnapshot {
  const id = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 32);
  return { id, ...content };
}

/** User-pinned conjunctions first, then single predicates by falling frequency, then by name. */
function registeredSlices(
  rows: readonly JudgedUnit[],
  pinnedSlices: readonly (readonly string[])[],
  streamsMax: number,
): string[][] {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const name of new Set(row.slices)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const chosen = new Map<string, string[]>();
  for (const slice of pinnedSlices) {
    const predicates = [...new Set(slice)].sort();
    if (predicates.length === 0) throw new RangeError("freezeSnapshot: a pinned slice without predicates");
    const enough = compileColumns([predicates]);
    // A slice without any reference unit has no baseline to fall from.
    if (rows.some((row) => enough(row.slices).length > 0)) chosen.set(predicates.join(" & "), predicates);
  }
  const singles = [...counts].filter(([, n]) => n >= SLICE_REFERENCE_MIN);
  singles.sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  for (const [name] of singles) if (!chosen.has(name)) chosen.set(name, [name]);
  return [...chosen.values()].slice(0, streamsMax);
}

function hourlyDispersion(
  rows: readonly JudgedUnit[],
  variance: number | undefined,
): ReturnType<typeof dispersion> {
  const hours = new Map<number, { n: number; sum: number }>();
  for (const { hour, x } of rows) {
    const entry = hours.get(hour) ?? { n: 0, sum: 0 };
    entry.n += 1;
    entry.sum += x;
    hours.set(hour, entry);
  }
  const entries = [...hours.values()];
  return dispersion(
    entries.map((entry) => entry.n),
    entries.map((entry) => entry.sum),
    variance === undefined ? {} : { variance },
  );
}

/** Weighted moments of one stream's reference scores. */
class Moments {
  #weight = 0;
  #weightSquares = 0;
  #sum = 0;
  #squares = 0;

  add(x: number, weight: number): void {
    this.#weight += weight;
    this.#weightSquares += weight * weight;
    this.#sum += weight * x;
    this.#squares += weight * x * x;
  }

  /** Kish's effective number: the plain count when all weights are equal. */
  n(): number {
    return this.#weight > 0 ? (this.#weight * this.#weight) / this.#weightSquares : 0;
  }

  variance(): number {
    const n = this.n();
    const mean = this.#sum / this.#weight;
    return n > 1 ? (Math.max(0, this.#squares / this.#weight - mean * mean) * n) / (n - 1) : 0.25;
  }

  varianceForError(binary: boolean): number {
    const n = this.n();
    if (!binary) return this.variance() + 1 / (4 * n);
    const p = (n * (this.#sum / this.#weight) + 1) / (n + 2);
    return p * (1 - p);
  }
}

/** Words of predicates' names that only say what kind of predicate it is. */
const KIND_WORDS: ReadonlySet<string> = new Set(["mentions", "has", "input", "length", "lang", "model"]);

/**
 * Predicates whose name, or whose regular expression, meets a token of a prompt diff: these get five
 * times the weight, because a changed instruction about money most likely hurts money tickets.
 *
 * @param predicates name to regular expression source, or to "" when it has none
 */
export function slicesTouchedByDiff(predicates: Readonly<Record<string, string>>, diff: string): string[] {
  const tokens = new Set(diff.toLowerCase().match(/[\p{L}\p{N}]{3,}|[\p{Sc}%]/gu) ?? []);
  return Object.entries(predicates)
    .filter(([name, source]) => {
      const words = name.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
      if (words.some((word) => tokens.has(word) && !KIND_WORDS.has(word))) return true;
      if (source === "") return false;
      const pattern = new RegExp(source, "iu");
      return [...tokens].some((token) => pattern.test(token));
    })
    .map(([name]) => name);
}
