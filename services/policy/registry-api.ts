/** The two things that the controller says to a registry, and the one that it asks. */
import { addressOf, whyUnreachable } from "@plumbline/ports";
import { Problem } from "@plumbline/schemas";
import type { Next } from "./next-command.ts";
import { readUseCases, type UseCases } from "./read-answer.ts";

const TIMEOUT_MS = 15_000;

export interface RegistryApi {
  /** @throws RegistryAway */
  useCases(signal: AbortSignal): Promise<UseCases>;
  /**
   * Gives the command.
   *
   * @returns null when it was taken, else why it was refused
   * @throws RegistryAway it may or may not have been taken; repeat it with the same key
   */
  give(command: GivenCommand, signal: AbortSignal): Promise<string | null>;
}

interface GivenCommand {
  readonly use_case: string;
  readonly env: string;
  readonly revision: number;
  readonly next: Next;
}

/** The registry could not be asked; it is asked again. */
export class RegistryAway extends Error {
  override readonly name = "RegistryAway";
}

export interface RegistryApiOptions {
  readonly registryUrl: string;
  /** Absent where the registry asks for none. */
  readonly apiKey?: string | undefined;
}

export function createRegistryApi({ registryUrl, apiKey }: RegistryApiOptions): RegistryApi {
  const base = registryUrl.replace(/\/+$/, "");
  const headers = {
    "content-type": "application/json",
    // Where keys are asked for, the key says who acts.
    "x-plumbline-actor": "policy",
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  };

  async function ask(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(`${base}${path}`, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
    } catch (cause) {
      throw new RegistryAway(
        `the registry at ${addressOf(base)} did not answer (${whyUnreachable(base, cause)})`,
        { cause },
      );
    }
  }

  return {
    async useCases(signal) {
      const response = await ask("/v1/use-cases", { headers }, signal);
      if (!response.ok) throw new RegistryAway(await problemOf(response));
      const useCases = readUseCases(await bodyOf(response));
      // A proxy's page, say.
      if (useCases === null) throw new RegistryAway(`${base} answered, and not as a registry does`);
      return useCases;
    },
    async give({ use_case, env, revision, next }, signal) {
      const { kind, prompt_version, step, decision, why, idempotencyKey } = next;
      const shared = { env, expected_revision: revision, reason: why, decision };
      const [path, body] =
        kind === "advance"
          ? ["advance", { ...shared, prompt_version, step: step + 1 }]
          : ["rollback", { ...shared, from: prompt_version }];
      const response = await ask(
        `/v1/use-cases/${encodeURIComponent(use_case)}/${path}`,
        {
          method: "POST",
          headers: { ...headers, "idempotency-key": idempotencyKey },
          body: JSON.stringify(body),
        },
        signal,
      );
      if (response.ok) return null;
      const problem = await problemOf(response);
      if (response.status >= 500 || response.status === 429) throw new RegistryAway(problem);
      return problem;
    },
  };
}

/** @returns undefined for what is no JSON, or was cut */
async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

async function problemOf(response: Response): Promise<string> {
  const problem = Problem.safeParse(await bodyOf(response));
  return problem.success
    ? `${problem.data.detail ?? problem.data.title}`
    : `the registry answered ${response.status}`;
}
