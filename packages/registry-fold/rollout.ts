/** Rollouts: what takes a canary from one share to the next, and what the monitor reads of it meanwhile. */
import { CanaryReadBody, RolloutAdvancedBody, type RegistryEvent } from "@plumbline/schemas";
import { quarantineRefusals } from "./check-promotion.ts";
import { accept, gateRefused, invalid, moved, numberOf, reject, stale } from "./outcome.ts";
import type { EnvState, Mark, Outcome, UseCaseState } from "./state.ts";

/** Gives a version its share: all of it moves the pointer, less is a canary. */
export function serve(env: EnvState, hash: string, weight: number): void {
  if (weight < 1) {
    env.canary = { prompt_version: hash, weight };
    return;
  }
  env.stack.push(hash);
  if (!env.served.includes(hash)) env.served.push(hash);
  env.canary = null;
}

/** The gate was passed at the first step, so here only a quarantine stands in the way. */
export function advanceRollout(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const body = RolloutAdvancedBody.safeParse(event.body);
  if (!body.success) return invalid(event);
  const { step, decision } = body.data;
  const env = useCase.envs.get(event.env);
  const rollout = env?.rollout ?? null;
  if (env === undefined || rollout === null || rollout.prompt_version !== event.prompt_version) {
    const asked = event.prompt_version === null ? undefined : numberOf(useCase, event.prompt_version);
    return reject(
      "no_rollout",
      `No rollout of ${asked === undefined ? "that version" : `v${asked}`} runs in ${event.env}. Look at plumbline status; promote it with --ramp to begin one.`,
    );
  }
  if (step <= rollout.step) return accept(env.revision, false);
  if (event.expected_revision !== env.revision) return stale(useCase, env, event);
  const weight = rollout.steps[step];
  if (step !== rollout.step + 1 || weight === undefined) {
    return reject(
      "step_skipped",
      `The rollout is at step ${rollout.step}; the next is ${rollout.step + 1}, not ${step}. Promote the version with a weight to leave the ramp.`,
    );
  }
  if (decision === null && event.reason.trim() === "") {
    return reject("reason_missing", "An advance without a decision needs a reason. Say why.");
  }
  if (decision !== null && decision.state !== "CLEARED") {
    return reject(
      "not_cleared",
      `The decision says ${decision.state}, which holds the step. Wait for CLEARED, or advance for a reason of your own.`,
    );
  }
  const version = useCase.versions.get(rollout.prompt_version)!;
  const refusals = quarantineRefusals(version);
  if (refusals.length > 0) return gateRefused(version, refusals);
  serve(env, rollout.prompt_version, weight);
  env.rollout = weight === 1 ? null : { ...rollout, step, stepped: mark };
  return moved(useCase, env, mark, []);
}

/** A reading changes nothing that is live, and so no revision. */
export function readCanary(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const body = CanaryReadBody.safeParse(event.body);
  if (!body.success) return invalid(event);
  const env = useCase.envs.get(event.env);
  const { decision } = body.data;
  if (env?.canary == null || env.canary.prompt_version !== event.prompt_version) {
    return reject("no_canary", "The version that was read serves no share by now.");
  }
  if (decision.step_offset < env.moved!.offset) {
    return reject("reading_stale", "It was read before the version got its share. The next reading counts.");
  }
  env.reading = { ...mark, prompt_version: env.canary.prompt_version, decision };
  return accept(env.revision);
}
