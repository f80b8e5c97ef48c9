/**
 * Calls of the last `size` offsets of one partition. An emitter that sends again puts one call at two offsets, which no
 * offset arithmetic can see. A call is one tenant's id: another tenant may have the same one.
 *
 * The window is defined on offsets and warmed from what is stored, so that a replay decides as the first run did.
 */
export class DuplicateWindow {
  readonly #size: number;
  readonly #offsets = new Map<string, number>();

  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Notes a call at `offset`; true when it already stood at one of the previous `size` offsets.
   *
   * @param refused offset at which the store refused the call, when it was redriven from there: it stands there and is
   *   not stored
   */
  isRepeated(tenant: string, callId: string, offset: number, refused: number | null = null): boolean {
    // The store writes UUIDs in lower case; emitters may not.
    const key = `${callId.toLowerCase()}/${tenant}`;
    const earlier = this.#offsets.get(key);
    if (earlier !== undefined && earlier !== refused && earlier < offset && offset - earlier <= this.#size)
      return true;
    // Deleted first, so that it moves to the end.
    this.#offsets.delete(key);
    this.#offsets.set(key, offset);
    if (this.#offsets.size > 2 * this.#size) this.#forget(offset - this.#size);
    return false;
  }

  /** Ids are noted in rising order of offset, so the oldest stand first. */
  #forget(before: number): void {
    for (const [key, offset] of this.#offsets) {
      if (offset >= before) return;
      this.#offsets.delete(key);
    }
  }
}
