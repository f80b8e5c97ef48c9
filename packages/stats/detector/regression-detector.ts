import { LOG_CLEARED } from "../sequential/clearance.ts";
import { logMixture } from "../sequential/e-value.ts";
import type { HourEvidence, PreparedSnapshot } from "./hour-evidence.ts";
import { eBenjaminiHochberg } from "../sequential/multiple-testing.ts";
import { pairedBets } from "../sequential/paired-canary.ts";
import { logSumExp } from "../special/special.ts";

/** One hour of a concurrent canary. */
export interface PairedEvidence {
  /** Whole hours since 1970 UTC. */
  readonly hour: number;
  readonly pairs: number;
  /** Shape [5], from `logEvidenceOfPairs`, nats. */
  readonly drop: ArrayLike<number>;
}

interface FoldInput {
  /** The hour of the deploy, or the hour after a reset; whole hours since 1970 UTC. */
  readonly fromHour: number;
  /** The last hour to fold, which may still be running. */
  readonly throughHour: number;
  /** W for a deploy within budget (see `deployStartWeights`), else 1. Hours. */
  readonly startWeight: number;
  /** At most one entry an hour, in any order; hours without units may be left out. */
  readonly hours: readonly HourEvidence[];
  /** Paired canary evidence, when the snapshot reserved weight for it. */
  readonly paired?: readonly PairedEvidence[];
}

interface StreamReading {
  readonly name: string;
  readonly weight: number;
  /** log of (1/J) Σ S, nats: evidence of a drop since an unknown hour. */
  readonly logDetector: number;
  /** log e-value of a drop since `fromHour`, nats. */
  readonly logDeployE: number;
  /** log e-value that the drop is smaller than the clearance margin, nats, since `fromHour`. */
  readonly logClearanceE: number;
  /** Units judged, their scores and what the baseline expected, since `fromHour`. */
  readonly n: number;
  readonly sum: number;
  readonly expected: number;
}

export interface Alarm {
  readonly hour: number;
  /** log M at that hour, nats. */
  readonly logM: number;
  /** The starts that carry the alarm: the deploy, or a later, unknown change. */
  readonly origin: "deploy" | "later";
  /** Names of slices that fell, at a false discovery rate of 5% (deploy) or within the budget (later). */
  readonly affected: readonly string[];
  /** Streams by weight times evidence, strongest first. */
  readonly strongest: readonly string[];
  /** "Since about": the hour that maximises the evidence of the strongest stream and bet. */
  readonly changeHour: number;
  /** Units judged since `fromHour`, hours since `fromHour`. */
  readonly units: number;
  readonly hoursSinceStart: number;
}

export interface DetectorReading {
  readonly snapshotId: string;
  /** REGRESSED after an alarm; CLEARED once a material drop is excluded; else still WATCHING. */
  readonly state: "WATCHING" | "CLEARED" | "REGRESSED";
  /** First hour with M ≥ C/10; undefined without one. */
  readonly ticketHour: number | undefined;
  readonly alarm: Alarm | undefined;
  /** First hour in which stream 0 was cleared. */
  readonly clearedHour: number | undefined;
  /** Last hour folded: the alarm's, after which the version is muted until a human acts. */
  readonly hour: number;
  readonly logM: number;
  /** log C, nats. */
  readonly logThreshold: number;
  /** Shape [hours folded]: log M at the end of each hour from `fromHour`. */
  readonly logMByHour: Float64Array;
  readonly streams: readonly StreamReading[];
  /** The pairs of a concurrent canary: at weight 0 they raise nothing and only label. */
  readonly paired: {
    readonly weight: number;
    readonly pairs: number;
    /** log of (1/J) Σ S, nats. */
    readonly logDetector: number;
    /** log e-value of a drop since `fromHour`, nats. */
    readonly logDeployE: number;
  };
}

/**
 * Folds hours of evidence from a deploy on into the state of a version.
 *
 *     Sₕ = (Sₕ₋₁ + aₕ) exp(Gₕ),   a = startWeight in the first hour, 1 in every later one
 *     Mₕ = Σₖ wₖ (1/J) Σⱼ Sₕⱼₖ;    ticket at M ≥ C/10, alarm at M ≥ C
 *
 * At most F false alarms a year in the long run, however often it is called and however streams depend
 * on each other, provided that units are not copies of one another and the baseline errs by less than
 * the margins. An hour's start is counted when the hour begins; calling again within the hour
 * recomputes the hour and adds no start, so a check every minute costs no extra budget.
 *
 * Pure and stateless: everything is recomputed from the deploy on. 40 slices over four weeks take a few
 * milliseconds, 200 slices over a year about 10⁷ steps.
 *
 * @throws RangeError on hours outside the range, repeated hours, or another snapshot's shape
 * @see Shin, Ramdas & Rinaldo, E-detectors, NEJSDS 2 (2024)
 * @see Dandapanthula & Ramdas, Multiple testing in multi-stream sequential change detection,
 *   arXiv:2501.04130
 */
