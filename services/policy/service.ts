/**
 * The controller of rollouts: takes a version to its next share when the monitor has cleared the step, and back when it
 * has regressed.
 *
 * It keeps nothing. What runs and what was read of it is the registry's; the registry takes a command once, however many
 * replicas give it and however often.
 */
import type { Clock } from "@plumbline/ports";
import { Heartbeat, notOk, ok, type Health } from "@plumbline/runtime/health";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import { supervise } from "@plumbline/runtime/supervise";
import { untilAborted } from "@plumbline/runtime/until-aborted";
import { nextCommand, type Next } from "./next-command.ts";
import {
  createRegistryApi,
  RegistryAway,
  type RegistryApi,
  type RegistryApiOptions,
} from "./registry-api.ts";

interface PolicyDeps extends Omit<RegistryApiOptions, "registryUrl"> {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of any replica of the registry; a promise where it is started beside this service. */
  readonly registryUrl: string | Promise<string>;
  /** Between two looks at the registry, ms. Default 5,000. */
  readonly pollMs?: number;
}

/** A rollout as it stands. */
interface RolloutStatus extends Pick<Next, "prompt_version" | "step" | "share" | "why" | "decision"> {
  readonly use_case: string;
  readonly env: string;
  /** `refused`: the registry did not take the command; `why` says what to do. */
  readonly doing: Next["kind"] | "refused";
}

export interface PolicyService extends Service {
  /** Every rollout of the last look. */
  status(): readonly RolloutStatus[];
  /** `registry`: it was reached at the last look. */
  readonly health: Required<Health>;
}

const BACKOFF_MS_MAX = 60_000;

export function createPolicyService(deps: PolicyDeps): PolicyService {
  const { clock, logger, registryUrl, apiKey, pollMs = 5_000 } = deps;
  let rollouts: readonly RolloutStatus[] = [];
  /** What the last look could not read, as the registry may be newer. */
  let unreadable: readonly string[] = [];
  let failures = 0;
  let hasLooked = false;
  const loop = new Heartbeat();

  async function look(api: RegistryApi, signal: AbortSignal): Promise<void> {
    const seen: RolloutStatus[] = [];
    const { envs, unreadable: newer } = await api.useCases(signal);
    for (const each of newer)
      if (!unreadable.includes(each)) logger.warn({ what: each }, "policy.unreadable");
    unreadable = newer;
    for (const { use_case, env, view } of envs) {
      const next = nextCommand(view, clock.now());
      if (next === null) continue;
      const status = await act(api, { use_case, env, revision: view.revision, next }, signal);
      seen.push(status);
      report(status);
    }
    rollouts = seen;
    hasLooked = true;
  }

  async function act(
    api: RegistryApi,
    command: { use_case: string; env: string; revision: number; next: Next },
    signal: AbortSignal,
  ): Promise<RolloutStatus> {
    const { use_case, env, next } = command;
    const { kind, prompt_version, step, share, why, decision } = next;
    const refusal = kind === "hold" ? null : await api.give(command, signal);
    const about = { use_case, env, prompt_version, step, share, decision };
    return refusal === null ? { ...about, doing: kind, why } : { ...about, doing: "refused", why: refusal };
  }

  /** A line when something is done, and when something else is waited for than before. */
  function report(status: RolloutStatus): void {
    const { use_case, env, prompt_version, share, doing, why, decision } = status;
    const before = rollouts.find((each) => each.use_case === use_case && each.env === env);
    const isOld =
      before?.doing === doing &&
      before.prompt_version === prompt_version &&
      before.share === share &&
      before.decision?.waits_for === decision?.waits_for;
    if (isOld && (doing === "hold" || doing === "refused")) return;
    const line = { use_case, env, prompt_version, share, why, decision: decision?.state ?? null };
    if (doing === "refused" || doing === "roll_back") logger.warn(line, `policy.${doing}`);
    else logger.info(line, `policy.${doing}`);
  }

  return {
    name: "policy",
    status: () => rollouts,
    health: {
      liveness: { loop: loop.check },
      readiness: {
        registry: () => {
          if (failures > 0) return notOk(`the registry was not reached at the last ${failures} looks`);
          if (!hasLooked) return notOk("the registry was not reached yet");
          if (unreadable.length > 0) return notOk(`the registry says what is unknown here: ${unreadable[0]}`);
          return ok(`${rollouts.length} rollouts at the last look`);
        },
      },
    },
    async run(signal) {
      // A registry that is stopped before it listens never says where.
      const url = await Promise.race([registryUrl, untilAborted(signal).then(() => null)]);
      if (url === null) return;
      const api = createRegistryApi({ registryUrl: url, apiKey });
      const turn = (): Promise<void> => {
        loop.beat();
        return look(api, signal);
      };
      await supervise(turn, {
        clock,
        signal,
        everyMs: pollMs,
        waitMsMax: BACKOFF_MS_MAX,
        isRetryable: (error) => error instanceof RegistryAway,
        onFailed: (error, count) => {
          failures = count;
          if (count === 1) logger.warn({ err: error }, "policy.registry_away");
        },
        onRecovered: (count) => {
          failures = 0;
          logger.info({ failures: count }, "policy.registry_back");
        },
      });
    },
  };
}
