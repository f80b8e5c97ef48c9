/**
 * Explains a fall of quality: the slices that fell, the verdict, the part that is only another mix of inputs, and the calls
 * that are shown as examples.
 */
import type { JudgedUnitRow, SliceMix } from "@plumbline/ports";
import type { Detection, QualityEvidence } from "@plumbline/schemas";
import {
  createPredicateTable,
  type DropExplanation,
  explainDrop,
  type Kitagawa,
  kitagawa,
  type KitagawaCell,
  type Predicate,
  type PreparedSnapshot,
} from "@plumbline/stats";
import { inverseRate } from "../../units/compare-versions.ts";
import { unitOf } from "../../units/series.ts";

/** Newest units looked at, and predicates compared: bounds the work to about two seconds. */
const UNITS_MAX = 50_000;
const PREDICATES_MAX = 300;
/** A predicate that fewer units have can't carry a verdict. */
const PREDICATE_UNITS_MIN = 10;
/** Ten units of a tenth of the traffic: fewer, and most slices aren't even compared. */
const UNIFORM_UNITS_MIN = 10 * PREDICATE_UNITS_MIN;
const PERMUTATIONS = 199;
/** Cells of a decomposition with fewer judged units are merged. */
const CELL_UNITS_MIN = 20;
const SLICES_SHOWN_MAX = 6;
/** Change of a slice's share of calls from which on it may explain something. */
const SHARE_MOVED_MIN = 0.05;

/** The part of the change that another mix of inputs made, with the shares of calls. */
interface MixExplanation extends Kitagawa {
  readonly shifts: readonly { readonly name: string; readonly before: number; readonly after: number }[];
}

export interface RegressionExplanation {
  readonly verdict: NonNullable<Detection["verdict"]>;
  readonly slices: Detection["slices"];
  readonly explanation: DropExplanation | null;
  readonly mix: MixExplanation | null;
  /** Mean that the baseline expected of the units. */
  readonly expected: number;
  readonly seed: number;
}

export interface ExplainInput {
  readonly prepared: PreparedSnapshot;
  /** Units of the candidate since the change. */
  readonly current: readonly JudgedUnitRow[];
  /** Units behind the baseline. */
  readonly reference: readonly JudgedUnitRow[];
  /** Slices that the detector names; shown when the search for an explanation finds none. */
  readonly affected: readonly string[];
  /** All calls of both sides, for shares of traffic; empty when unknown. */
  readonly currentMix: readonly SliceMix[];
  readonly referenceMix: readonly SliceMix[];
}

export function explainRegression(input: ExplainInput): RegressionExplanation {
  const { prepared, affected } = input;
  const current = input.current.slice(-UNITS_MAX);
  // The mean is copied out: the list of slices beside it is reused by the next call.
  const baseline = current.map((row) => prepared.baseline(unitOf(row)).mean);
  const scores = current.map((row) => row.score);
  // Units judged at a higher rate count for no more than their traffic.
  const weights = current.map((row) => inverseRate(row));
  const expected = mean(baseline, weights);
  const seed = Number.parseInt(prepared.snapshot.id.slice(0, 8), 16);
  const predicates = predicatesOf(current, referenceCounts(input));
  const isExplainable = predicates.length > 0 && current.length >= PREDICATE_UNITS_MIN;
  const explanation = isExplainable
    ? explainDrop(createPredicateTable(current.length, predicates), {
        baseline,
        scores,
        referenceRows: Math.max(1, prepared.snapshot.referenceUnits),
        seed,
        permutations: PERMUTATIONS,
      })
    : null;

  const found = (explanation?.slices ?? []).map((slice) => slice.names.join(" & "));
  // The detector also names what falls only because it overlaps the cause; its list, kept as evidence, is the second best.
  const names = found.length > 0 ? found : affected.slice(0, SLICES_SHOWN_MAX);
  const drop = expected - mean(scores, weights);
  const slices = names.flatMap((name) => sliceEvidence(name, { ...input, current }, baseline, weights, drop));
  return {
    verdict: verdictOf(explanation, current.length),
    slices,
    explanation,
    mix: decompose({ ...input, current }, slicesToDecompose(input, found, predicates)),
    expected,
    seed,
  };
}

const VERDICTS = {
  distributional: "DISTRIBUTIONAL",
  mixed: "MIXED",
  uniform: "UNIFORM",
  inconclusive: "INCONCLUSIVE",
} as const;

/** "Uniform" is said only where a slice of a tenth of the traffic could have been seen. */
function verdictOf(explanation: DropExplanation | null, units: number): RegressionExplanation["verdict"] {
  if (explanation === null || (explanation.kind === "uniform" && units < UNIFORM_UNITS_MIN))
    return "INCONCLUSIVE";
  return VERDICTS[explanation.kind];
}

