/**
 * Everything that the measures know about one use case, folded hour by hour from counts of its calls. Pure: no clock, no
 * store; the same hours in the same order give the same state, which is how a restart rebuilds it.
 */
import { DAY_MS, HOUR_MS, isVersion, type NormalMeasure } from "@plumbline/schemas";
import type { DriftDecision } from "../inputs/drift-decision.ts";
import { DriftSeries } from "../inputs/drift-series.ts";
import { chooseWidth, OpenWindow, type WidthHours } from "../counts/drift-window.ts";
import { type LocalHours, localHoursOf } from "../counts/local-hours.ts";
import { MISSING_BIN } from "../counts/log-bins.ts";
import { OutputFingerprint } from "../outputs/output-fingerprint.ts";
import { ResponseModels, type ResponseModelChange } from "../outputs/response-models.ts";
import { SelfFingerprint } from "../outputs/self-fingerprint.ts";
import type { OutcomeCounts } from "../rates/rate-metrics.ts";
import { REFERENCE_CALLS_MIN, VersionHealth } from "../rates/version-health.ts";
import { ALL, VersionMemory, type VersionHour } from "../counts/version-memory.ts";

const MEMORY_MS = 28 * DAY_MS;
/** Outputs that did not change are compared with the incumbent's for this long; changed ones for as long as they differ. */
const WATCH_MS = 14 * DAY_MS;
/** A version without a call in so many hours in which another had calls no longer serves. */
const GONE_HOURS = 1;
const INCUMBENT_CALLS_MIN = 200;
const SELF_AGE_MIN_MS = 7 * DAY_MS;

/** One hour of one use case. Versions in order of their names; absent when nobody called. */
export interface MeasuredHour {
  readonly hour: number;
  readonly versions: readonly VersionHour[];
  /** Input features over all versions, without the missing. */
  readonly inputs: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly outcomes: ReadonlyMap<string, OutcomeCounts>;
  /** Calls by resolved model, by version. */
  readonly responseModels: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

interface Version {
  readonly name: string;
  readonly firstHour: number;
  lastHour: number;
  calls: number;
  readonly memory: VersionMemory;
  outcomes: OutcomeCounts[];
  hasChangedOutputs: boolean;
}

/** A version that is compared with its incumbent since its first call. */
interface Watch {
  readonly version: string;
  readonly incumbent: string;
  readonly startedAt: number;
  /** Null when the incumbent had too few calls with outputs, and once the watch is over. */
  fingerprint: OutputFingerprint | null;
}

export class UseCaseMeasures {
  readonly drift: { series: DriftSeries; width: WidthHours } = { series: new DriftSeries(), width: 24 };
  /** The newest decision of the drift series. */
  decision: DriftDecision | null = null;
  watch: Watch | null = null;
  /** The serving version against its own past, while no deploy is watched. */
  self: SelfFingerprint | null = null;
  health: {
    readonly version: string;
    readonly incumbent: string;
    readonly startedAt: number;
    readonly tests: VersionHealth;
  } | null = null;
  readonly #versions = new Map<string, Version>();
  #hourlyCalls: { hour: number; calls: number }[] = [];
  #widthChosenAt: number | null = null;
  #window: OpenWindow | null = null;
  readonly #models = new ResponseModels();
  #lastHour = 0;
  readonly #clock: LocalHours;

  /** @param clock by which windows begin and hours are alike */
  constructor(clock: LocalHours = localHoursOf("UTC")) {
    this.#clock = clock;
  }

  get timeZone(): string {
    return this.#clock.zone;
  }

  /** @returns windows that closed with this hour, to be decided and stored */
  addHour(hour: MeasuredHour): readonly DriftDecision[] {
    const decisions = this.#closeWindow(hour.hour);
    this.#lastHour = hour.hour;
    const calls = hour.versions.reduce((sum, version) => sum + (version.calls.get(ALL) ?? 0), 0);
    this.#hourlyCalls = [
      ...this.#hourlyCalls.filter((each) => each.hour > hour.hour - MEMORY_MS),
      { hour: hour.hour, calls },
    ];
    this.#chooseWidth(hour.hour);
    this.#window ??= new OpenWindow(hour.hour, this.drift.width, this.#clock);
    this.#window.addHour(hour.versions, hour.inputs, calls);
    for (const version of hour.versions)
      this.#addVersion(version, hour.outcomes.get(version.version) ?? null);
    this.#models.addHour(hour.hour, hour.responseModels);
    return decisions;
  }

