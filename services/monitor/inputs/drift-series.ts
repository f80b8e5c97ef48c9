/**
 * Drift of one use case, window by window: which features of the inputs (and, while no deploy is near, of the outputs)
 * moved away from the same time of the week before. Pure: fold windows in order, the same windows give the same flags.
 *
 * Numbers and slices (`count-drift.ts`) and texts (`text-drift.ts`) gather evidence apart and are decided together
 * (`feature-levels.ts`).
 */
import type { TextDocument } from "@plumbline/stats";
import type { DriftDecision } from "./drift-decision.ts";
import type { DriftWindow } from "../counts/drift-window.ts";
import { FeatureLevels } from "./feature-levels.ts";
import { TextDrift, type DatedText } from "./text-drift.ts";
import { CountDrift } from "./count-drift.ts";

export class DriftSeries {
  readonly #levels = new FeatureLevels();
  readonly #counts = new CountDrift(this.#levels);
  readonly #texts = new TextDrift(this.#levels);

  /** Decides a closed window against what came before, then keeps it as a reference of later ones. */
  closeWindow(window: DriftWindow): DriftDecision {
    this.#begin(window.start);
    return this.#levels.decide(this.#counts.close(window));
  }

  /** Days whose texts a text window starting at `day` is compared with, ascending. */
  textReferenceDays(day: number): readonly number[] {
    return this.#texts.referenceDays(day);
  }

  /** Decides a day of texts against those of its reference days. */
  closeTextDay(
    day: number,
    current: readonly TextDocument[],
    reference: readonly DatedText[],
  ): DriftDecision {
    this.#begin(day);
    return this.#levels.decide(this.#texts.close(day, current, reference));
  }

  #begin(start: number): void {
    this.#levels.begin(start);
    this.#texts.begin(start);
  }
}