export function foldHours(prepared: PreparedSnapshot, input: FoldInput): DetectorReading {
  const { snapshot, weights } = prepared;
  const { fromHour, throughHour, startWeight } = input;
  assertFoldable(input, snapshot.deployWeight);
  const bets = snapshot.drops.length;
  const cells = snapshot.streams.length * bets;
  const byHour = indexHours(input.hours, fromHour, throughHour, cells, (hour) => hour.drop);
  const pairedByHour = indexHours(
    input.paired ?? [],
    fromHour,
    throughHour,
    pairedBets.length,
    (hour) => hour.drop,
  );

  const logThreshold = Math.log(snapshot.threshold);
  const detectors = new Float64Array(cells);
  const pairedDetectors = new Float64Array(pairedBets.length);
  const cellWeights = Float64Array.from(detectors, (_, i) => weights[Math.floor(i / bets)]! / bets);
  const totals = new Totals(snapshot.streams.length, bets);
  const logMByHour = new Float64Array(throughHour - fromHour + 1);

  let logM = -Infinity;
  let ticketHour: number | undefined;
  let clearedHour: number | undefined;
  let alarmed = false;
  let hour = fromHour;
  for (; hour <= throughHour; hour++) {
    const evidence = byHour.get(hour);
    const paired = pairedByHour.get(hour);
    const start = hour === fromHour ? startWeight : 1;
    step(detectors, start, evidence?.drop);
    step(pairedDetectors, start, paired?.drop);
    if (evidence) totals.add(evidence);
    if (paired) totals.addPairs(paired);

    let average = (snapshot.pairedWeight / pairedBets.length) * sumOf(pairedDetectors);
    for (let i = 0; i < cells; i++) average += cellWeights[i]! * detectors[i]!;
    logM = Math.log(average);
    logMByHour[hour - fromHour] = logM;
    if (clearedHour === undefined && snapshot.kind === "fitted" && totals.logClearance(0) >= LOG_CLEARED) {
      clearedHour = hour;
    }
    if (ticketHour === undefined && logM >= logThreshold - Math.log(10)) ticketHour = hour;
    if (logM >= logThreshold) {
      alarmed = true;
      break;
    }
  }
  const lastHour = Math.min(hour, throughHour);
  const streams = readStreams(snapshot, totals, detectors);
  const alarm = alarmed ? describeAlarm() : undefined;
  return {
    snapshotId: snapshot.id,
    state: alarm ? "REGRESSED" : clearedHour === undefined ? "WATCHING" : "CLEARED",
    ticketHour,
    alarm,
    clearedHour,
    hour: lastHour,
    logM,
    logThreshold,
    logMByHour: logMByHour.subarray(0, lastHour - fromHour + 1),
    streams,
    paired: {
      weight: snapshot.pairedWeight,
      pairs: totals.pairs,
      logDetector: Math.log(sumOf(pairedDetectors) / pairedBets.length),
      logDeployE: logMixture(totals.paired),
    },
  };

  function describeAlarm(): Alarm {
    const origin = originOfAlarm();
    return {
      hour: lastHour,
      logM,
      origin,
      affected: affectedSlices(prepared, streams, origin),
      strongest: streams
        .toSorted((a, b) => Math.log(b.weight) + b.logDetector - Math.log(a.weight) - a.logDetector)
        .map((stream) => stream.name),
      changeHour: changeHour(byHour, strongestCell(detectors, cellWeights), fromHour, lastHour),
      units: totals.n[0]!,
      hoursSinceStart: lastHour - fromHour,
    };
  }

  /** Half or more of M from the start of the first hour means that the deploy carries the alarm. */
  function originOfAlarm(): Alarm["origin"] {
    if (startWeight === 1) return "later";
    const shares = snapshot.streams.map((stream, k) => Math.log(stream.weight) + totals.logDeploy(k));
    if (snapshot.pairedWeight > 0) shares.push(Math.log(snapshot.pairedWeight) + logMixture(totals.paired));
    return Math.log(startWeight) + logSumExp(shares) >= logM - Math.LN2 ? "deploy" : "later";
  }
}

function assertFoldable({ fromHour, throughHour, startWeight }: FoldInput, deployWeight: number): void {
  if (!(Number.isInteger(fromHour) && Number.isInteger(throughHour) && throughHour >= fromHour)) {
    throw new RangeError(`foldHours: hours ${fromHour} to ${throughHour}`);
  }
  if (!(startWeight === 1 || startWeight === deployWeight)) {
    throw new RangeError(`foldHours: startWeight = ${startWeight}, needs 1 or ${deployWeight}`);
  }
}

/** @param detectors shape [streams, drops], as they stand after the last hour */
function readStreams(
  { streams, drops }: PreparedSnapshot["snapshot"],
  totals: Totals,
  detectors: Float64Array,
): StreamReading[] {
  const bets = drops.length;
  return streams.map((stream, k) => ({
    name: stream.name,
    weight: stream.weight,
    logDetector: Math.log(sumOf(detectors.subarray(k * bets, (k + 1) * bets)) / bets),
    logDeployE: totals.logDeploy(k),
    logClearanceE: totals.logClearance(k),
    n: totals.n[k]!,
    sum: totals.sum[k]!,
    expected: totals.expected[k]!,
  }));
}

