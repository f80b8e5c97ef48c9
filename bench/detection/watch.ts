import {
  type BaselineSnapshot,
  type DetectorReading,
  type HourEvidence,
  addDropFactors,
  addEvidence,
  evidenceOfHour,
  foldHours,
  nullMean,
  prepareSnapshot,
} from "@plumbline/stats";
import { HOUR_BLOCKS, hourBlock } from "../../packages/stats/sequential/hour-block.ts";
import { expectations, unitsOf } from "./reference.ts";
import { type Code, JUDGED_RATE, type World } from "./world.ts";

/** Units judged in one quarter of an hour, all at one rate. */
export interface Quarter {
  readonly hour: number;
  readonly codes: readonly Code[];
  readonly rate?: number;
}

export interface WatchOptions {
  /** W after a deploy, 1 otherwise. */
  readonly startWeight: number;
  /** How often each verdict is repeated. */
  readonly copies?: number;
}

/**
 * The detector of `foldHours` looked at every quarter of an hour, cheap enough for centuries of quiet
 * traffic: factors are cached by input type and multiplied, S ← (S + a) Π exp(g), where the product
 * recomputes every hour from its rows. `confirm` holds each alarm against the product's own reading.
 */
export class Watch {
  readonly snapshot: BaselineSnapshot;
  units = 0;
  readonly #world: World;
  readonly #options: Required<WatchOptions>;
  readonly #bets: number;
  readonly #states: Float64Array;
  readonly #weights: Float64Array;
  /** Streams of each type, positions in the snapshot; stream 0 first. */
  readonly #streams: readonly Int32Array[];
  readonly #means: Float64Array;
  /** Shape [types · blocks]: factors of a failed verdict, [streams of the type · bets]. */
  readonly #failFactors: (Float64Array | undefined)[] = [];
  /** Shape [bets]: log-factor of a passed verdict. */
  readonly #passLog: Float64Array;
  readonly #passes: Float64Array;
  #hour = Number.NaN;

  constructor(world: World, snapshot: BaselineSnapshot, options: WatchOptions) {
    this.snapshot = snapshot;
    this.#world = world;
    this.#options = { copies: 1, ...options };
    this.#bets = snapshot.drops.length;
    this.#states = new Float64Array(snapshot.streams.length * this.#bets);
    this.#weights = Float64Array.from(snapshot.streams, (stream) => stream.weight / this.#bets);
    const positions = new Map(snapshot.streams.map((stream, k) => [stream.name, k]));
    this.#streams = world.types.map(({ slices }) =>
      Int32Array.from([0, ...slices.flatMap((name) => positions.get(name) ?? [])]),
    );
    this.#means = expectations(world, snapshot);
    // With equal weights a pass counts the same whatever the baseline expects.
    this.#passLog = Float64Array.from(snapshot.drops, (f) => snapshot.eta * Math.log(f));
    this.#passes = new Float64Array(snapshot.streams.length);
  }

  /** Takes in a quarter; true when M ≥ C. Quarters of an hour come one after the other. */
  step({ hour, codes }: Quarter): boolean {
    const bets = this.#bets;
    const { copies, startWeight } = this.#options;
    const states = this.#states;
    if (hour !== this.#hour) {
      const start = Number.isNaN(this.#hour) ? startWeight : hour - this.#hour;
      if (start !== startWeight && start !== 1)
        throw new Error(`hours between ${this.#hour} and ${hour} are missing`);
      for (let i = 0; i < states.length; i++) states[i]! += start;
      this.#hour = hour;
    }
    this.units += codes.length * copies;
    const block = hourBlock(hour);
    const passes = this.#passes.fill(0);
    for (const code of codes) {
      const streams = this.#streams[code >> 1]!;
      if ((code & 1) === 1) {
        for (let s = 0; s < streams.length; s++) passes[streams[s]!]! += copies;
        continue;
      }
      const factors = this.#failFactorsOf(code >> 1, block);
      for (let s = 0; s < streams.length; s++) {
        const offset = streams[s]! * bets;
        for (let j = 0; j < bets; j++) states[offset + j]! *= factors[s * bets + j]!;
      }
    }
    let average = 0;
    for (let k = 0; k < passes.length; k++) {
      let sum = 0;
      for (let j = 0; j < bets; j++) {
        if (passes[k]! > 0) states[k * bets + j]! *= Math.exp(this.#passLog[j]! * passes[k]!);
        sum += states[k * bets + j]!;
      }
      average += this.#weights[k]! * sum;
    }
    return average >= this.snapshot.threshold;
  }

  /** A watch that begins anew with start weight 1, as after an alarm that a human has handled. */
  restarted(): Watch {
    return new Watch(this.#world, this.snapshot, { ...this.#options, startWeight: 1 });
  }

  #failFactorsOf(type: number, block: number): Float64Array {
    const key = type * HOUR_BLOCKS + block;
    const known = this.#failFactors[key];
    if (known) return known;
    const { drops, eta, streams } = this.snapshot;
    const own = this.#streams[type]!;
    const factors = new Float64Array(own.length * this.#bets);
    for (const [s, k] of own.entries()) {
      addDropFactors(
        factors,
        s * this.#bets,
        0,
        nullMean(this.#means[key]!, streams[k]!.margin),
        1,
        eta,
        drops,
      );
    }
    for (let i = 0; i < factors.length; i++) factors[i] = Math.exp(factors[i]! * this.#options.copies);
    this.#failFactors[key] = factors;
    return factors;
  }

  /**
   * The product's reading of the quarters taken in since the start, the last of which alarmed.
   *
   * @throws Error unless `foldHours` alarms in the last quarter and not before it
   */
  confirm(quarters: readonly Quarter[]): DetectorReading {
    const reading = readAsProduct(this.#world, this.snapshot, quarters, this.#options);
    const before = readAsProduct(this.#world, this.snapshot, quarters.slice(0, -1), this.#options);
    if (!reading.alarm || reading.alarm.hour !== quarters.at(-1)!.hour || before?.alarm) {
      throw new Error(`foldHours and the bench disagree: log M = ${reading.logM}, before ${before?.logM}`);
    }
    if (reading.alarm.units !== this.units) {
      throw new Error(`${this.units} units went in, ${reading.alarm.units} were folded`);
    }
    return reading;
  }
}

/** Quarters to hours of evidence to a reading, by the functions that the monitor calls. */
function readAsProduct(
  world: World,
  snapshot: BaselineSnapshot,
  quarters: readonly Quarter[],
  options: WatchOptions,
): DetectorReading {
  const prepared = prepareSnapshot(snapshot);
  const { startWeight, copies = 1 } = options;
  const hours = new Map<number, HourEvidence>();
  for (const { hour, codes, rate = JUDGED_RATE } of quarters) {
    // A rate is in force for a whole quarter, so within it every unit has weight 1.
    const evidence = evidenceOfHour(prepared, hour, unitsOf(world, hour, codes, { rate, copies }), rate);
    const known = hours.get(hour);
    hours.set(hour, known ? addEvidence(known, evidence) : evidence);
  }
  const fromHour = quarters[0]?.hour ?? 0;
  return foldHours(prepared, {
    fromHour,
    throughHour: quarters.at(-1)?.hour ?? fromHour,
    startWeight,
    hours: [...hours.values()],
  });
}
