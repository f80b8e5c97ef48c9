/**
 * A first-in, first-out queue bounded in items and bytes, that gives up its oldest items when full: in an
 * incident the newest data is what people need.
 *
 * *Taken* items are in flight. They count against the bounds and are never dropped; they end by `settle`, or go
 * back to the front by `putBack`. Every operation is O(1) per item: a stalled receiver must not slow `push`.
 */
export class BoundedQueue<Item extends { readonly bytes: number }> {
  readonly #slots: (Item | undefined)[];
  readonly #bytesMax: number;
  #head = 0;
  #size = 0;
  #taken = 0;
  #bytes = 0;

  constructor(itemsMax: number, bytesMax: number) {
    this.#slots = Array.from({ length: itemsMax });
    this.#bytesMax = bytesMax;
  }

  /** Items waiting. */
  get size(): number {
    return this.#size;
  }

  /** Items waiting or in flight. */
  get pending(): number {
    return this.#size + this.#taken;
  }

  /** Bytes waiting or in flight, as estimated by the items. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an item and returns how many were dropped for it. An item over the byte bound is kept when it is alone. */
  push(item: Item): number {
    let dropped = 0;
    while (
      this.#size > 0 &&
      (this.pending >= this.#slots.length || this.#bytes + item.bytes > this.#bytesMax)
    ) {
      this.#bytes -= this.#removeFirst().bytes;
      dropped++;
    }
    // Everything else is in flight, and fills the queue alone.
    if (this.pending >= this.#slots.length) return dropped + 1;
    this.#slots[(this.#head + this.#size) % this.#slots.length] = item;
    this.#size++;
    this.#bytes += item.bytes;
    return dropped;
  }

  take(): Item | undefined {
    if (this.#size === 0) return undefined;
    this.#taken++;
    return this.#removeFirst();
  }

  /** Returns taken items to the front, in their order. */
  putBack(items: readonly Item[]): void {
    for (const item of items.toReversed()) {
      this.#head = (this.#head - 1 + this.#slots.length) % this.#slots.length;
      this.#slots[this.#head] = item;
      this.#size++;
      this.#taken--;
    }
  }

  /** Ends taken items. */
  settle(items: readonly Item[]): void {
    for (const item of items) this.#bytes -= item.bytes;
    this.#taken -= items.length;
  }

  #removeFirst(): Item {
    const item = this.#slots[this.#head]!;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#slots.length;
    this.#size--;
    return item;
  }
}
