/**
 * What judging may cost. Money is counted per UTC day, judgements per clock hour; free ones count against neither.
 */
import { counted, HOUR_MS, DAY_MS } from "@plumbline/schemas";

interface BudgetLimits {
  readonly usdPerDay: number;
  readonly callsPerHour: number;
  /** The judge costs nothing: whatever another one has spent does not hold it back. */
  readonly isFree?: boolean | undefined;
}

export class Budget {
  readonly #limits: BudgetLimits;
  #day = -1;
  #hour = -1;
  #usd = 0;
  #calls = 0;
  /** Judgements begun and not settled: each is expected to cost what the dearest one so far did. */
  #reserved = 0;
  #dearest = 0;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  get usdToday(): number {
    return this.#usd;
  }

  /** Reserves one judgement, or says in words which limit forbids it. */
  reserve(now: number): string | null {
    this.#turn(now);
    const { usdPerDay, callsPerHour, isFree = false } = this.#limits;
    if (!isFree) {
      // The dearest one is an estimate: the cap is overshot by less than one judgement in flight each.
      if (this.#usd + this.#reserved * this.#dearest >= usdPerDay) {
        return `the budget of ${counted(usdPerDay, "US dollar")} a day is used up`;
      }
      if (this.#calls + this.#reserved >= callsPerHour) {
        return `the budget of ${counted(callsPerHour, "judgement")} an hour is used up`;
      }
    }
    this.#reserved++;
    return null;
  }

  /** @param cost US dollars; null when unknown or when there was no answer */
  settle(cost: number | null, now: number): void {
    this.#reserved = Math.max(0, this.#reserved - 1);
    this.count(cost, now, now);
  }

  /** Counts a judgement that somebody made at `at`, such as this process before a restart. */
  count(cost: number | null, at: number, now: number): void {
    this.#turn(now);
    if (cost === 0) return;
    if (Math.floor(at / DAY_MS) === this.#day) {
      this.#usd += cost ?? 0;
      this.#dearest = Math.max(this.#dearest, cost ?? 0);
    }
    if (Math.floor(at / HOUR_MS) === this.#hour) this.#calls++;
  }

  #turn(now: number): void {
    const day = Math.floor(now / DAY_MS);
    const hour = Math.floor(now / HOUR_MS);
    // A clock that was set back gives no second budget: what was spent counts until the next turn.
    if (day > this.#day) this.#usd = 0;
    if (hour > this.#hour) this.#calls = 0;
    this.#day = day;
    this.#hour = hour;
  }
}
