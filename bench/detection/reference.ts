import {
  type BaselineSnapshot,
  HOUR_BLOCK_REFERENCE_MIN,
  type JudgedUnit,
  SLICE_REFERENCE_MIN,
  alarmThreshold,
  baselineMean,
  clearanceGrid,
  dispersion,
  freezeSnapshot,
  normalSf,
  relativeDropGrid,
  ridgeBaseline,
} from "@plumbline/stats";
import { HOUR_BLOCKS, hourBlock } from "../../packages/stats/sequential/hour-block.ts";
import { type Code, JUDGED_RATE, PREDICATES, TYPES, type World } from "./world.ts";

/** Judged units of some weeks, counted by input type and block of the week: all a snapshot depends on. */
export class ReferenceCounts {
  readonly n = new Float64Array(TYPES * HOUR_BLOCKS);
  readonly passes = new Float64Array(TYPES * HOUR_BLOCKS);
  readonly #hours = new Map<number, { n: number; passes: number }>();

  /** @param copies how often each verdict is repeated: 3 in the clustering ablation, otherwise 1 */
  add(hour: number, codes: readonly Code[], copies = 1): void {
    const block = hourBlock(hour);
    const entry = this.#hours.get(hour) ?? { n: 0, passes: 0 };
    for (const code of codes) {
      const cell = (code >> 1) * HOUR_BLOCKS + block;
      this.n[cell]! += copies;
      this.passes[cell]! += copies * (code & 1);
      entry.n += copies;
      entry.passes += copies * (code & 1);
    }
    this.#hours.set(hour, entry);
  }

