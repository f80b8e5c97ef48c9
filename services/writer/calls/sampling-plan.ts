/**
 * Chooses which conversations are judged, before anything is known about how they were judged.
 *
 * A hash of the conversation decides, so a replay chooses the same ones and a raised rate keeps everything already
 * chosen. The rate is the base rate, with exceptions that look at counts, inputs and the outputs of earlier calls only;
 * the probability that was in force lies on every row, and weights undo what differs:
 *
 * - A new version is judged at four times the rate until 400 of its conversations were chosen.
 * - Where the outputs of a version moved, in a slice of the inputs or in all of them, the rate in force is four times
 *   as high until 200 of its conversations were chosen there.
 * - The first ten conversations of a day in a pinned slice are always chosen, so that a rare one is watched at all.
 *   What these cost above the base rate is paid back by a lower rate afterwards, so the budget of 28 days stays.
 * - The same input is chosen at most once a day: copies of one text are one unit of evidence. A single source that
 *   floods a use case fills at most a fifth of an hour's rate.
 * - A call whose output failed the application's own validation is always chosen, but unless the hash chose it too its
 *   rate is `RATE_BY_OUTCOME`: people read its verdict, and no estimate counts it, since its outcome chose it.
 */
import { boostedRate, samplingUniform } from "@plumbline/stats";
import type { MovedSlice, SamplingCount } from "@plumbline/ports";
import { isVersion } from "@plumbline/schemas";
import { inputFingerprint } from "@plumbline/features";

/** Share of the base rate that is held back while boosts are being paid for: four weeks of traffic repay a boost or two. */
const REPAY_SHARE = 0.2;
/**
 * No boost while this many conversations are still owed: deploys that come faster than they are paid for are judged at the
 * base rate.
 */
const DEBT_MAX = 600;
/** Factor of the rate where outputs moved, and conversations until it ends. */
const MOVED_FACTOR = 4;
const MOVED_UNITS = 200;
/** Conversations of a pinned slice that are chosen each day before the rate applies. */
const PINNED_UNITS_A_DAY = 10;
const USE_CASES_MAX = 5_000;

/** The recorded rate of a call that its own outcome chose: no chance was at work, so no weight makes it representative. */
export const RATE_BY_OUTCOME = 0;

export interface SamplingCandidate {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly conversation_id: string;
  readonly input: string | null;
  /** Predicates of the input that hold. */
  readonly slices: readonly string[];
  /** Whose call it is inside the use case; null when nobody said. */
  readonly source: string | null;
  readonly status: string;
  /** Rung of the degradation tree that answered. */
  readonly path: string;
  /** Start of the call, ISO 8601 UTC. */
  readonly started_at: string;
}

interface SamplingDecision {
  readonly is_sampled: boolean;
  /** Probability with which a call like this was to be chosen; `RATE_BY_OUTCOME` when its outcome chose it. */
  readonly sample_rate: number;
}

interface SamplingOptions {
  /** Base probability in [0,1]. */
  readonly rate: number;
  /** Part of the salt; a new one draws a new sample. */
  readonly epoch: string;
  /** Slices of which some conversations are judged every day, however rare they are. */
  readonly pinnedSlices?: readonly string[];
}

/** Paths whose answer says nothing about the prompt version: another model gave it, or none did. */
const NOT_THE_VERSION: ReadonlySet<string> = new Set(["fallback_model", "stale", "template", "error"]);

interface UseCase {
  readonly chosen: Map<string, number>;
  /** Expected judgements above the base rate of the last 28 days that later calls pay back. */
  debt: number;
  readonly pinned: PinnedDay;
  readonly sources: SourceShares;
  readonly moved: MovedCount[];
}

interface MovedCount {
  /** Whose outputs moved. */
  readonly version: string;
  /** "" when in no slice more than elsewhere. */
  readonly slice: string;
  /** Conversations of the version chosen there since. */
  chosen: number;
}

interface PinnedDay {
  day: string;
  readonly chosen: Map<string, number>;
}

export class SamplingPlan {
  readonly #rate: number;
  readonly #epoch: string;
  readonly #pinnedSlices: readonly string[];
  readonly #inputs = new InputsOfDay();
  #useCases = new Map<string, UseCase>();

  constructor({ rate, epoch, pinnedSlices = [] }: SamplingOptions) {
    this.#rate = rate;
    this.#epoch = epoch;
    this.#pinnedSlices = pinnedSlices;
  }