/** changeHour returns the h₀ that maximises the sum of one cell's evidence over hours ≥ h₀, in one backward pass. */
function changeHour(
  byHour: ReadonlyMap<number, HourEvidence>,
  cell: number,
  fromHour: number,
  lastHour: number,
): number {
  let sum = 0;
  let best = -Infinity;
  let since = lastHour;
  for (let h = lastHour; h >= fromHour; h--) {
    sum += byHour.get(h)?.drop[cell] ?? 0;
    if (sum > best) {
      best = sum;
      since = h;
    }
  }
  return since;
}

/**
 * e-BH over the registered slices: which ones fell? May be asked at any time, as often as wished.
 *
 * After a deploy: e-values since the deploy at false discovery rate 5%. Otherwise those are stale, and
 * the slices' detectors are held against the budget, k · S₍ₖ₎ ≥ K C.
 */
function affectedSlices(
  prepared: PreparedSnapshot,
  streams: readonly StreamReading[],
  origin: Alarm["origin"],
): string[] {
  const { snapshot } = prepared;
  const slices = streams.filter((_, k) => k > 0 && snapshot.streams[k]!.baseline === "own");
  if (slices.length === 0) return [];
  const evidence = slices.map((slice) => (origin === "deploy" ? slice.logDeployE : slice.logDetector));
  return eBenjaminiHochberg(evidence, origin === "deploy" ? 0.05 : 1 / snapshot.threshold).map(
    (i) => slices[i]!.name,
  );
}

/**
 * One hour, S ← (S + a) exp(G), in plain numbers: the fold stops at the alarm, long before they
 * overflow, and plain numbers are ten times faster than logarithms (`stepDetector`). Evidence beyond 600
 * nats in one hour is cut off there, which errs on the side of silence.
 */
function step(detectors: Float64Array, start: number, logG: ArrayLike<number> | undefined): void {
  for (let i = 0; i < detectors.length; i++) {
    const g = logG?.[i] ?? 0;
    const s = detectors[i]! + start;
    detectors[i] = g === 0 ? s : Math.min(s * Math.exp(Math.min(g, 600)), 1e290);
  }
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

function strongestCell(detectors: Float64Array, cellWeights: Float64Array): number {
  let cell = 0;
  for (let i = 1; i < detectors.length; i++) {
    if (cellWeights[i]! * detectors[i]! > cellWeights[cell]! * detectors[cell]!) cell = i;
  }
  return cell;
}

function indexHours<T extends { readonly hour: number }>(
  hours: readonly T[],
  fromHour: number,
  throughHour: number,
  cells: number,
  shape: (hour: T) => ArrayLike<number>,
): Map<number, T> {
  const byHour = new Map<number, T>();
  for (const entry of hours) {
    if (!(entry.hour >= fromHour && entry.hour <= throughHour)) {
      throw new RangeError(`foldHours: evidence of hour ${entry.hour} outside ${fromHour} to ${throughHour}`);
    }
    if (byHour.has(entry.hour)) throw new RangeError(`foldHours: hour ${entry.hour} given twice`);
    if (shape(entry).length !== cells) {
      throw new RangeError(`foldHours: ${shape(entry).length} factors in hour ${entry.hour}, needs ${cells}`);
    }
    byHour.set(entry.hour, entry);
  }
  return byHour;
}

/** Sums since the first hour. */
class Totals {
  readonly n: Float64Array;
  readonly sum: Float64Array;
  readonly expected: Float64Array;
  readonly paired = new Float64Array(pairedBets.length);
  pairs = 0;
  readonly #drop: Float64Array;
  readonly #clearance: Float64Array;
  readonly #bets: number;

  constructor(streams: number, bets: number) {
    this.n = new Float64Array(streams);
    this.sum = new Float64Array(streams);
    this.expected = new Float64Array(streams);
    this.#drop = new Float64Array(streams * bets);
    this.#clearance = new Float64Array(streams * bets);
    this.#bets = bets;
  }

  add(evidence: HourEvidence): void {
    for (let k = 0; k < this.n.length; k++) {
      this.n[k]! += evidence.n[k]!;
      this.sum[k]! += evidence.sum[k]!;
      this.expected[k]! += evidence.expected[k]!;
    }
    for (let i = 0; i < this.#drop.length; i++) {
      this.#drop[i]! += evidence.drop[i]!;
      this.#clearance[i]! += evidence.clearance[i]!;
    }
  }

  addPairs(evidence: PairedEvidence): void {
    this.pairs += evidence.pairs;
    for (let j = 0; j < this.paired.length; j++) this.paired[j]! += evidence.drop[j]!;
  }

  logDeploy(stream: number): number {
    return logMixture(this.#drop.subarray(stream * this.#bets, (stream + 1) * this.#bets));
  }

  logClearance(stream: number): number {
    return logMixture(this.#clearance.subarray(stream * this.#bets, (stream + 1) * this.#bets));
  }
}
