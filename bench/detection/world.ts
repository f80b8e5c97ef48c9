import { type Random, createRandom } from "@plumbline/stats";

/** Kinds of input the simulated use case knows, all equally frequent unless a topic surges. */
export const TYPES = 400;
export const HOURS_PER_WEEK = 168;
export const QUARTERS_PER_DAY = 96;
/** Share of traffic that is judged. */
export const JUDGED_RATE = 0.05;

const QUALITY = 0.92;
const HETEROGENEITY_SD = 0.45;
const PARTITIONS = { tier: 4, language: 6, topic: 8, length: 8 };
const FLAGS = [1.8, 3, 5, 7, 10, 14, 18, 22, 28, 35, 43, 53, 64];
const MONEY_SHARE = 0.18;
const HARD_TOPIC = "topic=hard";
const HARD_TOPIC_SHARE = 0.085;
const HARD_TOPIC_SURGE_SHARE = 0.23;
const HARD_TOPIC_QUALITY = 0.67;
const DAY_NOISE_SD_LOGIT = 0.08;
const WEEKEND_DIP_LOGIT = -0.1;

/** Names of the 40 slice predicates; the predicate of column k ≥ 1 of a type is `PREDICATES[k − 1]`. */
export const PREDICATES: readonly string[] = [
  "money",
  ...Object.entries(PARTITIONS).flatMap(([name, values]) =>
    Array.from({ length: values }, (_, v) => (name === "topic" && v === 0 ? HARD_TOPIC : `${name}=${v}`)),
  ),
  ...FLAGS.map((percent) => `flag:${percent}%`),
];

interface InputType {
  /** Names of the predicates that hold. */
  readonly slices: readonly string[];
  /** 1-based positions in `PREDICATES`, ascending. */
  readonly columns: Int32Array;
  /** log-odds of a good answer by the healthy version on an ordinary day. */
  readonly logit: number;
}

/**
 * `disturbed` adds what happens in production without any change of a version: noise from day to day, a
 * weekend dip, and a hard topic that triples its share for four weeks.
 */
export type Climate = "quiet" | "disturbed";

export interface World {
  readonly climate: Climate;
  readonly types: readonly InputType[];
  /** Positions of the hard topic's types, and of all others. */
  readonly hard: Uint16Array;
  readonly ordinary: Uint16Array;
}

/** A version that answers differently: the quality of a type, given the healthy one. */
export type Change = (quality: number, slices: readonly string[]) => number;

const unchanged: Change = (quality) => quality;

/** Quality inside a slice falls from 0.92 to `to`, in proportion. */
export function sliceFallsTo(slice: string, to: number): Change {
  return (quality, slices) => (slices.includes(slice) ? (quality * to) / QUALITY : quality);
}

/** Quality falls by the same score points everywhere. */
export function uniformFall(points: number): Change {
  return (quality) => quality - points;
}

export function createWorld(seed: number, climate: Climate): World {
  const random = createRandom(seed);
  const flags = [MONEY_SHARE, ...FLAGS.map((percent) => percent / 100)].map((share) =>
    holders(random, share),
  );
  const hardTypes = holders(random, HARD_TOPIC_SHARE);
  const spread = Array.from({ length: TYPES }, () => HETEROGENEITY_SD * random.normal());
  const centre = centreOf(spread);
  const types = spread.map((deviation, type): InputType => {
    const isHard = hardTypes.has(type);
    const names = flags[0]!.has(type) ? ["money"] : [];
    for (const [name, values] of Object.entries(PARTITIONS)) {
      if (name !== "topic") names.push(`${name}=${random.integer(values)}`);
      else names.push(isHard ? HARD_TOPIC : `${name}=${1 + random.integer(values - 1)}`);
    }
    FLAGS.forEach((percent, f) => {
      if (flags[f + 1]!.has(type)) names.push(`flag:${percent}%`);
    });
    const middle = isHard && climate === "disturbed" ? logitOf(HARD_TOPIC_QUALITY) : centre;
    return {
      slices: names,
      columns: Int32Array.from(names, (name) => 1 + PREDICATES.indexOf(name)).sort(),
      logit: middle + deviation,
    };
  });
  const positions = [...types.keys()];
  return {
    climate,
    types,
    hard: Uint16Array.from(positions.filter((type) => hardTypes.has(type))),
    ordinary: Uint16Array.from(positions.filter((type) => !hardTypes.has(type))),
  };
}

