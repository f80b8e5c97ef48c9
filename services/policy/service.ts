/**
 * What happens without a person: rollouts go on or back, models that fail for the whole fleet are left out, and versions
 * whose guardrail regressed are taken back.
 *
 * It keeps nothing. What runs, what was read of it and what was done are the registry's and the log's; the registry takes
 * a command once, however many replicas give it and however often. Without evidence nothing moves.
 */
import { counted } from "@plumbline/schemas";
import { type Clock, type EventLog, isLogAway } from "@plumbline/ports";
import { Heartbeat, notOk, ok, type Health } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import { supervise } from "@plumbline/runtime/supervise";
import { untilAborted } from "@plumbline/runtime/until-aborted";
import { DEFAULT_LIMITS, type AutomationLimits } from "./automation.ts";
import { ModelWatch, type ModelStatus } from "./models/model-watch.ts";
import type { Fleets } from "./registry/read-answer.ts";
import {
  createRegistryApi,
  RegistryAway,
  type RegistryApi,
  type RegistryApiOptions,
} from "./registry/registry-api.ts";
import { RegressionWatch, type RegressionStatus } from "./regressions/regression-watch.ts";
import { RolloutControl, type RolloutStatus } from "./rollouts/rollout-control.ts";

interface PolicyDeps extends Omit<RegistryApiOptions, "registryUrl"> {
  /** Where calls and incidents arrive. */
  readonly log: Pick<EventLog, "append" | "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of any replica of the registry; a promise where it is started beside this service. */
  readonly registryUrl: string | Promise<string>;
  /** Longest wait between two looks at the registry, ms. Default 5,000. */
  readonly pollMs?: number;
  /** Between two looks at the log, ms. Default 1,000. */
  readonly followMs?: number;
  readonly limits?: AutomationLimits;
}

interface PolicyStatus {
  /** Every rollout of the last look. */
  readonly rollouts: readonly RolloutStatus[];
  /** Every model that was tried within ten minutes, or is off. */
  readonly models: readonly ModelStatus[];
  /** Every open regression that automation is about. */
  readonly regressions: readonly RegressionStatus[];
  readonly limits: AutomationLimits;
  /** Calls since the start: counted, too late to tell of now, skipped in a backlog, unreadable. */
  readonly calls: ModelWatch["counts"];
}

export interface PolicyService extends Service {
  status(): PolicyStatus;
  /** `registry`: it was reached at the last look; `log`: so was the log. */
  readonly health: Required<Health>;
}

const BACKOFF_MS_MAX = 60_000;

export function createPolicyService(deps: PolicyDeps): PolicyService {
  return new Policy(deps);
}

class Policy implements PolicyService {
  readonly name = "policy";
  readonly health: Required<Health>;
  readonly #deps: PolicyDeps;
  readonly #limits: AutomationLimits;
  readonly #rollouts: RolloutControl;
  readonly #models: ModelWatch;
  readonly #regressions: RegressionWatch;
  readonly #loop = new Heartbeat();
  /** As of the last look; null before the first, and where the registry says none. */
  #fleets: Fleets | null = null;
  /** Something is to be done before the next look is due. */
  #isDue = false;
  /** Aborts when that begins to be so, and is replaced then. */
  #due = new AbortController();
  #hasLooked = false;
  #registryFailures = 0;
  #logFailures = 0;

