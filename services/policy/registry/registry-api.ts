/** What the policy service asks a registry, and the commands that it gives. */
import { addressOf, whyUnreachable } from "@plumbline/ports";
import { type ModelEvidence, Problem, type RollbackIncident } from "@plumbline/schemas";
import {
  countAutomaticRollbacks,
  type Fleets,
  type KeptDecision,
  readFleets,
  readUseCases,
  type UseCases,
} from "./read-answer.ts";

const TIMEOUT_MS = 15_000;
/** Entries of a history that are read to count a day's rollbacks; so many in a day are more than any limit. */
const HISTORY_LIMIT = 500;

export interface RegistryApi {
  /** @throws RegistryAway */
  useCases(signal: AbortSignal): Promise<UseCases>;
  /** @returns null when they can't be read, as from an older registry @throws RegistryAway */
  fleets(signal: AbortSignal): Promise<Fleets | null>;
  /** Rollbacks of a use case and env that no person asked for. @throws RegistryAway */
  automaticRollbacks(
    asked: { readonly use_case: string; readonly env: string; readonly sinceMs: number },
    signal: AbortSignal,
  ): Promise<number>;
  /**
   * Takes a rollout a step further, or back. So do the others with what they command.
   *
   * @returns null when it was taken, else why it was refused
   * @throws RegistryAway it may or may not have been taken; repeat it, and it is the same command
   */
  give(command: GivenCommand, signal: AbortSignal): Promise<string | null>;
  rollBack(command: GivenRollback, signal: AbortSignal): Promise<string | null>;
  switchModel(command: GivenSwitch, signal: AbortSignal): Promise<string | null>;
}

interface GivenCommand {
  readonly use_case: string;
  readonly env: string;
  readonly revision: number;
  readonly next: RolloutStep;
}

/** Where a rollout goes next. */
export interface RolloutStep {
  readonly kind: "advance" | "roll_back" | "hold";
  readonly prompt_version: string;
  /** Index of the step that is served now. */
  readonly step: number;
  readonly why: string;
  /** Null while nothing was read at this step. */
  readonly decision: KeptDecision | null;
  /** The same for everybody who gives this command in this state, so that it is one command. */
  readonly idempotencyKey: string;
}

interface GivenRollback {
  readonly use_case: string;
  readonly env: string;
  readonly revision: number;
  /** The version that is taken back. */
  readonly from: string;
  readonly why: string;
  readonly evidence: RollbackIncident;
}

interface GivenSwitch {
  readonly env: string;
  readonly model: string;
  readonly state: "off" | "on";
  /** Of the fleet. */
  readonly revision: number;
  readonly why: string;
  readonly evidence: ModelEvidence | null;
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

  /** @returns null when the command was taken, else why it was refused */
  async function command(
    path: string,
    body: object,
    idempotencyKey: string,
    signal: AbortSignal,
  ): Promise<string | null> {
    const init = {
      method: "POST",
      headers: { ...headers, "idempotency-key": idempotencyKey },
      body: JSON.stringify(body),
    };
    const response = await ask(path, init, signal);
    if (response.ok) return null;
    const problem = await problemOf(response);
    if (response.status >= 500 || response.status === 429) throw new RegistryAway(problem);
    return problem;
  }

  async function read(path: string, signal: AbortSignal): Promise<unknown> {
    const response = await ask(path, { headers }, signal);
    if (!response.ok) throw new RegistryAway(await problemOf(response));
    return bodyOf(response);
  }

  // A proxy's page, say.
  const notARegistry = (): RegistryAway => new RegistryAway(`${base} answered, and not as a registry does`);

  return {
    async useCases(signal) {
      const useCases = readUseCases(await read("/v1/use-cases", signal));
      if (useCases === null) throw notARegistry();
      return useCases;
    },
    async fleets(signal) {
      const response = await ask("/v1/fleets", { headers }, signal);
      if (response.ok) return readFleets(await bodyOf(response));
      if (response.status === 404) return null;
      throw new RegistryAway(await problemOf(response));
    },
    async automaticRollbacks({ use_case, env, sinceMs }, signal) {
      const path = `${pathOf(use_case)}/history?env=${encodeURIComponent(env)}&limit=${HISTORY_LIMIT}`;
      const count = countAutomaticRollbacks(await read(path, signal), sinceMs);
      if (count === null) throw notARegistry();
      return count;
    },
    give({ use_case, env, revision, next }, signal) {
      const { kind, prompt_version, step, decision, why, idempotencyKey } = next;
      const shared = { env, expected_revision: revision, reason: why, decision };
      const [path, body] =
        kind === "advance"
          ? ["advance", { ...shared, prompt_version, step: step + 1 }]
          : ["rollback", { ...shared, from: prompt_version }];
      return command(`${pathOf(use_case)}/${path}`, body, idempotencyKey, signal);
    },
    rollBack({ use_case, env, revision, from, why, evidence }, signal) {
      const body = { env, expected_revision: revision, from, reason: why, incident: evidence };
      return command(`${pathOf(use_case)}/rollback`, body, `${evidence.incident_id}/${revision}`, signal);
    },
    switchModel({ env, model, state, revision, why, evidence }, signal) {
      const body = {
        model,
        state,
        expected_revision: revision,
        reason: why,
        ...(evidence === null ? {} : { evidence }),
      };
      return command(`/v1/fleets/${env}/models`, body, `${env}/${model}/${state}/${revision}`, signal);
    },
  };
}

function pathOf(useCase: string): string {
  return `/v1/use-cases/${encodeURIComponent(useCase)}`;
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
