/**
 * A set of word hashes that is emptied in constant time, so that one set serves every call of a process.
 * It holds at most half of its capacity; beyond that `add` remembers nothing and answers "seen".
 */
export class WordSet {
  /** Pairs of hash and round: both lie in one cache line. A slot is in use when it carries the current round. */
  private readonly slots: Uint32Array;
  private readonly mask: number;
  private round = 0;
  private count = 0;

  /** @param capacity a power of two */
  constructor(capacity: number) {
    this.slots = new Uint32Array(capacity * 2);
    this.mask = capacity * 2 - 1;
    this.clear();
  }

  get size(): number {
    return this.count;
  }

  clear(): void {
    this.count = 0;
    this.round++;
    if (this.round === 0xffff_ffff) {
      this.slots.fill(0);
      this.round = 1;
    }
  }

  /** True when `hash` was not in the set. */
  add(hash: number): boolean {
    const { slots, mask, round } = this;
    let at = ((hash ^ (hash >>> 15)) << 1) & mask;
    while (slots[at + 1] === round) {
      if (slots[at] === hash) return false;
      at = (at + 2) & mask;
    }
    if (this.count * 4 > mask) return false;
    slots[at] = hash;
    slots[at + 1] = round;
    this.count++;
    return true;
  }

  has(hash: number): boolean {
    const { slots, mask, round } = this;
    let at = ((hash ^ (hash >>> 15)) << 1) & mask;
    while (slots[at + 1] === round) {
      if (slots[at] === hash) return true;
      at = (at + 2) & mask;
    }
    return false;
  }
}
