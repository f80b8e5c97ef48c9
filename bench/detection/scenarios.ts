import { type BaselineSnapshot, type JudgedUnit, boostedRate, createRandom } from "@plumbline/stats";
import { ReferenceCounts, freezeCounts, sameSnapshot, unitsOf } from "./reference.ts";
import { RIVALS, type Rival, RivalWatch } from "./rivals.ts";
import { type Quarter, Watch } from "./watch.ts";
import {
  CALENDAR_START,
  type Change,
  type Climate,
  type Code,
  HOURS_PER_WEEK,
  JUDGED_RATE,
  QUARTERS_PER_DAY,
  Traffic,
  type World,
  createWorld,
  sliceFallsTo,
  uniformFall,
} from "./world.ts";

/** Calls a day to units judged a day, at 5%. */
export const VOLUMES = { "5k": 250, "50k": 2500 } as const;
export type Volume = keyof typeof VOLUMES;

export interface Scenario {
  readonly change: Change;
  /** The slice that falls; undefined when everything does. */
  readonly slice: string | undefined;
  /** Whether the change comes with a deploy the detector knows of. Default true. */
  readonly deploy?: boolean;
  /** Four times the rate until 400 units are judged. Default false. */
  readonly boost?: boolean;
}

const incident: Scenario = { change: sliceFallsTo("money", 0.45), slice: "money" };

/** All in the quiet climate. Delays count from the change. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  incident,
  incident_boosted: { ...incident, boost: true },
  incident_without_deploy: { ...incident, deploy: false },
  slice_5_percent_to_60: { change: sliceFallsTo("flag:5%", 0.6), slice: "flag:5%" },
  slice_18_percent_to_80: { change: sliceFallsTo("money", 0.8), slice: "money" },
  uniform_minus_5: { change: uniformFall(0.05), slice: undefined },
  uniform_minus_3: { change: uniformFall(0.03), slice: undefined },
};

export const REFERENCE_DAYS = 28;
const HORIZON_DAYS = 35;
/** A detector without a deploy has been running for so long when the change comes. */
const RUNNING_BEFORE_DAYS = 14;
const START_WEIGHT = 168;

export interface Detection {
  /** Hours from the change to the check that alarmed; Infinity when none did within 35 days. */
  readonly hours: number;
  /** Units judged since the start of the watch. */
  readonly units: number;
  /** Whether the strongest of the 40 slices is the one that fell; whether it also beats "all traffic". */
  readonly isSliceOnTop: boolean;
  readonly isStreamOnTop: boolean;
  readonly rivals: Readonly<Record<Rival, number>>;
  readonly generated: number;
  readonly folded: number;
}

/**
 * One run: a world, four weeks of reference, a change at a random hour of the week, and who sees it when.
 *
 * @param check compares the snapshot with the one the product freezes from single units; costs half a second
 */
export function detect(seed: number, volume: Volume, scenario: Scenario, check = false): Detection {
  const { change, slice, deploy = true, boost = false } = scenario;
  const world = createWorld(seed, "quiet");
  const traffic = new Traffic(world, VOLUMES[volume], seed + 0.5 * 2 ** 32);
  const referenceHour = CALENDAR_START + createRandom(seed + 2 ** 32).integer(HOURS_PER_WEEK);
  const deployHour = referenceHour + REFERENCE_DAYS * 24;
  const { reference, snapshot } = freezeReference(world, traffic, referenceHour, check);

  const warmUpDays = deploy ? 0 : RUNNING_BEFORE_DAYS;
  const changeHour = deployHour + warmUpDays * 24;
  const start = { startWeight: deploy ? START_WEIGHT : 1 };
  const { watch, seen } = warmUp(new Watch(world, snapshot, start), traffic, deployHour, changeHour);

  traffic.deploy(change);
  const rivalWatch = new RivalWatch(world, reference);
  const rate = new Rate(boost, VOLUMES[volume]);
  let hours = Infinity;
  let strongest: readonly string[] = [];
  for (let q = 0; q < HORIZON_DAYS * QUARTERS_PER_DAY; q++) {
    const quarter = draw(traffic, changeHour + (q >> 2), rate.next());
    rate.judged(quarter.codes.length);
    rivalWatch.add(quarter.codes);
    if (hours === Infinity) {
      seen.push(quarter);
      if (watch.step(quarter)) {
        hours = (q + 1) / 4;
        strongest = watch.confirm(seen).alarm!.strongest;
      }
    }
    if ((q + 1) % QUARTERS_PER_DAY !== 0) continue;
    rivalWatch.endDay();
    if (hours < Infinity && RIVALS.every((rival) => rivalWatch.firstDay[rival] > 0)) break;
  }
  return {
    hours,
    units: watch.units,
    isSliceOnTop: strongest.find((name) => name !== "all") === slice,
    isStreamOnTop: strongest[0] === (slice ?? "all"),
    rivals: perRival((rival) => rivalWatch.firstDay[rival] * 24 || Infinity),
    generated: seen.reduce((sum, { codes }) => sum + codes.length, 0),
    folded: watch.units,
  };
}

