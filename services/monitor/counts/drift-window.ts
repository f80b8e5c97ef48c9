/** A window of a use case: its counts, and its width. Pure. */
import { type Histogram, addHistogram, rowsOf } from "./log-bins.ts";
import type { LocalHours } from "./local-hours.ts";
import { ALL, CELL_PREFIX, type VersionHour } from "./version-memory.ts";

export type WidthHours = 1 | 6 | 24;

/** Where a window lies in time. */
export interface WindowPlace {
  /** Milliseconds since the epoch. */
  readonly start: number;
  /** Exclusive. An hour less or more after it than the width says where the clock was changed. */
  readonly end: number;
  /** What the clock of the use case shows at the start, ms; aligned to the width. */
  readonly shownStart: number;
  readonly widthHours: WidthHours;
}

/**
 * Counts of one window; histograms are on the grid of `log-bins.ts`. A call whose text was not captured has no
 * features, and is in none of them: that texts are captured or not is no property of the texts.
 */
export interface DriftWindow extends WindowPlace {
  readonly calls: number;
  /** Calls whose input is known. */
  readonly described: number;
  /** The version with the most calls. */
  readonly version: string;
  readonly inputs: ReadonlyMap<string, Histogram>;
  /** Calls per slice. */
  readonly slices: ReadonlyMap<string, number>;
  /** Histograms of the calls of `version` only. */
  readonly outputs: ReadonlyMap<string, Histogram>;
}

const WIDTH_ROWS_MEDIAN = 500;

/**
 * The shortest of 1, 6 and 24 hours whose median window has at least 500 calls; 24 when none has.
 *
 * @param hourlyCalls calls per hour of the last four weeks, in order, zeros included
 */
export function chooseWidth(hourlyCalls: readonly number[]): WidthHours {
  for (const width of [1, 6] as const) {
    const sums: number[] = [];
    for (let i = 0; i + width <= hourlyCalls.length; i += width) {
      sums.push(hourlyCalls.slice(i, i + width).reduce((sum, calls) => sum + calls, 0));
    }
    sums.sort((a, b) => a - b);
    if ((sums[Math.floor(sums.length / 2)] ?? 0) >= WIDTH_ROWS_MEDIAN) return width;
  }
  return 24;
}

/** Hours summed into the window of a use case that is still open. Pure. */

type Histograms = Map<string, Map<number, number>>;

export class OpenWindow {
  readonly #start: number;
  readonly #end: number;
  readonly #shownStart: number;
  readonly #widthHours: WidthHours;
  #calls = 0;
  readonly #inputs: Histograms = new Map();
  readonly #slices = new Map<string, number>();
  readonly #versions = new Map<string, { calls: number; readonly outputs: Histograms }>();

  /** @param hour ms since the epoch, anywhere in the window */
  constructor(hour: number, widthHours: WidthHours, clock: LocalHours) {
    const { start, end } = clock.windowOf(hour, widthHours);
    this.#start = start;
    this.#end = end;
    this.#shownStart = clock.shownAt(this.#start);
    this.#widthHours = widthHours;
  }

  /** End of the window, ms since the epoch; exclusive. */
  get end(): number {
    return this.#end;
  }

  /** @param inputs input features over all versions, without the missing */
  addHour(
    versions: readonly VersionHour[],
    inputs: ReadonlyMap<string, ReadonlyMap<number, number>>,
    calls: number,
  ): void {
    this.#calls += calls;
    for (const [feature, histogram] of inputs) {
      if (!this.#inputs.has(feature)) this.#inputs.set(feature, new Map());
      addHistogram(this.#inputs.get(feature)!, histogram);
    }
    for (const version of versions) this.#addVersion(version);
  }

  #addVersion(version: VersionHour): void {
    for (const [slice, n] of version.calls) {
      if (slice !== ALL && !slice.startsWith(CELL_PREFIX))
        this.#slices.set(slice, (this.#slices.get(slice) ?? 0) + n);
    }
    const own = this.#versions.get(version.version) ?? { calls: 0, outputs: new Map() };
    this.#versions.set(version.version, own);
    own.calls += version.calls.get(ALL) ?? 0;
    for (const [feature, histogram] of version.features.get(ALL) ?? []) {
      if (!own.outputs.has(feature)) own.outputs.set(feature, new Map());
      addHistogram(own.outputs.get(feature)!, histogram);
    }
  }

  /** The window as it is decided; nothing is added to it afterwards. */
  close(): DriftWindow {
    const [main] = [...this.#versions].sort((a, b) => b[1].calls - a[1].calls || (a[0] < b[0] ? -1 : 1));
    return {
      start: this.#start,
      end: this.#end,
      shownStart: this.#shownStart,
      widthHours: this.#widthHours,
      calls: this.#calls,
      described: Math.max(0, ...[...this.#inputs.values()].map(rowsOf)),
      version: main?.[0] ?? "",
      inputs: this.#inputs,
      slices: this.#slices,
      outputs: main?.[1].outputs ?? new Map(),
    };
  }
}
