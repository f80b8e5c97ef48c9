/** Whose calls the repeats of a batch are, until the batch is noted. A batch that is prepared twice counts once. */

interface RepeatsOfApp {
  readonly tenant: string;
  readonly app: string;
  readonly duplicates: number;
}

export class RepeatBook {
  /** By partition and offset, in the order of offsets. */
  readonly #repeats = new Map<number, Map<number, { readonly tenant: string; readonly app: string }>>();

  note(
    { partition, offset }: { readonly partition: number; readonly offset: number },
    sender: { readonly tenant: string; readonly app: string },
  ): void {
    const known = this.#repeats.get(partition) ?? new Map<number, { tenant: string; app: string }>();
    this.#repeats.set(partition, known.set(offset, sender));
  }

  /** Counts the repeats of a finished range by sender, and forgets them and all before them. */
  take(range: {
    readonly log_partition: number;
    readonly from_offset: number;
    readonly to_offset: number;
  }): readonly RepeatsOfApp[] {
    const known = this.#repeats.get(range.log_partition);
    const counts = new Map<string, { tenant: string; app: string; duplicates: number }>();
    for (const [offset, { tenant, app }] of known ?? []) {
      if (offset > range.to_offset) continue;
      known?.delete(offset);
      if (offset < range.from_offset) continue;
      const key = JSON.stringify([tenant, app]);
      counts.set(key, { tenant, app, duplicates: (counts.get(key)?.duplicates ?? 0) + 1 });
    }
    return [...counts.values()];
  }
}