function freezeReference(
  world: World,
  traffic: Traffic,
  fromHour: number,
  check: boolean,
): { readonly reference: ReferenceCounts; readonly snapshot: BaselineSnapshot } {
  const reference = new ReferenceCounts();
  const units: JudgedUnit[] = [];
  for (let q = 0; q < REFERENCE_DAYS * QUARTERS_PER_DAY; q++) {
    const { hour, codes } = draw(traffic, fromHour + (q >> 2));
    reference.add(hour, codes);
    if (check) units.push(...unitsOf(world, hour, codes));
  }
  const snapshot = freezeCounts(world, reference);
  if (check) sameSnapshot(snapshot, units);
  return { reference, snapshot };
}

/** A watch over unchanged traffic. A false alarm resets it, from the next hour on. */
function warmUp(
  watch: Watch,
  traffic: Traffic,
  fromHour: number,
  toHour: number,
): { readonly watch: Watch; readonly seen: Quarter[] } {
  const seen: Quarter[] = [];
  for (let hour = fromHour; hour < toHour; hour++) {
    for (let q = 0; q < 4; q++) {
      const quarter = draw(traffic, hour);
      seen.push(quarter);
      if (!watch.step(quarter)) continue;
      watch.confirm(seen);
      return warmUp(watch.restarted(), traffic, hour + 1, toHour);
    }
  }
  return { watch, seen };
}

/** The sampling rate of the next quarter: fixed before its units are seen. */
class Rate {
  readonly #boost: boolean;
  readonly #traffic: number;
  #units = 0;
  #boostedTraffic = 0;
  #boostedUnits = 0;
  #rate = JUDGED_RATE;

  constructor(boost: boolean, judgedPerDay: number) {
    this.#boost = boost;
    this.#traffic = (judgedPerDay / JUDGED_RATE) * REFERENCE_DAYS;
  }