  merge(other: ReferenceCounts): void {
    for (let cell = 0; cell < this.n.length; cell++) {
      this.n[cell]! += other.n[cell]!;
      this.passes[cell]! += other.passes[cell]!;
    }
    for (const [hour, entry] of other.#hours) this.#hours.set(hour, entry);
  }

  hours(): { readonly n: number; readonly passes: number }[] {
    return [...this.#hours.values()];
  }

  /** Units and passes of every stream, shape [41]: stream 0 is everything, k ≥ 1 predicate k. */
  streams(world: World): { readonly n: Float64Array; readonly passes: Float64Array } {
    const n = new Float64Array(PREDICATES.length + 1);
    const passes = new Float64Array(PREDICATES.length + 1);
    for (const [type, { columns }] of world.types.entries()) {
      for (let cell = type * HOUR_BLOCKS; cell < (type + 1) * HOUR_BLOCKS; cell++) {
        n[0]! += this.n[cell]!;
        passes[0]! += this.passes[cell]!;
        for (const k of columns) {
          n[k]! += this.n[cell]!;
          passes[k]! += this.passes[cell]!;
        }
      }
    }
    return { n, passes };
  }
}

/**
 * The snapshot that `freezeSnapshot` makes from the units themselves, made from their counts: a year of
 * weekly deploys at 2,500 units a day would otherwise read three and a half million units. `sameSnapshot`
 * compares the two.
 *
 * @param tempered false switches the protection against clustered verdicts off
 */
export function freezeCounts(world: World, counts: ReferenceCounts, tempered = true): BaselineSnapshot {
  const { n, passes } = counts.streams(world);
  const monitored = PREDICATES.map((_, p) => p + 1).filter((k) => n[k]! >= SLICE_REFERENCE_MIN);
  const positions = new Map(monitored.map((k, i) => [k, i + 1]));
  const hourBlocks = n[0]! >= HOUR_BLOCK_REFERENCE_MIN;
  const rows = world.types.flatMap(({ columns }, type) => {
    const slices = [...columns].flatMap((k) => positions.get(k) ?? []);
    return Array.from({ length: HOUR_BLOCKS }, (_, block) => {
      const cell = type * HOUR_BLOCKS + block;
      const active = hourBlocks ? [...slices, 1 + monitored.length + block] : slices;
      return { active, x: counts.passes[cell]! / counts.n[cell]!, weight: counts.n[cell]! };
    }).filter(({ weight }) => weight > 0);
  });
  const beta = ridgeBaseline(rows, monitored.length + (hourBlocks ? HOUR_BLOCKS : 0));

  const hours = counts.hours();
  const clustering = dispersion(
    hours.map((hour) => hour.n),
    hours.map((hour) => hour.passes),
  );
  const c = tempered ? clustering.inflation : 1;
  const streams = [0, ...monitored].map((k) => {
    const p = (passes[k]! + 1) / (n[k]! + 2);
    const se = Math.sqrt((c * p * (1 - p)) / n[k]!);
    return {
      name: k === 0 ? "all" : PREDICATES[k - 1]!,
      predicates: k === 0 ? [] : [PREDICATES[k - 1]!],
      baseline: "own" as const,
      n: n[k]!,
      se,
      margin: Math.max(k === 0 ? 0.01 : 0.03, 3 * se),
      clearanceMargin: k === 0 ? 0.03 : 0.05,
      weight: k === 0 ? 0.4 : 0.6 / monitored.length,
    };
  });
  return {
    id: "counts",
    kind: "fitted",
    lineage: {},
    referenceUnits: n[0]!,
    model: {
      beta: [...beta],
      columns: monitored.map((k) => [PREDICATES[k - 1]!]),
      hourBlocks,
    },
    pinned: null,
    streams,
    pairedWeight: 0,
    dispersion: c,
    eta: 1 / c,
    drops: relativeDropGrid(),
    gains: clearanceGrid(),
    deployWeight: 168,
    threshold: alarmThreshold(),
    expectedViolations: streams.reduce((sum, stream) => sum + normalSf(stream.margin / stream.se), 0),
  };
}

/** Judged units as the product reads them. */
export function unitsOf(
  world: World,
  hour: number,
  codes: readonly Code[],
  options: { readonly rate?: number; readonly copies?: number } = {},
): JudgedUnit[] {
  const { rate = JUDGED_RATE, copies = 1 } = options;
  return codes.flatMap((code) => {
    const unit = { hour, x: code & 1, slices: world.types[code >> 1]!.slices, rate };
    return Array.from({ length: copies }, () => unit);
  });
}

/** @throws Error when `freezeSnapshot` makes another snapshot of the units than `freezeCounts` of their counts */
export function sameSnapshot(fast: BaselineSnapshot, units: readonly JudgedUnit[]): void {
  const result = freezeSnapshot(units);
  if (result.kind !== "frozen") throw new Error(result.reason);
  const { snapshot } = result;
  const near = (what: string, a: number | undefined, b: number | undefined): void => {
    if (!(Math.abs(a! - b!) <= 1e-7)) throw new Error(`snapshots differ in ${what}: ${a} and ${b}`);
  };
  near("streams", fast.streams.length, snapshot.streams.length);
  near("eta", fast.eta, snapshot.eta);
  near("threshold", fast.threshold, snapshot.threshold);
  near("deploy weight", fast.deployWeight, snapshot.deployWeight);
  const others = new Map(snapshot.streams.map((stream) => [stream.name, stream]));
  const coefficients = coefficientsByName(snapshot);
  for (const stream of fast.streams) {
    for (const key of ["n", "se", "margin", "clearanceMargin", "weight"] as const) {
      near(`${key} of ${stream.name}`, stream[key], others.get(stream.name)?.[key]);
    }
  }
  for (const [name, beta] of coefficientsByName(fast)) near(`beta of ${name}`, beta, coefficients.get(name));
}

function coefficientsByName({ model }: BaselineSnapshot): Map<string, number> {
  const names = ["intercept", ...model.columns.map((column) => column.join(" & "))];
  return new Map(model.beta.map((beta, i) => [names[i] ?? `block ${i - names.length}`, beta]));
}

/** Expected quality of every type and block under a snapshot made by `freezeCounts`, shape [types · blocks]. */
export function expectations(world: World, { model }: BaselineSnapshot): Float64Array {
  const positions = new Map(model.columns.map((column, i) => [column[0]!, i + 1]));
  const means = new Float64Array(TYPES * HOUR_BLOCKS);
  for (const [type, { slices }] of world.types.entries()) {
    const active = slices.flatMap((name) => positions.get(name) ?? []);
    for (let block = 0; block < HOUR_BLOCKS; block++) {
      means[type * HOUR_BLOCKS + block] = baselineMean(
        model.beta,
        model.hourBlocks ? [...active, 1 + model.columns.length + block] : active,
      );
    }
  }
  return means;
}
