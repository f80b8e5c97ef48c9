/** Counts kills and the largest memory, by process. */
export interface Kills {
  readonly total: number;
  readonly sigkill: number;
  readonly sigterm: number;
  /** Of the total: before the process served. */
  readonly while_starting: number;
}

export class Tally {
  readonly #kills = new Map<
    string,
    { total: number; sigkill: number; sigterm: number; while_starting: number }
  >();
  readonly #memoryMb = new Map<string, number>();

  kill(name: string, signal: "SIGKILL" | "SIGTERM", phase: "starting" | "serving"): void {
    const kills = this.#kills.get(name) ?? { total: 0, sigkill: 0, sigterm: 0, while_starting: 0 };
    this.#kills.set(name, kills);
    kills.total += 1;
    if (signal === "SIGKILL") kills.sigkill += 1;
    else kills.sigterm += 1;
    if (phase === "starting") kills.while_starting += 1;
  }

  memory(name: string, megabytes: number): void {
    this.#memoryMb.set(name, Math.max(this.#memoryMb.get(name) ?? 0, megabytes));
  }

  memoryMb(name: string): number {
    return this.#memoryMb.get(name) ?? 0;
  }

  killsOf(name: string): number {
    return this.#kills.get(name)?.total ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const kills of this.#kills.values()) total += kills.total;
    return total;
  }

  get byProcess(): Readonly<Record<string, Kills & { readonly memory_mb_max: number }>> {
    return Object.fromEntries(
      [...this.#kills].map(([name, kills]) => [name, { ...kills, memory_mb_max: this.memoryMb(name) }]),
    );
  }
}