/** Exactly the given share of the types. */
function holders(random: Random, share: number): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < Math.round(TYPES * share)) chosen.add(random.integer(TYPES));
  return chosen;
}

/** The centre at which the mean quality over all types is 0.92, by bisection. */
function centreOf(spread: readonly number[]): number {
  let [low, high] = [0, 6];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    const mean = spread.reduce((sum, deviation) => sum + sigmoid(middle + deviation), 0) / spread.length;
    if (mean < QUALITY) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function logitOf(p: number): number {
  return Math.log(p / (1 - p));
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Hour 0 of the simulated calendar: a Monday, midnight UTC, in whole hours since 1970. */
export const CALENDAR_START = 24 * (7 * 2800 + 4);

/** Relative traffic of an hour, mean 1 over the week: nights a fifth of the peak, weekends 45% of weekdays. */
function trafficShape(hour: number): number {
  const ofWeek = (hour - CALENDAR_START) % HOURS_PER_WEEK;
  const ofDay = 0.6 + 0.4 * Math.cos((2 * Math.PI * ((ofWeek % 24) - 14)) / 24);
  const ofWeekday = isWeekend(hour) ? 0.45 : 1;
  return (ofDay * ofWeekday * 7) / (0.6 * (5 + 2 * 0.45));
}

function isWeekend(hour: number): boolean {
  return (hour - CALENDAR_START) % HOURS_PER_WEEK >= 120;
}

/** A judged unit: 2 · type + verdict. */
export type Code = number;

/**
 * Judged traffic of one use case, drawn a quarter of an hour at a time: Poisson numbers, types at
 * random, verdicts by the quality of the type. The same seed gives the same stream.
 */
export class Traffic {
  readonly #world: World;
  readonly #judgedPerDay: number;
  readonly #random: Random;
  readonly #surge: { readonly start: number; readonly end: number };
  #day = Number.NaN;
  #quality = new Float64Array(TYPES);
  #change = unchanged;

  /** @param surgeStart hour at which the four weeks of the hard topic begin, disturbed climate only */
  constructor(world: World, judgedPerDay: number, seed: number, surgeStart = Infinity) {
    this.#world = world;
    this.#judgedPerDay = judgedPerDay;
    this.#random = createRandom(seed);
    const start = world.climate === "disturbed" ? surgeStart : Infinity;
    this.#surge = { start, end: start + 4 * HOURS_PER_WEEK };
  }

  /** From the next quarter on, answers come from a version that differs from the healthy one. */
  deploy(change: Change): void {
    this.#change = change;
    this.#day = Number.NaN;
  }

  /** Appends the units judged in one quarter of `hour` to `into`, at `rate` instead of the usual 5%. */
  quarter(hour: number, into: Code[], rate = JUDGED_RATE): void {
    this.#turnDay(hour);
    const random = this.#random;
    const { hard, ordinary } = this.#world;
    const surging = hour >= this.#surge.start && hour < this.#surge.end;
    const hardShare = surging ? HARD_TOPIC_SURGE_SHARE : hard.length / TYPES;
    const mean = (this.#judgedPerDay * trafficShape(hour) * rate) / JUDGED_RATE / QUARTERS_PER_DAY;
    for (let left = poisson(random, mean); left > 0; left--) {
      const group = random.uniform() < hardShare ? hard : ordinary;
      const type = group[Math.floor(random.uniform() * group.length)]!;
      into.push(2 * type + (random.uniform() < this.#quality[type]! ? 1 : 0));
    }
  }

  /** Day noise is drawn once a day, in order, whatever the change. */
  #turnDay(hour: number): void {
    const day = Math.floor((hour - CALENDAR_START) / 24);
    if (day === this.#day) return;
    this.#day = day;
    const disturbed = this.#world.climate === "disturbed";
    const noise = disturbed ? DAY_NOISE_SD_LOGIT * this.#random.normal() : 0;
    const dip = disturbed && isWeekend(hour) ? WEEKEND_DIP_LOGIT : 0;
    for (const [type, { logit, slices }] of this.#world.types.entries()) {
      this.#quality[type] = this.#change(sigmoid(logit + noise + dip), slices);
    }
  }
}

/** Exact: by multiplying uniforms, in parts of mean at most 16. */
function poisson(random: Random, mean: number): number {
  let count = 0;
  for (let left = mean; left > 0; left -= 16) {
    const limit = Math.exp(-Math.min(16, left));
    for (let product = random.uniform(); product > limit; product *= random.uniform()) count += 1;
  }
  return count;
}
