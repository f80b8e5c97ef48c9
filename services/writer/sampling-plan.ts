/**
 * Chooses which conversations are judged, before anything is known about how they went.
 *
 * A hash of the conversation decides, so a replay chooses the same ones and a raised rate keeps everything already
 * chosen. The rate is the base rate, with three exceptions that look at counts and inputs only and therefore bias
 * nothing; the probability that was in force lies on every row:
 *
 * - A new version is judged at four times the rate until 400 of its conversations were chosen. What that costs above the
 *   base rate is paid back by a lower rate afterwards, so the budget of 28 days stays what it was.
 * - A call whose output failed the application's own validation is always chosen.
 * - The same input is chosen at most once a day: copies of one text are one unit of evidence.
 */
import { createHash } from "node:crypto";
import { boostedRate, samplingUniform } from "@plumbline/stats";
import type { SamplingCount } from "@plumbline/ports";

/** Share of the base rate that is held back while boosts are being paid for: four weeks of traffic repay a boost or two. */
const REPAY_SHARE = 0.2;
/** No boost while this many conversations are still owed: deploys that come faster than they are paid for are judged at the base rate. */
const DEBT_MAX = 600;
const USE_CASES_MAX = 5_000;
/** Inputs chosen today that are remembered, over all use cases. */
const INPUTS_MAX = 100_000;

export interface SamplingCandidate {
  readonly tenant: string;
  readonly env: string;
  readonly use_case: string;
  readonly prompt_version: string;
  readonly conversation_id: string;
  readonly input: string | null;
  readonly status: string;
  /** Start of the call, ISO 8601 UTC. */
  readonly started_at: string;
}

export interface SamplingDecision {
  readonly is_sampled: boolean;
  /** Probability with which a call like this was to be chosen. */
  readonly sample_rate: number;
}

interface UseCase {
  readonly chosen: Map<string, number>;
  /** Expected judgements above the base rate of the last 28 days that later calls pay back. */
  debt: number;
}

export class SamplingPlan {
  readonly #rate: number;
  readonly #epoch: string;
  #useCases = new Map<string, UseCase>();
  #day = "";
  #inputs = new Set<string>();

  /**
   * @param rate base probability in [0,1]
   * @param epoch part of the salt; a new one draws a new sample
   */
  constructor({ rate, epoch }: { readonly rate: number; readonly epoch: string }) {
    this.#rate = rate;
    this.#epoch = epoch;
  }

  /** Starts from what the store counted over the last 28 days: at the start, and again when other writers have counted too. */
  load(counts: readonly SamplingCount[]): void {
    this.#useCases = new Map();
    for (const count of counts) {
      const useCase = this.#useCase(count);
      useCase.chosen.set(count.prompt_version, count.sampled);
      useCase.debt += count.rate_sum - this.#rate * count.calls;
    }
    for (const useCase of this.#useCases.values()) useCase.debt = Math.max(0, useCase.debt);
  }

  decide(call: SamplingCandidate): SamplingDecision {
    const useCase = this.#useCase(call);
    const rate = this.#rateOf(call, useCase);
    useCase.debt = Math.max(0, useCase.debt + rate - this.#rate);
    const isChosen =
      rate === 1 || samplingUniform(`${call.use_case}/${this.#epoch}/`, call.conversation_id) < rate;
    if (!isChosen || this.#wasChosenToday(call)) {
      if (!useCase.chosen.has(call.prompt_version)) useCase.chosen.set(call.prompt_version, 0);
      return { is_sampled: false, sample_rate: rate };
    }
    useCase.chosen.set(call.prompt_version, (useCase.chosen.get(call.prompt_version) ?? 0) + 1);
    return { is_sampled: true, sample_rate: rate };
  }

  #rateOf(call: SamplingCandidate, { chosen, debt }: UseCase): number {
    if (call.status === "invalid_output") return 1;
    const base = debt > 0 ? this.#rate * (1 - REPAY_SHARE) : this.#rate;
    // The first version of a use case has no predecessor to be worse than. Versions are kept in the order of their first call.
    const first = chosen.keys().next().value;
    const isDeploy = call.prompt_version !== "" && first !== undefined && first !== call.prompt_version;
    if (!isDeploy || debt >= DEBT_MAX) return base;
    const rate = boostedRate(this.#rate, chosen.get(call.prompt_version) ?? 0);
    return rate > this.#rate ? rate : base;
  }

  #wasChosenToday({ use_case, prompt_version, input, started_at }: SamplingCandidate): boolean {
    if (input === null) return false;
    const day = started_at.slice(0, 10);
    // Days come in order but for latecomers; those are compared with the day at hand, which errs towards choosing.
    if (day > this.#day || this.#inputs.size >= INPUTS_MAX) {
      this.#day = day > this.#day ? day : this.#day;
      this.#inputs = new Set();
    }
    const normalised = input.toLowerCase().replace(/\s+/g, " ").trim();
    const fingerprint = createHash("sha256")
      .update(`${day}/${use_case}/${prompt_version}/${normalised}`)
      .digest("base64")
      .slice(0, 16);
    if (this.#inputs.has(fingerprint)) return true;
    this.#inputs.add(fingerprint);
    return false;
  }

  #useCase({ tenant, env, use_case }: Pick<SamplingCandidate, "tenant" | "env" | "use_case">): UseCase {
    const key = JSON.stringify([tenant, env, use_case]);
    let useCase = this.#useCases.get(key);
    if (useCase === undefined) {
      // A flood of invented names costs its boosts, not our memory.
      if (this.#useCases.size >= USE_CASES_MAX) this.#useCases.clear();
      useCase = { chosen: new Map(), debt: 0 };
      this.#useCases.set(key, useCase);
    }
    return useCase;
  }
}
