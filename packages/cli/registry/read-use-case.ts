import { CommandFailure } from "../shell/failure.ts";
import { UseCaseAnswer, type EnvSummary } from "./answers.ts";
import type { RegistryClient } from "./registry-client.ts";

/** @throws CommandFailure exit code 4 when the registry does not know the use case */
export async function readUseCase(registry: RegistryClient, useCase: string): Promise<UseCaseAnswer> {
  return registry.get(`/v1/use-cases/${encodeURIComponent(useCase)}`, UseCaseAnswer);
}

/** Null when the registry does not know it yet. */
export async function readUseCaseIfAny(
  registry: RegistryClient,
  useCase: string,
): Promise<UseCaseAnswer | null> {
  try {
    return await readUseCase(registry, useCase);
  } catch (error) {
    if (error instanceof CommandFailure && error.code === "use-case-unknown") return null;
    throw error;
  }
}

const NOTHING: EnvSummary = {
  revision: 0,
  live: [],
  moved: null,
  rollout: null,
  canary: null,
  previous_good: null,
  policy_hash: null,
  drill: null,
  bypasses: [],
};

/** The environment, or an empty one at revision 0 where nothing was ever live. */
export function envOf(useCase: UseCaseAnswer | null, env: string): EnvSummary {
  return useCase?.envs[env] ?? NOTHING;
}

/** The version that serves everybody who is not part of a canary; null when nothing is live. */
export function incumbentOf({ live }: EnvSummary): string | null {
  return live.at(-1)?.prompt_version ?? null;
}