/** Units of the reference by predicate. Units that have expired are taken to be like those still there. */
function referenceCounts({ prepared, reference }: ExplainInput): (name: string) => number {
  const counts = new Map<string, number>();
  for (const { slices } of reference) {
    for (const name of new Set(slices)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const scale = prepared.snapshot.referenceUnits / Math.max(1, reference.length);
  return (name) => (counts.get(name) ?? 0) * scale;
}

/** Predicates that hold for some units and not for all, by falling frequency, then by name. */
function predicatesOf(
  units: readonly JudgedUnitRow[],
  referenceRows: (name: string) => number,
): readonly Predicate[] {
  const rows = new Map<string, number[]>();
  for (const [i, { slices }] of units.entries()) {
    for (const name of new Set(slices)) {
      const known = rows.get(name);
      if (known === undefined) rows.set(name, [i]);
      else known.push(i);
    }
  }
  return [...rows]
    .filter(([, held]) => held.length >= PREDICATE_UNITS_MIN && held.length < units.length)
    .sort(([a, p], [b, q]) => q.length - p.length || (a < b ? -1 : 1))
    .slice(0, PREDICATES_MAX)
    .map(([name, held]) => ({ name, rows: held, referenceRows: referenceRows(name) }));
}

function sliceEvidence(
  name: string,
  { current, reference, currentMix }: ExplainInput,
  baseline: readonly number[],
  weights: readonly number[],
  drop: number,
): Detection["slices"] {
  const holds = holder(name);
  const inside = current.flatMap((row, i) => (holds(row.slices) ? [i] : []));
  if (inside.length === 0) return [];
  const of = (values: readonly number[]): number[] => inside.map((i) => values[i]!);
  const expected = mean(of(baseline), of(weights));
  const now = mean(
    inside.map((i) => current[i]!.score),
    of(weights),
  );
  const before = reference.filter((row) => holds(row.slices)).map((row) => row.score);
  const share = sumOf(of(weights)) / sumOf(weights);
  const traffic = sharesOf(currentMix, (held) => (holds(held) ? "in" : "out"));
  return [
    {
      name,
      units: inside.length,
      reference: before.length > 0 ? mean(before) : expected,
      current: now,
      share_of_traffic: traffic?.get("in") ?? share,
      share_of_drop: drop > 0 ? Math.min(1, Math.max(0, (share * (expected - now)) / drop)) : 0,
    },
  ];
}

/** The first two slices found, and before the second the one whose share of calls moved most. */
function slicesToDecompose(
  { currentMix, referenceMix }: ExplainInput,
  found: readonly string[],
  predicates: readonly Predicate[],
): readonly string[] {
  const moved = predicates
    .map(({ name }) => ({ name, by: Math.abs(shareIn(currentMix, name) - shareIn(referenceMix, name)) }))
    .filter(({ by }) => by >= SHARE_MOVED_MIN)
    .sort((a, b) => b.by - a.by || (a.name < b.name ? -1 : 1))
    .slice(0, 1)
    .map(({ name }) => name);
  return [...new Set([...found.slice(0, 1), ...moved, ...found.slice(1, 2)])].slice(0, 2);
}

/** Share of all calls that are in a slice; 0 without a call. */
function shareIn(mix: readonly SliceMix[], name: string): number {
  const holds = holder(name);
  return sharesOf(mix, (held) => (holds(held) ? "in" : "out"))?.get("in") ?? 0;
}

/** Mix and within over the leaves of the slices found; null without a slice, or with too few units on a side. */
function decompose(input: ExplainInput, slices: readonly string[]): MixExplanation | null {
  if (slices.length === 0 || input.reference.length === 0) return null;
  const holders = slices.map((name) => holder(name));
  const fine = (held: readonly string[]): string =>
    holders.map((holds) => (holds(held) ? "1" : "0")).join("");
  const old = cellsOf(input.reference, fine);
  const now = cellsOf(input.current, fine);
  const isLarge = (cell: string): boolean =>
    (old.get(cell)?.length ?? 0) >= CELL_UNITS_MIN && (now.get(cell)?.length ?? 0) >= CELL_UNITS_MIN;
  const large = new Set([...old.keys()].filter(isLarge));
  const cellOf = (held: readonly string[]): string => (large.has(fine(held)) ? fine(held) : "rest");
  const before = cellsOf(input.reference, cellOf);
  const after = cellsOf(input.current, cellOf);
  const sharesBefore = sharesOf(input.referenceMix, cellOf) ?? sharesOfUnits(before);
  const sharesAfter = sharesOf(input.currentMix, cellOf) ?? sharesOfUnits(after);
  const cells = [...new Set([...sharesBefore.keys(), ...sharesAfter.keys()])].map((cell): KitagawaCell => {
    const scoresBefore = before.get(cell) ?? after.get(cell) ?? [];
    const scoresAfter = after.get(cell) ?? before.get(cell) ?? [];
    return {
      shareOld: sharesBefore.get(cell) ?? 0,
      shareNew: sharesAfter.get(cell) ?? 0,
      meanOld: mean(scoresBefore),
      meanNew: mean(scoresAfter),
      seOldSquared: errorSquared(scoresBefore),
      seNewSquared: errorSquared(scoresAfter),
    };
  });
  // A cell that only traffic has, and no judged unit on either side, has no mean to decompose.
  if (!cells.every((cell) => Number.isFinite(cell.meanOld))) return null;
  const { currentMix, referenceMix } = input;
  const shifts =
    currentMix.length === 0 || referenceMix.length === 0
      ? []
      : slices.map((name) => ({
          name,
          before: shareIn(referenceMix, name),
          after: shareIn(currentMix, name),
        }));
  return { ...kitagawa(cells), shifts };
}

function cellsOf(
  rows: readonly JudgedUnitRow[],
  cellOf: (held: readonly string[]) => string,
): Map<string, number[]> {
  const cells = new Map<string, number[]>();
  for (const row of rows) {
    const cell = cellOf(row.slices);
    const scores = cells.get(cell);
    if (scores === undefined) cells.set(cell, [row.score]);
    else scores.push(row.score);
  }
  return cells;
}

function sharesOfUnits(cells: ReadonlyMap<string, readonly number[]>): Map<string, number> {
  const total = [...cells.values()].reduce((sum, scores) => sum + scores.length, 0);
  return new Map([...cells].map(([cell, scores]) => [cell, scores.length / total]));
}

/** Null without a call. */
function sharesOf(
  mix: readonly SliceMix[],
  cellOf: (held: readonly string[]) => string,
): Map<string, number> | null {
  const calls = new Map<string, number>();
  let total = 0;
  for (const row of mix) {
    const cell = cellOf(row.held);
    calls.set(cell, (calls.get(cell) ?? 0) + row.calls);
    total += row.calls;
  }
  return total === 0 ? null : new Map([...calls].map(([cell, count]) => [cell, count / total]));
}

/** @param name a slice; predicates of a conjunction are joined by " & " */
export function holder(name: string): (held: readonly string[]) => boolean {
  const predicates = name.split(" & ");
  return (held) => predicates.every((predicate) => held.includes(predicate));
}

function mean(values: readonly number[], weights?: readonly number[]): number {
  if (weights === undefined) return sumOf(values) / values.length;
  return sumOf(values.map((value, i) => value * weights[i]!)) / sumOf(weights);
}

function sumOf(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

function errorSquared(scores: readonly number[]): number {
  if (scores.length < 2) return 0.25;
  const center = mean(scores);
  let squares = 0;
  for (const score of scores) squares += (score - center) ** 2;
  return squares / (scores.length - 1) / scores.length;
}

const EXAMPLES_MAX = 3;

/**
 * The worst judged calls of the slice that explains the fall, each of another input. One that the version before answered as
 * well, and better, comes first: the two answers side by side say most.
 *
 * @param slice `a & b` holds for calls of both; null: any call
 */
export function pickExamples(
  current: readonly JudgedUnitRow[],
  reference: readonly JudgedUnitRow[],
  slice: string | null,
): NonNullable<QualityEvidence["examples"]> {
  const names = slice === null ? [] : slice.split(" & ");
  const before = bestByInput(reference);
  const inputs = new Set<string>();
  const examples: { readonly row: JudgedUnitRow; readonly old: JudgedUnitRow | null }[] = [];
  for (const row of current) {
    if (!names.every((name) => row.slices.includes(name))) continue;
    const old = before.get(row.input_fingerprint ?? "");
    examples.push({ row, old: old !== undefined && old.score > row.score ? old : null });
  }
  return examples
    .toSorted(
      (a, b) =>
        Number(a.old === null) - Number(b.old === null) ||
        a.row.score - b.row.score ||
        (a.row.call_id < b.row.call_id ? -1 : 1),
    )
    .filter(({ row: { input_fingerprint: input = "" } }) => {
      if (input !== "" && inputs.has(input)) return false;
      inputs.add(input);
      return true;
    })
    .slice(0, EXAMPLES_MAX)
    .map(({ row, old }) => ({
      call_id: row.call_id,
      score: row.score,
      before_call_id: old?.call_id ?? null,
    }));
}

/** The best answer to each input whose text is known to be the same. */
function bestByInput(rows: readonly JudgedUnitRow[]): ReadonlyMap<string, JudgedUnitRow> {
  const best = new Map<string, JudgedUnitRow>();
  for (const row of rows) {
    const { input_fingerprint: input = "" } = row;
    const known = best.get(input);
    if (input !== "" && (known === undefined || row.score > known.score)) best.set(input, row);
  }
  return best;
}
