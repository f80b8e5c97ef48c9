/**
 * The evidence of drift of each feature of a use case, and the features that are flagged: Shiryaev–Roberts
 * by feature, e-BH over all of them. Pure: fold windows in order.
 *
 * A feature's suspicious windows (level ≥ 20, far below a flag) are left out of its own later references, so drift
 * cannot hide by becoming its own reference. When they leave no reference, four weeks of the new mix have become the
 * mix: the feature starts anew, and its flag ends.
 */
import { driftFlags, driftStep } from "@plumbline/stats";
import { compareBins } from "../counts/compare-bins.ts";
import type { DriftDecision, FeatureResult } from "./drift-decision.ts";
import type { WindowPlace } from "../counts/drift-window.ts";
import { sampleOf } from "../counts/log-bins.ts";
import {
  MEMORY_MS,
  REFERENCE_ROWS_MIN,
  seasonReference,
  seasonTolerance,
  summed,
  WINDOW_ROWS_MIN,
  type PastCounts,
} from "../counts/season-reference.ts";

const SUSPICIOUS_LEVEL = 20;
/** A level is held at this multiple of what flags alone, so that a flag ends about a week after its drift. */
const LEVEL_CAP_FACTOR = 10;

interface FeatureState {
  level: number;
  /** Windows in which chance may raise one flag. */
  readonly patience: number;
  /** Starts of the windows that are left out of references, ms. */
  readonly suspicious: Set<number>;
  last: FeatureResult | null;
}

/** The numbers of every comparison of counts. */
type Measured = Pick<
  FeatureResult,
  | "method"
  | "windowStart"
  | "windowEnd"
  | "referenceStart"
  | "referenceEnd"
  | "referenceRows"
  | "currentRows"
  | "pValue"
  | "level"
  | "size"
  | "interval"
  | "tau"
  | "comparison"
  | "text"
>;

/** A window against its reference, and the windows that made it. */
interface Compared<Past> {
  readonly measured: Measured;
  readonly reference: number[];
  readonly used: readonly Past[];
}

export class FeatureLevels {
  readonly #features = new Map<string, FeatureState>();
  #firstStart: number | null = null;

  /** A window or day begins: forgets what lies too far back to be a reference. */
  begin(start: number): void {
    this.#firstStart = Math.min(this.#firstStart ?? start, start);
    for (const { suspicious } of this.#features.values()) {
      for (const each of suspicious) if (each < start - MEMORY_MS) suspicious.delete(each);
    }
  }

  /** A feature's state; made when it is new or its windows have another width. */
  state(feature: string, patience: number): FeatureState {
    const known = this.#features.get(feature);
    if (known !== undefined && known.patience === patience) return known;
    const state: FeatureState = { level: 0, patience, suspicious: new Set(), last: null };
    this.#features.set(feature, state);
    return state;
  }

  suspiciousOf(feature: string): ReadonlySet<number> {
    return this.#features.get(feature)?.suspicious ?? new Set();
  }

  /** isSuspicious returns true when one of the features meant has begun to move. */
  isSuspicious(isMeant: (feature: string) => boolean): boolean {
    return [...this.#features].some(([name, { level }]) => isMeant(name) && level >= SUSPICIOUS_LEVEL);
  }

  /** Drops the features that are meant, with their evidence. */
  drop(isMeant: (feature: string) => boolean): void {
    for (const name of this.#features.keys()) if (isMeant(name)) this.#features.delete(name);
  }

  /** Reference, tolerance, test and detector step; null when there is no reference. */
  compare<Past extends PastCounts>(
    state: FeatureState,
    { start, end, shownStart, widthHours }: WindowPlace,
    past: readonly Past[],
    current: readonly number[],
  ): Compared<Past> | null {
    const isMature = start - (this.#firstStart ?? start) >= MEMORY_MS;
    const used = seasonReference(shownStart, widthHours, past, isMature);
    const reference = summed(used, current.length);
    const { referenceRows, currentRows } = sampleOf(reference, current);
    if (referenceRows < REFERENCE_ROWS_MIN) {
      if (state.suspicious.size > 0) {
        state.suspicious.clear();
        state.level = 0;
      }
      return null;
    }
    if (currentRows < WINDOW_ROWS_MIN) return null;
    const tolerance = seasonTolerance(widthHours, past, current.length, isMature);
    const comparison = compareBins(reference, current, tolerance);
    this.step(state, start, comparison.eValue);
    const measured: Measured = {
      method: "psi",
      windowStart: start,
      windowEnd: end,
      referenceStart: used[0]!.start,
      referenceEnd: used.at(-1)!.end,
      referenceRows,
      currentRows,
      pValue: comparison.pValue,
      level: state.level,
      size: comparison.psi,
      interval: comparison.interval,
      tau: comparison.tau,
      comparison,
      text: null,
    };
    return { measured, reference, used };
  }

  step(state: FeatureState, start: number, eValue: number): void {
    const cap = LEVEL_CAP_FACTOR * state.patience * Math.max(1, this.#features.size);
    state.level = Math.min(driftStep(state.level, eValue), cap);
    if (state.level >= SUSPICIOUS_LEVEL) state.suspicious.add(start);
  }

  /** @param results of the window or day that closed */
  decide(results: readonly FeatureResult[]): DriftDecision {
    const states = [...this.#features.values()];
    const flags = driftFlags(
      states.map(({ level, patience }) => level / patience),
      1,
    );
    const flagged = flags.flatMap((index) => states[index]!.last ?? []);
    const strength = (result: FeatureResult): number => result.interval[0] / Math.max(result.tau, 1e-9);
    return {
      results,
      flagged: flagged.sort((a, b) => strength(b) - strength(a)),
      isInputMoving: states.some(({ level, last }) => last?.side === "input" && level >= SUSPICIOUS_LEVEL),
      features: states.length,
    };
  }
}
