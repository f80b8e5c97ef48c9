/**
 * Call ids of the last `size` offsets of one partition. An emitter that sends again puts one call at two
 * offsets, which no offset arithmetic can see.
 *
 * The window is defined on offsets and warmed from the log, so that a replay decides as the first run did.
 */
export class DuplicateWindow {
  readonly #size: number;
  readonly #offsets = new Map<string, number>();

  constructor(size: number) {
    this.#size = size;
  }

  /** Notes `callId` at `offset`; true when it already stood at one of the previous `size` offsets. */
  isRepeated(callId: string, offset: number): boolean {
    const earlier = this.#offsets.get(callId);
    if (earlier !== undefined && earlier < offset && offset - earlier <= this.#size) return true;
    this.#offsets.set(callId, offset);
    if (this.#offsets.size > 2 * this.#size) this.#forget(offset - this.#size);
    return false;
  }

  /** Ids are noted in rising order of offset, so the oldest stand first. */
  #forget(before: number): void {
    for (const [callId, offset] of this.#offsets) {
      if (offset >= before) return;
      this.#offsets.delete(callId);
    }
  }
}