  constructor(deps: PolicyDeps) {
    const { log, clock, logger, limits = DEFAULT_LIMITS } = deps;
    this.#deps = deps;
    this.#limits = limits;
    this.#rollouts = new RolloutControl({ clock, logger });
    this.#models = new ModelWatch({ log, clock, logger, limits });
    this.#regressions = new RegressionWatch({ log, clock, logger, limits });
    this.health = {
      liveness: { loop: this.#loop.check },
      readiness: { registry: () => this.#checkRegistry(), log: () => this.#checkLog() },
    };
  }

  status(): PolicyStatus {
    return {
      rollouts: this.#rollouts.status,
      models: this.#models.status,
      regressions: this.#regressions.status,
      limits: this.#limits,
      calls: { ...this.#models.counts },
    };
  }

  async run(stop: AbortSignal): Promise<void> {
    const { clock, apiKey, registryUrl, pollMs = 5_000, followMs = 1_000 } = this.#deps;
    // A registry that is stopped before it listens never says where.
    const url = await Promise.race([registryUrl, untilAborted(stop).then(() => null)]);
    if (url === null) return;
    const api = createRegistryApi({ registryUrl: url, apiKey });
    const failed = new AbortController();
    const signal = AbortSignal.any([stop, failed.signal]);
    const untilDue = {
      sleep: async (ms: number): Promise<void> => {
        // A registry that is away is not asked more often for that.
        const isSooner = this.#registryFailures === 0;
        if (isSooner && this.#isDue) return;
        await clock.sleep(ms, isSooner ? AbortSignal.any([signal, this.#due.signal]) : signal);
      },
    };
    const loops = [
      this.#supervise("registry", { clock: untilDue, everyMs: pollMs, signal }, () =>
        this.#look(api, signal),
      ),
      this.#supervise("log", { clock, everyMs: followMs, signal }, () => this.#follow()),
    ].map((loop) => loop.finally(() => failed.abort()));
    await Promise.all(loops);
  }

  #supervise(
    what: "registry" | "log",
    at: Pick<Parameters<typeof supervise>[1], "clock" | "everyMs" | "signal">,
    turn: () => Promise<void>,
  ): Promise<void> {
    const { logger } = this.#deps;
    const failures = (count: number): void => {
      if (what === "registry") this.#registryFailures = count;
      else this.#logFailures = count;
    };
    return supervise(turn, {
      ...at,
      waitMsMax: BACKOFF_MS_MAX,
      isRetryable: (error) => error instanceof RegistryAway || isLogAway(error),
      onFailed: (error, count) => {
        failures(count);
        if (count === 1) logger.warn({ err: error }, `policy.${what}_away`);
      },
      onRecovered: (count) => {
        failures(0);
        logger.info({ failures: count }, `policy.${what}_back`);
      },
    });
  }

  /** Reads what arrived; something to do does not wait for the next look at the registry. */
  async #follow(): Promise<void> {
    const fleets = this.#fleets;
    if (fleets === null) return;
    await this.#models.refresh(fleets.tenant);
    const isNews = await this.#regressions.refresh();
    if (!isNews && !this.#models.isDue(fleets.fleets)) return;
    this.#isDue = true;
    const before = this.#due;
    this.#due = new AbortController();
    before.abort();
  }

  async #look(api: RegistryApi, signal: AbortSignal): Promise<void> {
    this.#loop.beat();
    this.#isDue = false;
    const [fleets, useCases] = await Promise.all([api.fleets(signal), api.useCases(signal)]);
    this.#fleets = fleets;
    await this.#rollouts.act(useCases, fleets?.fleets ?? null, api, signal);
    this.#hasLooked = true;
    // Whether a person paused automation is not known: an older registry cannot say.
    if (fleets === null) return;
    await this.#regressions.act({ ...fleets, envs: useCases.envs }, api, signal);
    await this.#models.act(fleets.fleets, api, signal);
  }

  #checkRegistry() {
    if (this.#registryFailures > 0)
      return notOk(`the registry was not reached at the last ${looks(this.#registryFailures)}`);
    if (!this.#hasLooked) return notOk("the registry was not reached yet");
    const [unreadable] = this.#rollouts.unreadable;
    if (unreadable !== undefined) return notOk(`the registry says what is unknown here: ${unreadable}`);
    if (this.#fleets === null)
      return notOk("the registry says nothing of fleets that is known here; update it");
    return ok(`${counted(this.#rollouts.status.length, "rollout")} at the last look`);
  }

  #checkLog() {
    if (this.#logFailures > 0)
      return notOk(`the log was not reached at the last ${looks(this.#logFailures)}`);
    return ok(`${counted(this.#models.counts.calls, "call")} counted since the start`);
  }
}

function looks(failed: number): string {
  return failed === 1 ? "look" : `${failed} looks`;
}
