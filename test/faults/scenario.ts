/** What a scenario is, and what it is given and gives back. */
import { createRandom, type Random } from "@plumbline/stats";
import type { Comparison } from "./oracle/compare.ts";
import { Tally } from "./processes/tally.ts";
import type { Production } from "./processes/production.ts";

export interface Scenario {
  /** Of the list of faults: F1 to F26, comma-separated where one run injects several. */
  readonly faults: string;
  readonly name: string;
  readonly runsOn: "local" | "production";
  /** One sentence for the table. */
  readonly injects: string;
  readonly holds: string;
  /** Short enough, and sure enough on a busy machine, for the tests. */
  readonly isInShortForm: boolean;
  run(run: ScenarioRun): Promise<void>;
}

/** Thrown by a scenario that this machine does not let run; the message says why. */
export class SkipError extends Error {}

/** One run of one scenario: what it draws from, counts and finds. */
export class ScenarioRun {
  readonly random: Random;
  readonly tally = new Tally();
  readonly counts: Record<string, number> = {};
  readonly problems: string[] = [];
  readonly isShort: boolean;
  readonly #production: () => Promise<Production>;

  constructor(options: { seed: number; isShort: boolean; production: () => Promise<Production> }) {
    this.random = createRandom(options.seed);
    this.isShort = options.isShort;
    this.#production = options.production;
  }

  /** The stack that the production scenarios share; started for the first of them. */
  production(): Promise<Production> {
    return this.#production();
  }

  /** The size of the long form, or of the short one. */
  size(long: number, short: number): number {
    return this.isShort ? short : long;
  }

  count(name: string, more: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + more;
  }

  /** Notes what does not hold, and goes on: one finding must not hide the next. */
  require(holds: boolean, what: string): void {
    if (!holds) this.problems.push(what);
  }

  requireEqual(actual: number, expected: number, what: string): void {
    this.require(actual === expected, `${what}: ${actual} instead of ${expected}`);
  }

  /** Adds one comparison of ledger and store to the counts, and requires that nothing is wrong in it. */
  compared(comparison: Comparison): void {
    const { examples, altered, ...counts } = comparison;
    for (const [name, value] of Object.entries(counts)) this.count(name, value);
    if (altered > 0) this.count("altered", altered);
    for (const example of examples) this.problems.push(example);
  }
}
