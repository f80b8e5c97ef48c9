/** Hours summed into the window of a use case that is still open. Pure. */
import { HOUR_MS } from "@plumbline/schemas";
import { type DriftWindow, type WidthHours } from "./drift-window.ts";
import { addHistogram, MISSING_BIN, rowsOf } from "./log-bins.ts";
import { ALL, CELL_PREFIX, withMissing, type VersionHour } from "./version-memory.ts";

type Histograms = Map<string, Map<number, number>>;

export class OpenWindow {
  readonly #start: number;
  readonly #widthHours: WidthHours;
  #calls = 0;
  readonly #inputs: Histograms = new Map();
  readonly #slices = new Map<string, number>();
  readonly #versions = new Map<string, { calls: number; readonly outputs: Histograms }>();

  /** @param hour ms since the epoch, anywhere in the window */
  constructor(hour: number, widthHours: WidthHours) {
    const widthMs = widthHours * HOUR_MS;
    this.#start = Math.floor(hour / widthMs) * widthMs;
    this.#widthHours = widthHours;
  }

  /** Where it ends, ms since the epoch; exclusive. */
  get end(): number {
    return this.#start + this.#widthHours * HOUR_MS;
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
    for (const feature of version.features.get(ALL)?.keys() ?? []) {
      if (!own.outputs.has(feature)) own.outputs.set(feature, new Map());
      addHistogram(own.outputs.get(feature)!, withMissing(version, ALL, feature));
    }
  }

  /** The window as it is decided; nothing is added to it afterwards. */
  close(): DriftWindow {
    for (const histogram of this.#inputs.values()) {
      const missing = this.#calls - rowsOf(histogram);
      if (missing > 0) histogram.set(MISSING_BIN, missing);
    }
    const [main] = [...this.#versions].sort((a, b) => b[1].calls - a[1].calls || (a[0] < b[0] ? -1 : 1));
    return {
      start: this.#start,
      widthHours: this.#widthHours,
      calls: this.#calls,
      version: main?.[0] ?? "",
      inputs: this.#inputs,
      slices: this.#slices,
      outputs: main?.[1].outputs ?? new Map(),
    };
  }
}