  /** Closes the window that ends at or before `now`, also when no call follows it. */
  closeUntil(now: number): readonly DriftDecision[] {
    const decisions = this.#closeWindow(now);
    this.self?.closeUntil(now, this.#isInputMoving());
    return decisions;
  }

  /** The version with the newest calls; the most called one of that hour. */
  serving(): { readonly name: string; readonly firstHour: number; readonly calls: number } | null {
    const versions = [...this.#versions.values()].sort(
      (a, b) => b.lastHour - a.lastHour || b.firstHour - a.firstHour,
    );
    return versions[0] ?? null;
  }

  isGone(version: string): boolean {
    const known = this.#versions.get(version);
    return known === undefined || this.#lastHour - known.lastHour > GONE_HOURS * HOUR_MS;
  }

  firstHourOf(version: string): number | null {
    return this.#versions.get(version)?.firstHour ?? null;
  }

  /** Calls of all versions in the last day that was folded. */
  dayCalls(): number {
    return this.#hourlyCalls
      .filter(({ hour }) => hour > this.#lastHour - DAY_MS)
      .reduce((sum, { calls }) => sum + calls, 0);
  }

  callsOf(version: string): number {
    return this.#versions.get(version)?.calls ?? 0;
  }

  /** Of a version's calls in the last day that was folded: those that say what their provider's cache gave, and those that got something. */
  cachedCalls(version: string): { readonly reported: number; readonly cached: number } {
    let reported = 0;
    let cached = 0;
    for (const { hour, cachedTokens } of this.#versions.get(version)?.outcomes ?? []) {
      if (hour <= this.#lastHour - DAY_MS) continue;
      for (const [bin, calls] of cachedTokens) {
        if (bin !== MISSING_BIN) reported += calls;
        if (bin > 0) cached += calls;
      }
    }
    return { reported, cached };
  }

  /** Shares of the models that answered in the last day and in the day before. */
  responseModels(version: string): ResponseModelChange | null {
    return this.#models.change(version, this.#lastHour);
  }

  #closeWindow(now: number): readonly DriftDecision[] {
    if (this.#window === null || now < this.#window.end) return [];
    const window = this.#window.close();
    this.#window = null;
    this.decision = this.drift.series.closeWindow(window);
    return [this.decision];
  }

  /** Chosen after a day and reconsidered every four weeks; another width is another series. */
  #chooseWidth(hour: number): void {
    const first = this.#hourlyCalls[0]?.hour ?? hour;
    const isDue =
      this.#widthChosenAt === null ? hour - first >= DAY_MS : hour - this.#widthChosenAt >= MEMORY_MS;
    if (!isDue || this.#window !== null) return;
    const known = new Map(this.#hourlyCalls.map((each) => [each.hour, each.calls]));
    const hours = Math.floor((hour - first) / HOUR_MS);
    const width = chooseWidth(Array.from({ length: hours }, (_, i) => known.get(first + i * HOUR_MS) ?? 0));
    this.#widthChosenAt = hour;
    if (width === this.drift.width) return;
    this.drift.series = new DriftSeries();
    this.drift.width = width;
    this.decision = null;
  }

  #addVersion(hour: VersionHour, outcomes: OutcomeCounts | null): void {
    const known = this.#versions.get(hour.version);
    if (known === undefined && isVersion(hour.version)) this.#deploy(hour);
    const version = known ?? {
      name: hour.version,
      firstHour: hour.hour,
      lastHour: hour.hour,
      calls: 0,
      memory: new VersionMemory(),
      outcomes: [],
      hasChangedOutputs: false,
    };
    this.#versions.set(hour.version, version);
    const isNewDay = Math.floor(version.lastHour / DAY_MS) < Math.floor(hour.hour / DAY_MS);
    version.lastHour = hour.hour;
    version.calls += hour.calls.get(ALL) ?? 0;
    this.#watchOutputs(version, hour, isNewDay);
    version.memory.add(hour);
    if (outcomes === null) return;
    if (this.health?.version === hour.version) this.health.tests.addHour(outcomes);
    else this.#watchItself(version, hour.hour);
    version.outcomes = [...version.outcomes.filter((each) => each.hour > hour.hour - MEMORY_MS), outcomes];
    for (const [name, each] of this.#versions)
      if (each.lastHour < hour.hour - 2 * MEMORY_MS) this.#versions.delete(name);
  }

  #watchOutputs(version: Version, hour: VersionHour, isNewDay: boolean): void {
    if (this.watch?.version === hour.version && this.watch.fingerprint !== null) {
      version.hasChangedOutputs = this.watch.fingerprint.addHour(hour).length > 0;
      const isOver = !version.hasChangedOutputs && hour.hour - this.watch.startedAt >= WATCH_MS;
      if (isOver) this.watch.fingerprint = null;
      return;
    }
    if (this.self !== null && this.self.version !== hour.version && this.isGone(this.self.version))
      this.self = null;
    if (this.self?.version === hour.version) this.self.addHour(hour, this.#isInputMoving());
    // Frozen between two days: one that is half in the reference would be decided against itself.
    if (!isNewDay || !this.#isSelfDue(version, hour.hour)) return;
    this.self = new SelfFingerprint(version.name, version.memory, hour.hour);
    this.self.addHour(hour, this.#isInputMoving());
  }

  #isInputMoving(): boolean {
    return this.decision?.isInputMoving === true;
  }

  /** A week of calls at first; again when the history has doubled, or after four weeks, unless something is moving. */
  #isSelfDue({ name, firstHour, calls }: Version, hour: number): boolean {
    if (!isVersion(name) || hour - firstHour < SELF_AGE_MIN_MS || calls < INCUMBENT_CALLS_MIN) return false;
    if (this.self === null) return true;
    const { version, frozenAt, isSuspicious } = this.self;
    return version === name && !isSuspicious && hour - frozenAt >= Math.min(MEMORY_MS, frozenAt - firstHour);
  }

  /** The incumbent is the version that served last among those whose outputs did not change at their own deploy. */
  #deploy(hour: VersionHour): void {
    const incumbent = [...this.#versions.values()]
      .filter(
        (version) =>
          isVersion(version.name) && version.calls >= INCUMBENT_CALLS_MIN && !version.hasChangedOutputs,
      )
      .sort((a, b) => b.lastHour - a.lastHour)[0];
    if (incumbent === undefined) return;
    const fingerprint = new OutputFingerprint(incumbent.memory.weeks());
    this.watch = {
      version: hour.version,
      incumbent: incumbent.name,
      startedAt: hour.hour,
      fingerprint: fingerprint.streams > 0 ? fingerprint : null,
    };
    if (callsIn(incumbent.outcomes) >= REFERENCE_CALLS_MIN) {
      const tests = new VersionHealth(incumbent.outcomes, { isDeploy: true });
      this.health = { version: hour.version, incumbent: incumbent.name, startedAt: hour.hour, tests };
    }
  }

  /** Without a deploy a version is compared with its own first week. */
  #watchItself(version: Version, hour: number): void {
    const isAlone = this.health === null || this.isGone(this.health.version);
    if (
      !isAlone ||
      hour - version.firstHour < SELF_AGE_MIN_MS ||
      callsIn(version.outcomes) < REFERENCE_CALLS_MIN
    )
      return;
    const tests = new VersionHealth(version.outcomes, { isDeploy: false });
    this.health = { version: version.name, incumbent: version.name, startedAt: hour, tests };
  }
}

function callsIn(hours: readonly OutcomeCounts[]): number {
  return hours.reduce((sum, hour) => sum + hour.calls, 0);
}

/** Measures that did not change, with their numbers: half of a diagnosis. */

/** Empty for a version that is not under test, and for measures without a reference. */
export function normalMeasures(measures: UseCaseMeasures, version: string): NormalMeasure[] {
  const { health } = measures;
  const rates = health?.version === version ? health.tests.normal() : [];
  return [
    ...rates.map(({ metric, estimate: { mean, interval, calls } }) => ({
      name: metric.label,
      value: mean,
      unit: "share" as const,
      interval,
      n: calls,
    })),
    ...normalInputs(measures),
  ];
}

/** The feature of the inputs that moved most, when none of them moved by what is material. */
function normalInputs({ decision }: UseCaseMeasures): NormalMeasure[] {
  const inputs =
    decision?.results.filter((result) => result.side === "input" && result.method === "psi") ?? [];
  if (decision === null || decision.flagged.some((result) => result.side === "input")) return [];
  const [most] = [...inputs].sort((a, b) => b.size - a.size);
  if (most === undefined) return [];
  const name = `inputs (the largest move of ${inputs.length} features: ${most.feature})`;
  const n = Math.round(most.currentRows);
  return [{ name, value: most.size, unit: "psi", interval: most.interval, n }];
}
