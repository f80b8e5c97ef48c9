/**
 * Gives commands to the log and answers once the log has decided: the outcome is read back from the command's own
 * record, like every replica reads it.
 */
import { createHash, randomUUID } from "node:crypto";
import { contentHash } from "@plumbline/prompts";
import { type Clock, type EventLog, LogError, writeEvent } from "@plumbline/ports";
import { DEFAULT_TENANT } from "@plumbline/runtime/http";
import { REGISTRY_TOPIC, type RegistryEvent, type UseCaseSettings } from "@plumbline/schemas";
import { answerAgain, fingerprintOf } from "@plumbline/registry-fold/fold";
import { fleetOf } from "@plumbline/registry-fold/fleet";
import { type LogFollower } from "./follow-log.ts";
import { splitEval } from "./eval/split-eval.ts";
import { findUseCase, type Outcome, type RegistryState } from "@plumbline/registry-fold/state";

/** A command without what the registry adds. */
export type Command = Omit<RegistryEvent, "event_id" | "at" | "expected_revision"> & {
  /** Null: whatever the registry sees now. */
  readonly expected_revision: number | null;
};

export interface Submitted {
  readonly event_id: string;
  readonly offset: number;
  readonly outcome: Outcome;
}

interface CommandDeps {
  readonly log: Pick<EventLog, "append">;
  readonly clock: Clock;
  readonly state: RegistryState;
  readonly follower: LogFollower;
  /** Longest wait for the log to take a command, and for the command to be folded, ms each. */
  readonly timeoutMs: number;
}

/**
 * @param tenant whose use case it is; of the sender's credential
 * @param idempotencyKey the sender's own; the same key of the same actor is one command, however often it comes
 * @throws LogError `log_unavailable` when the log did not take the command, or took it and could not be read back
 */
export type Submit = (command: Command, tenant: string, idempotencyKey: string | null) => Promise<Submitted>;

export function createSubmit({ log, clock, state, follower, timeoutMs }: CommandDeps): Submit {
  return async (command, tenant, idempotencyKey) => {
    // Another replica may have changed it a moment ago; a rollback must not fail by that. And nothing is appended to a
    // topic that was not found to be the one that the snapshot is of.
    const isMoveOfLatest = command.expected_revision === null && MOVES.has(command.type);
    if (isMoveOfLatest || !follower.isLoaded) await withinTime(follower.catchUp());
    const expected = command.expected_revision ?? revisionOf(state, tenant, command);
    const [event, parts] = splitEval({
      ...command,
      event_id: idempotencyKey === null ? randomUUID() : eventIdOf(tenant, command.actor, idempotencyKey),
      expected_revision: expected,
      at: new Date(clock.now()).toISOString(),
    });
    const known = state.outcomes.get(event.event_id);
    if (known !== undefined) {
      const outcome = answerAgain(known, fingerprintOf(event));
      return { event_id: event.event_id, offset: known.offset, outcome };
    }
    const settled = alreadyRegistered(state, tenant, event);
    if (settled !== null) return settled;

    const offset = await append(tenant, [...parts, event]);
    const outcome = await follower.outcomeAt(offset, timeoutMs);
    if (outcome !== null) return { event_id: event.event_id, offset, outcome };
    throw unavailable("the command is in the log, but could not be read back in time");
  };

  /** @returns the offset of the last one */
  async function append(tenant: string, events: readonly RegistryEvent[]): Promise<number> {
    const records = events.map((event) => ({
      key: event.use_case,
      value: writeEvent(event),
      headers: { tenant },
    }));
    const positions = await withinTime(log.append(REGISTRY_TOPIC, records));
    return positions.at(-1)!.offset;
  }

  async function withinTime<T>(work: Promise<T>): Promise<T> {
    const answered = new AbortController();
    const timeout = clock.sleep(timeoutMs, answered.signal).then((): never => {
      throw unavailable(`the log did not answer within ${timeoutMs} ms`);
    });
    timeout.catch(() => undefined);
    try {
      return await Promise.race([work, timeout]);
    } finally {
      answered.abort();
    }
  }
}

/** Commands about a fleet; they compare its revision. */
const ABOUT_FLEETS: ReadonlySet<RegistryEvent["type"]> = new Set(["model_switched", "automation_set"]);
/** Commands that change what is live, and so compare the revision. */
const MOVES: ReadonlySet<RegistryEvent["type"]> = new Set([
  "promoted",
  "rolled_back",
  "rollout_advanced",
  "policy_set",
  ...ABOUT_FLEETS,
]);

function unavailable(message: string): LogError {
  return new LogError("log_unavailable", message, { retryable: true });
}

function revisionOf(state: RegistryState, tenant: string, { type, use_case, env }: Command): number {
  if (ABOUT_FLEETS.has(type)) return fleetOf(state, tenant, env).revision;
  return findUseCase(state, tenant, use_case)?.envs.get(env)?.revision ?? 0;
}

function eventIdOf(tenant: string, actor: string, key: string): string {
  // Ids of before tenants stay what they were.
  const sender = tenant === DEFAULT_TENANT ? [actor] : [tenant, actor];
  return `key_${createHash("sha256")
    .update(JSON.stringify([...sender, key]))
    .digest("hex")
    .slice(0, 32)}`;
}

/** Every push registers every version again; what is registered already need not fill the log. */
function alreadyRegistered(state: RegistryState, tenant: string, event: RegistryEvent): Submitted | null {
  if (event.type !== "version_registered" || event.prompt_version === null) return null;
  const useCase = findUseCase(state, tenant, event.use_case);
  const version = useCase?.versions.get(event.prompt_version);
  if (useCase === undefined || version === undefined) return null;
  const settings = event.body["settings"] as UseCaseSettings | null;
  if (settings !== null && contentHash(settings) !== contentHash(useCase.settings)) return null;
  if (contentHash(event.body["document"]) !== version.prompt_version) return null;
  return {
    event_id: event.event_id,
    offset: version.registered.offset,
    outcome: { kind: "accepted", changed: false, revision: null, overridden: [] },
  };
}
