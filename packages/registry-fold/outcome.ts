/** What a command led to: changes, refusals and their sentences. */
import type { RegistryEvent } from "@plumbline/schemas";
import type { EnvState, Mark, Outcome, Refusal, UseCaseState, VersionState } from "./state.ts";

/** What is live changed. */
export function moved(
  useCase: UseCaseState,
  env: EnvState,
  mark: Mark,
  overridden: readonly Refusal[],
): Outcome {
  env.moved = mark;
  // It was read at another share.
  env.reading = null;
  return changed(useCase, env, mark, overridden);
}

export function changed(
  useCase: UseCaseState,
  env: EnvState,
  mark: Mark,
  overridden: readonly Refusal[],
): Outcome {
  env.revision += 1;
  env.live_revision = mark.offset + 1;
  useCase.envs.set(env.env, env);
  return { kind: "accepted", changed: true, revision: env.revision, overridden };
}

export function accept(revision: number | null, isChange = true): Outcome {
  return { kind: "accepted", changed: isChange, revision, overridden: [] };
}

export function reject(code: string, message: string): Outcome {
  return { kind: "rejected", code, message, failures: [] };
}

export function invalid({ type }: RegistryEvent): Outcome {
  return reject("invalid_command", `The body does not fit ${type}. Send it through the registry's API.`);
}

export function versionUnknown({ use_case }: UseCaseState, hash: string | null): Outcome {
  return reject(
    "version_unknown",
    `${use_case} has no version ${hash ?? "(none named)"}. Push it first: plumbline push`,
  );
}

export function gateRefused({ number }: VersionState, failures: readonly Refusal[]): Outcome {
  const [first] = failures;
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
  return {
    kind: "rejected",
    code: "gate_refused",
    message: `The gate refuses v${number}: ${first!.message}${more}`,
    failures,
  };
}

export function stale(useCase: UseCaseState, env: EnvState, event: RegistryEvent): Outcome {
  const top = env.stack.at(-1);
  const now =
    top === undefined || env.moved === null
      ? "nothing is live"
      : `v${numberOf(useCase, top)} is live, changed last by ${env.moved.actor}`;
  return reject(
    "stale_revision",
    `${event.env} is at revision ${env.revision}, you saw ${event.expected_revision}: ${now}. Look at plumbline status, then decide again.`,
  );
}

export function versionOf(
  useCase: UseCaseState,
  { prompt_version }: RegistryEvent,
): VersionState | undefined {
  return prompt_version === null ? undefined : useCase.versions.get(prompt_version);
}

export function numberOf(useCase: UseCaseState, hash: string): number | undefined {
  return useCase.versions.get(hash)?.number;
}

export function percent(weight: number): string {
  return `${Number((weight * 100).toFixed(2))}%`;
}
