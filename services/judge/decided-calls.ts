/**
 * Which calls have their verdict already, although the store may not show it yet: verdicts take the way through
 * the log and the writer. Bounded; the oldest are forgotten first.
 */
export class DecidedCalls {
  readonly #max: number;
  readonly #keys = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  add(call_id: string, rubric_hash: string): void {
    this.#keys.add(keyOf(call_id, rubric_hash));
    if (this.#keys.size <= this.#max) return;
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest);
      break;
    }
  }

  has(call_id: string, rubric_hash: string): boolean {
    return this.#keys.has(keyOf(call_id, rubric_hash));
  }
}

// Twelve hex digits tell rubrics apart; ids are compared without case, as the store does.
function keyOf(call_id: string, rubric_hash: string): string {
  return `${rubric_hash.slice(-12)}:${call_id.toLowerCase()}`;
}
