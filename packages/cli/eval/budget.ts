/** The money of one run: a request is made only when its worst case still fits. */
export interface Budget {
  /** US dollars of answers whose price is known. */
  readonly spentUsd: number;
  /** Answers whose cost is not known, by who gave them. They are in no sum of dollars. */
  readonly unpriced: ReadonlyMap<string, number>;
  /** A request was not made because it did not fit. */
  readonly isExhausted: boolean;
  /**
   * Sets the worst case of a request aside; waits for requests in flight when only their worst cases stand in the way.
   *
   * @returns false when it cannot fit; then nothing is set aside
   */
  reserve(usd: number): Promise<boolean>;
  /**
   * @param actual 0 when no answer came; null when one came whose cost is unknown
   * @param who gave the answer
   */
  settle(reserved: number, actual: number | null, who: string): void;
}

export function createBudget(maxUsd: number): Budget {
  const unpriced = new Map<string, number>();
  let spent = 0;
  let reserved = 0;
  let inFlight = 0;
  let isExhausted = false;
  let waiting: (() => void)[] = [];
  return {
    unpriced,
    get spentUsd() {
      return spent;
    },
    get isExhausted() {
      return isExhausted;
    },
    async reserve(usd) {
      while (!isExhausted && inFlight > 0 && spent + usd <= maxUsd && spent + reserved + usd > maxUsd) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      // What is free always fits: a judge without a price finishes what was paid for.
      if (usd > 0 && (isExhausted || spent + usd > maxUsd)) {
        isExhausted = true;
        return false;
      }
      inFlight += 1;
      reserved += usd;
      return true;
    },
    settle(usd, actual, who) {
      inFlight -= 1;
      // A sum of floats that went up and down is not exactly zero.
      reserved = inFlight === 0 ? 0 : reserved - usd;
      spent += actual ?? 0;
      if (actual === null) unpriced.set(who, (unpriced.get(who) ?? 0) + 1);
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
  };
}
