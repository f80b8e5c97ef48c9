import { inputFingerprint } from "@plumbline/features";

/** Inputs chosen today that are remembered, over all use cases. */
const INPUTS_MAX = 100_000;

/** Which inputs were chosen today: copies of one text are one unit of evidence, whatever their white space and case. */
export class InputsOfDay {
  #day = "";
  #inputs = new Set<string>();

  /** Whether the same input of the version was chosen on the call's day before; if not, it is now. */
  wasChosen({
    use_case,
    prompt_version,
    input,
    started_at,
  }: {
    readonly use_case: string;
    readonly prompt_version: string;
    readonly input: string | null;
    /** ISO 8601 UTC. */
    readonly started_at: string;
  }): boolean {
    if (input === null) return false;
    const day = started_at.slice(0, 10);
    // Days come in order but for latecomers; those are compared with the day at hand, which errs towards choosing.
    if (day > this.#day || this.#inputs.size >= INPUTS_MAX) {
      this.#day = day > this.#day ? day : this.#day;
      this.#inputs = new Set();
    }
    const fingerprint = inputFingerprint(`${day}/${use_case}/${prompt_version}`, input);
    if (this.#inputs.has(fingerprint)) return true;
    this.#inputs.add(fingerprint);
    return false;
  }
}
