import type { ReferenceCounts } from "./reference.ts";
import { type Code, PREDICATES, type World } from "./world.ts";

/** Rules that other tools use, by name. */
export const RIVALS = ["daily_z_test", "daily_z_test_slices", "weekly_t_test", "ten_percent_rule"] as const;
export type Rival = (typeof RIVALS)[number];

/** Φ⁻¹(0.95): one-sided tests at 5%. A week holds over a thousand units, where t and normal are one. */
const CRITICAL = 1.645;
const DAYS_PER_WEEK = 7;

/**
 * What simpler rules say of the same stream, a day at a time. Days and weeks begin with the deploy,
 * which is generous.
 *
 * - daily z-test: today's mean below the reference's, p < 0.05; the same on everything and 40 slices
 * - weekly t-test: the mean of seven days below the reference's, p < 0.05
 * - ten percent rule: today's mean below 90% of the reference's (the default band of drift suites)
 */
export class RivalWatch {
  /** Alarms since the start. */
  readonly alarms: Record<Rival, number> = {
    daily_z_test: 0,
    daily_z_test_slices: 0,
    weekly_t_test: 0,
    ten_percent_rule: 0,
  };
  /** Day after the start at whose end the rule first alarmed; 0 as long as it has not. */
  readonly firstDay: Record<Rival, number> = { ...this.alarms };
  readonly #world: World;
  readonly #reference: { readonly n: Float64Array; readonly passes: Float64Array };
  readonly #n = new Float64Array(PREDICATES.length + 1);
  readonly #passes = new Float64Array(PREDICATES.length + 1);
  #weekN = 0;
  #weekPasses = 0;
  #day = 0;

  constructor(world: World, reference: ReferenceCounts) {
    this.#world = world;
    this.#reference = reference.streams(world);
  }

  add(codes: readonly Code[]): void {
    for (const code of codes) {
      const x = code & 1;
      this.#n[0]! += 1;
      this.#passes[0]! += x;
      const { columns } = this.#world.types[code >> 1]!;
      for (let i = 0; i < columns.length; i++) {
        this.#n[columns[i]!]! += 1;
        this.#passes[columns[i]!]! += x;
      }
    }
  }

  endDay(): void {
    this.#day += 1;
    const n = this.#n[0]!;
    const passes = this.#passes[0]!;
    if (this.#isWorse(0, n, passes)) this.#alarm("daily_z_test");
    for (let k = 0; k < this.#n.length; k++) {
      if (this.#isWorse(k, this.#n[k]!, this.#passes[k]!)) this.#alarm("daily_z_test_slices");
    }
    const { n: nBefore, passes: passesBefore } = this.#reference;
    if (n > 0 && passes / n < (0.9 * passesBefore[0]!) / nBefore[0]!) this.#alarm("ten_percent_rule");
    this.#weekN += n;
    this.#weekPasses += passes;
    if (this.#day % DAYS_PER_WEEK === 0) {
      if (this.#isWorse(0, this.#weekN, this.#weekPasses)) this.#alarm("weekly_t_test");
      this.#weekN = 0;
      this.#weekPasses = 0;
    }
    this.#n.fill(0);
    this.#passes.fill(0);
  }

  #alarm(rival: Rival): void {
    this.alarms[rival] += 1;
    if (this.firstDay[rival] === 0) this.firstDay[rival] = this.#day;
  }

  /** Two-sample z-test with the pooled variance, one-sided. */
  #isWorse(stream: number, n: number, passes: number): boolean {
    const nBefore = this.#reference.n[stream]!;
    const passesBefore = this.#reference.passes[stream]!;
    if (n === 0 || nBefore === 0) return false;
    const pooled = (passes + passesBefore) / (n + nBefore);
    const se = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / nBefore));
    return passes / n - passesBefore / nBefore < -CRITICAL * se;
  }
}
