/** Largest share of an hour's rate that one source fills. */
const SHARE_MAX = 0.2;
/** With fewer sources there is no flood: they are the traffic. */
const SOURCES_MIN = 10;
/** A share of fewer calls than this is chance. */
const CALLS_MIN = 50;
/** Sources remembered of an hour; those beyond it are small ones, and are never held back. */
const SOURCES_MAX = 1_000;

interface Hour {
  calls: number;
  readonly bySource: Map<string, number>;
}

/**
 * Whose calls a use case got in this hour and the last one, so that one customer's flood doesn't become the quality of
 * everybody. The excess is skipped by the order of the hash: the threshold shrinks, those below it stay chosen. It looks
 * at who calls and never at how a call went, and is a change of which calls are asked about, not of a weight.
 */
export class SourceShares {
  #hour = "";
  #current: Hour = emptyHour();
  #previous: Hour = emptyHour();

  /**
   * Notes a call. @param source null when nobody said whose it is; such calls are never held back
   * @returns by how much the rate of this source shrinks, in (0,1]
   */
  add(source: string | null, startedAt: string): number {
    const hour = startedAt.slice(0, 13);
    if (hour > this.#hour) {
      this.#hour = hour;
      this.#previous = this.#current;
      this.#current = emptyHour();
    }
    this.#current.calls += 1;
    if (source === null) return 1;
    const { bySource } = this.#current;
    if (bySource.has(source) || bySource.size < SOURCES_MAX)
      bySource.set(source, (bySource.get(source) ?? 0) + 1);
    const sources = Math.max(bySource.size, this.#previous.bySource.size);
    const calls = this.#current.calls + this.#previous.calls;
    if (calls < CALLS_MIN || sources < SOURCES_MIN) return 1;
    const own = (bySource.get(source) ?? 0) + (this.#previous.bySource.get(source) ?? 0);
    return own === 0 ? 1 : Math.min(1, (SHARE_MAX * calls) / own);
  }
}

function emptyHour(): Hour {
  return { calls: 0, bySource: new Map() };
}