  /**
   * Starts from what the store counted over the last 28 days: at the start, and again when other writers have counted
   * too. @param moved where outputs moved by now, and how many conversations were chosen there since
   */
  load(counts: readonly SamplingCount[], moved: readonly MovedSlice[] = []): void {
    const before = this.#useCases;
    this.#useCases = new Map();
    for (const count of counts) {
      const useCase = this.#useCase(count, before);
      useCase.chosen.set(count.prompt_version, count.sampled);
      useCase.debt += count.rate_sum - this.#rate * count.calls;
    }
    for (const useCase of this.#useCases.values()) useCase.debt = Math.max(0, useCase.debt);
    for (const { prompt_version, slice, sampled, ...of } of moved)
      this.#useCase(of, before).moved.push({ version: prompt_version, slice, chosen: sampled });
  }

  decide(call: SamplingCandidate): SamplingDecision {
    if (NOT_THE_VERSION.has(call.path)) return { is_sampled: false, sample_rate: 0 };
    const useCase = this.#useCase(call, new Map());
    const rate = this.#rateOf(call, useCase);
    useCase.debt = Math.max(0, useCase.debt + rate - this.#rate);
    if (!useCase.chosen.has(call.prompt_version)) useCase.chosen.set(call.prompt_version, 0);
    const allowed = rate * useCase.sources.add(call.source, call.started_at);
    const isDrawn =
      allowed >= 1 || samplingUniform(`${call.use_case}/${this.#epoch}/`, call.conversation_id) < allowed;
    const isFailed = call.status === "invalid_output";
    if ((!isDrawn && !isFailed) || this.#inputs.wasChosen(call))
      return { is_sampled: false, sample_rate: rate };
    if (!isDrawn) {
      useCase.debt += 1;
      return { is_sampled: true, sample_rate: RATE_BY_OUTCOME };
    }
    this.#count(call, useCase);
    return { is_sampled: true, sample_rate: rate };
  }

  #rateOf(call: SamplingCandidate, useCase: UseCase): number {
    if (this.#isPinnedAndRare(call, useCase)) return 1;
    const rate = this.#rateOfVersion(call, useCase);
    const isRaised =
      useCase.debt < DEBT_MAX && movedOf(call, useCase).some(({ chosen }) => chosen < MOVED_UNITS);
    return isRaised ? Math.min(1, MOVED_FACTOR * rate) : rate;
  }

  #rateOfVersion(call: SamplingCandidate, { chosen, debt }: UseCase): number {
    const base = debt > 0 ? this.#rate * (1 - REPAY_SHARE) : this.#rate;
    // The first version of a use case has no predecessor to be worse than. Versions are kept in the order of their first call.
    const first = chosen.keys().next().value;
    const isDeploy = isVersion(call.prompt_version) && first !== undefined && first !== call.prompt_version;
    if (!isDeploy || debt >= DEBT_MAX) return base;
    const rate = boostedRate(this.#rate, chosen.get(call.prompt_version) ?? 0);
    return rate > this.#rate ? rate : base;
  }

  #isPinnedAndRare({ slices, started_at }: SamplingCandidate, { pinned }: UseCase): boolean {
    if (this.#pinnedSlices.length === 0 || this.#rate === 0) return false;
    const day = started_at.slice(0, 10);
    if (day > pinned.day) {
      pinned.day = day;
      pinned.chosen.clear();
    }
    return this.#pinnedSlices.some(
      (slice) => slices.includes(slice) && (pinned.chosen.get(slice) ?? 0) < PINNED_UNITS_A_DAY,
    );
  }

  /** What the hash chose, noted where a rate depends on how many there were. */
  #count(call: SamplingCandidate, useCase: UseCase): void {
    const { chosen, pinned } = useCase;
    chosen.set(call.prompt_version, (chosen.get(call.prompt_version) ?? 0) + 1);
    for (const slice of this.#pinnedSlices)
      if (call.slices.includes(slice)) pinned.chosen.set(slice, (pinned.chosen.get(slice) ?? 0) + 1);
    for (const moved of movedOf(call, useCase)) if (moved.version === call.prompt_version) moved.chosen += 1;
  }

  /** @param before where what the store doesn't count is carried over from */
  #useCase(
    { tenant, env, use_case }: Pick<SamplingCandidate, "tenant" | "env" | "use_case">,
    before: ReadonlyMap<string, UseCase>,
  ): UseCase {
    const key = JSON.stringify([tenant, env, use_case]);
    let useCase = this.#useCases.get(key);
    if (useCase === undefined) {
      // A flood of invented names costs its boosts, not our memory.
      if (this.#useCases.size >= USE_CASES_MAX) this.#useCases.clear();
      const { pinned = { day: "", chosen: new Map() }, sources = new SourceShares() } = before.get(key) ?? {};
      useCase = { chosen: new Map(), debt: 0, pinned, sources, moved: [] };
      this.#useCases.set(key, useCase);
    }
    return useCase;
  }
}

/**
 * Where outputs moved, as far as it concerns the call. A slice concerns every version of the use case: one judged more
 * often in a slice than another beside it would be compared with it on another mix of inputs.
 */
function movedOf({ prompt_version, slices }: SamplingCandidate, { moved }: UseCase): readonly MovedCount[] {
  return moved.filter(({ version, slice }) =>
    slice === "" ? version === prompt_version : slices.includes(slice),
  );
}

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
class SourceShares {
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

/** Inputs chosen today that are remembered, over all use cases. */
const INPUTS_MAX = 100_000;

/** Which inputs were chosen today: copies of one text are one unit of evidence, whatever their white space and case. */
class InputsOfDay {
  #day = "";
  #inputs = new Set<string>();

  /** Whether the same input of the version was chosen on the call's day before; if not, it is now. */
  wasChosen({
    use_case,
    prompt_version,
    input,
    started_at,
  }: {
    readonly use_case: string;
    readonly prompt_version: string;
    readonly input: string | null;
    /** ISO 8601 UTC. */
    readonly started_at: string;
  }): boolean {
    if (input === null) return false;
    const day = started_at.slice(0, 10);
    // Days come in order but for latecomers; those are compared with the day at hand, which errs towards choosing.
    if (day > this.#day || this.#inputs.size >= INPUTS_MAX) {
      this.#day = day > this.#day ? day : this.#day;
      this.#inputs = new Set();
    }
    const fingerprint = inputFingerprint(`${day}/${use_case}/${prompt_version}`, input);
    if (this.#inputs.has(fingerprint)) return true;
    this.#inputs.add(fingerprint);
    return false;
  }
}
