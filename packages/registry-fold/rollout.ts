/** What is live in an env: a version is promoted, taken from one share to the next, read by the monitor, rolled back. */
import {
  CanaryReadBody,
  PromotedBody,
  type RegistryEvent,
  RolledBackBody,
  RolloutAdvancedBody,
} from "@plumbline/schemas";
import { checkPromotion, quarantineRefusals } from "./check-promotion.ts";
import {
  accept,
  gateRefused,
  invalid,
  moved,
  numberOf,
  percent,
  reject,
  stale,
  versionOf,
  versionUnknown,
} from "./outcome.ts";
import {
  BYPASSES_MAX,
  emptyEnv,
  type EnvState,
  type Mark,
  type Outcome,
  type UseCaseState,
} from "./state.ts";

export function promote(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const body = PromotedBody.safeParse(event.body);
  if (!body.success) return invalid(event);
  const { weight, is_bypass: isBypass, ramp = null } = body.data;
  if (ramp !== null && ramp[0] !== weight) return invalid(event);
  const version = versionOf(useCase, event);
  if (version === undefined) return versionUnknown(useCase, event.prompt_version);
  const env = useCase.envs.get(event.env) ?? emptyEnv(event.env);
  const { canary } = env;
  const incumbent = env.stack.at(-1) ?? null;
  const hash = version.prompt_version;

  if (event.expected_revision !== env.revision) return stale(useCase, env, event);
  if (canary !== null && canary.prompt_version !== hash) {
    return reject(
      "canary_in_progress",
      `v${numberOf(useCase, canary.prompt_version)} is live for ${percent(canary.weight)} of ${env.env}. Promote it wholly or roll it back first.`,
    );
  }
  if (incumbent === hash) {
    if (weight === 1) return accept(env.revision, false);
    return reject(
      "already_live",
      `v${version.number} serves everybody in ${env.env}. A share needs another version beside it.`,
    );
  }
  if (canary?.weight === weight && ramp === null && env.rollout === null) return accept(env.revision, false);
  if (incumbent === null && weight < 1) {
    return reject(
      "no_incumbent",
      `Nothing is live in ${env.env} yet, so nobody could get the rest. Promote it with weight 1.`,
    );
  }

  // No more exposure needs no proof; a rollout begins with it all the same.
  const isNoMore = canary !== null && weight <= canary.weight && ramp === null;
  const failures = isNoMore ? [] : checkPromotion(useCase, version, incumbent, mark.at);
  if (failures.length > 0) {
    if (!isBypass) return gateRefused(version, failures);
    if (event.reason.trim() === "") return reject("reason_missing", "A bypass needs a reason. Say why.");
    env.bypasses.push({ ...mark, prompt_version: hash, overridden: failures });
    if (env.bypasses.length > BYPASSES_MAX) env.bypasses.shift();
  }
  serve(env, hash, weight);
  env.rollout =
    ramp === null ? null : { prompt_version: hash, steps: ramp, step: 0, started: mark, stepped: mark };
  return moved(useCase, env, mark, failures);
}

export function rollBack(useCase: UseCaseState, event: RegistryEvent, mark: Mark): Outcome {
  const body = RolledBackBody.safeParse(event.body);
  if (!body.success) return invalid(event);
  const env = useCase.envs.get(event.env);
  const top = env?.stack.at(-1);
  if (env === undefined || top === undefined) {
    return reject("nothing_live", `Nothing of ${useCase.use_case} is live in ${event.env}. Check the env.`);
  }
  const named = [body.data.from, body.data.to].find((hash) => hash !== null && !useCase.versions.has(hash));
  if (named !== undefined) return versionUnknown(useCase, named);

  const { canary } = env;
  const isLive = (hash: string): boolean => hash === top || hash === canary?.prompt_version;
  if (body.data.from === null && body.data.to === top && canary === null) return accept(env.revision, false);
  const from = body.data.from ?? canary?.prompt_version ?? top;
  const bad = useCase.versions.get(from)!;
  if (!isLive(from)) {
    if (bad.quarantined !== null) return accept(env.revision, false);
    return reject(
      "not_live",
      `v${bad.number} is not live in ${env.env}; v${numberOf(useCase, top)} is. Quarantine it if it must not come back.`,
    );
  }
  if (event.expected_revision !== env.revision) return stale(useCase, env, event);
  const isGood = (hash: string): boolean => hash !== from && useCase.versions.get(hash)?.quarantined === null;
  const to = body.data.to ?? env.stack.findLast(isGood);
  if (to === undefined) {
    return reject(
      "nothing_before",
      `No good version was live in ${env.env} before v${bad.number}. Name one with --to, or push a mended one.`,
    );
  }
  if (to === from)
    return reject("same_version", `v${bad.number} can't replace itself. Name another version with --to.`);
  const target = useCase.versions.get(to)!;
  if (!env.served.includes(to)) {
    return reject(
      "target_never_live",
      `v${target.number} never served everybody in ${env.env}, and a rollback only goes back. Promote it instead.`,
    );
  }
  if (target.quarantined !== null) {
    return reject(
      "target_quarantined",
      `v${target.number} is quarantined (${target.quarantined.reason}). Name another version, or promote it with a bypass.`,
    );
  }

  const place = env.stack.lastIndexOf(to);
  if (place === -1) env.stack.push(to);
  else env.stack.length = place + 1;
  env.canary = null;
  env.rollout = null;
  bad.quarantined ??= mark;
  return moved(useCase, env, mark, []);
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

/** Gives a version its share: all of it moves the pointer, less is a canary. */
function serve(env: EnvState, hash: string, weight: number): void {
  if (weight < 1) {
    env.canary = { prompt_version: hash, weight };
    return;
  }
  env.stack.push(hash);
  if (!env.served.includes(hash)) env.served.push(hash);
  env.canary = null;
}