  next(): number {
    if (!this.#boost) return JUDGED_RATE;
    const boosted = boostedRate(JUDGED_RATE, this.#units);
    const rest = compensatedRate(JUDGED_RATE, this.#traffic, this.#boostedTraffic, this.#boostedUnits);
    this.#rate = boosted > JUDGED_RATE ? boosted : rest;
    return this.#rate;
  }

  judged(units: number): void {
    this.#units += units;
    if (this.#rate <= JUDGED_RATE) return;
    this.#boostedUnits += units;
    this.#boostedTraffic += units / this.#rate;
  }
}

function draw(traffic: Traffic, hour: number, rate = JUDGED_RATE): Quarter {
  const codes: Code[] = [];
  traffic.quarter(hour, codes, rate);
  return { hour, codes, rate };
}

function perRival(value: (rival: Rival) => number): Record<Rival, number> {
  return Object.fromEntries(RIVALS.map((rival) => [rival, value(rival)])) as Record<Rival, number>;
}

export interface NullOptions {
  readonly climate: Climate;
  /** 52 deploys that change nothing, or none. Default true. */
  readonly deploys?: boolean;
  /** The clustering ablation: each verdict repeated so often, with or without tempering. */
  readonly copies?: number;
  readonly tempered?: boolean;
}

export interface NullYear {
  readonly alarms: number;
  readonly rivals: Readonly<Record<Rival, number>>;
  readonly generated: number;
  readonly folded: number;
}

const WEEKS = 52;
const REFERENCE_WEEKS = 4;

/** A year in which no version differs from its predecessor: every alarm is false. State resets after each. */
export function nullYear(seed: number, volume: Volume, options: NullOptions): NullYear {
  const { climate, deploys = true, copies = 1, tempered = true } = options;
  const world = createWorld(seed, climate);
  const random = createRandom(seed + 2 ** 32);
  const startHour = CALENDAR_START + random.integer(HOURS_PER_WEEK);
  const firstHour = startHour + REFERENCE_WEEKS * HOURS_PER_WEEK;
  const surgeStart = firstHour + random.integer((WEEKS - 4) * HOURS_PER_WEEK);
  const traffic = new Traffic(world, VOLUMES[volume], seed + 0.5 * 2 ** 32, surgeStart);

  const weeks: ReferenceCounts[] = [];
  let alarms = 0;
  let generated = 0;
  let folded = 0;
  const totals = perRival(() => 0);
  let watch: Watch | undefined;
  let seen: Quarter[] = [];
  let reference = new ReferenceCounts();
  for (let week = -REFERENCE_WEEKS; week < WEEKS; week++) {
    const counts = new ReferenceCounts();
    const isWatched = week >= 0;
    if (isWatched && (deploys || week === 0)) {
      reference = new ReferenceCounts();
      for (const one of weeks) reference.merge(one);
      folded += watch?.units ?? 0;
      watch = new Watch(world, freezeCounts(world, reference, tempered), {
        startWeight: deploys ? START_WEIGHT : 1,
        copies,
      });
      seen = [];
    }
    // The rivals see each verdict once: repeating them would only make their figures worse.
    const rivalWatch = isWatched ? new RivalWatch(world, reference) : undefined;
    let pausedUntil = -Infinity;
    for (let q = 0; q < HOURS_PER_WEEK * 4; q++) {
      const hour = firstHour + week * HOURS_PER_WEEK + (q >> 2);
      const quarter = draw(traffic, hour);
      counts.add(hour, quarter.codes, copies);
      rivalWatch?.add(quarter.codes);
      if (rivalWatch && (q + 1) % QUARTERS_PER_DAY === 0) rivalWatch.endDay();
      if (!watch || hour < pausedUntil) continue;
      generated += quarter.codes.length * copies;
      seen.push(quarter);
      if (!watch.step(quarter)) continue;
      alarms += 1;
      // The ablation without tempering alarms all the time; recomputing each alarm would take hours.
      if (tempered) watch.confirm(seen);
      folded += watch.units;
      watch = watch.restarted();
      seen = [];
      pausedUntil = hour + 1;
    }
    if (rivalWatch) for (const rival of RIVALS) totals[rival] += rivalWatch.alarms[rival];
    weeks.push(counts);
    if (weeks.length > REFERENCE_WEEKS) weeks.shift();
  }
  return { alarms, rivals: totals, generated, folded: folded + (watch?.units ?? 0) };
}

/**
 * The base rate that keeps the trailing 28-day mean at `target` after boosts: the rest of the budget
 * spread over the rest of the traffic. 0 when boosts alone spent the budget.
 *
 * @param units        expected traffic of 28 days, in units
 * @param boostedUnits the part of it that ran at a boosted rate
 * @param judgedUnits  how many of those were judged
 */
function compensatedRate(target: number, units: number, boostedUnits: number, judgedUnits: number): number {
  if (
    !(target >= 0 && target <= 1 && units > boostedUnits && boostedUnits >= judgedUnits && judgedUnits >= 0)
  ) {
    throw new RangeError(
      `compensatedRate: ${judgedUnits} judged of ${boostedUnits} boosted of ${units} units`,
    );
  }
  return Math.min(target, Math.max(0, (target * units - judgedUnits) / (units - boostedUnits)));
}
