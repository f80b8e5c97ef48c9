/** Which versions were given a share of the conversations, and what was read of them since: from the registry topic. */
import type { EventLog, LogRecord } from "@plumbline/ports";
import { CanaryReadBody, type CanaryDecision, PromotedBody, RegistryEvent } from "@plumbline/schemas";

export const REGISTRY_TOPIC = "plumbline.registry";
const READ_RECORDS = 1_000;

export interface GivenShare {
  readonly use_case: string;
  readonly env: string;
  readonly prompt_version: string;
  /** When it first got a share since it last had none, ms. */
  readonly startedMs: number;
  /** When it got the newest share, ms, and the offset of that command. */
  readonly stepMs: number;
  readonly stepOffset: number;
  readonly stepEventId: string;
  /** The newest reading since then. */
  readonly read: CanaryDecision | null;
}

/**
 * Commands as they were given, refused ones too: whether one is accepted is the registry's to say, and it refuses the
 * reading of a version that serves no share. A refused command about a canary only starts its evidence anew, which
 * holds the step longer and decides nothing.
 */
export class GivenShares {
  readonly #log: Pick<EventLog, "read">;
  readonly #shares = new Map<string, GivenShare>();
  #next = 0;

  constructor(log: Pick<EventLog, "read">) {
    this.#log = log;
  }

  async refresh(): Promise<void> {
    for (;;) {
      const records = await this.#log.read(REGISTRY_TOPIC, 0, this.#next, { recordsMax: READ_RECORDS });
      for (const record of records) {
        this.#next = record.offset + 1;
        this.#take(record);
      }
      if (records.length === 0) return;
    }
  }

  all(): readonly GivenShare[] {
    return [...this.#shares.values()];
  }

  /** Whether the version serves, or served, beside another one. */
  has({ use_case, env }: { readonly use_case: string; readonly env: string }, version: string): boolean {
    return this.#shares.has(keyOf(use_case, env, version));
  }

  #take({ value, offset, timestamp }: LogRecord): void {
    const event = parseCommand(value);
    if (event?.prompt_version == null) return;
    const { use_case, env, prompt_version } = event;
    const key = keyOf(use_case, env, prompt_version);
    const known = this.#shares.get(key);
    if (event.type === "canary_read") {
      const body = CanaryReadBody.safeParse(event.body);
      if (known !== undefined && body.success && body.data.decision.step_offset === known.stepOffset) {
        this.#shares.set(key, { ...known, read: body.data.decision });
      }
      return;
    }
    // A command that came twice is one command.
    if (!givesShare(event) || known?.stepEventId === event.event_id) return;
    const isOngoing = event.type === "rollout_advanced";
    this.#shares.set(key, {
      use_case,
      env,
      prompt_version,
      startedMs: isOngoing ? (known?.startedMs ?? timestamp) : timestamp,
      stepMs: timestamp,
      stepOffset: offset,
      stepEventId: event.event_id,
      read: null,
    });
  }
}

function keyOf(useCase: string, env: string, version: string): string {
  return JSON.stringify([useCase, env, version]);
}

function givesShare({ type, body }: RegistryEvent): boolean {
  if (type === "rollout_advanced") return true;
  const promoted = type === "promoted" ? PromotedBody.safeParse(body) : null;
  return promoted?.data !== undefined && promoted.data.weight < 1;
}

/** Null for a record that is no command: the registry counts it. */
export function parseCommand(value: Uint8Array): RegistryEvent | null {
  try {
    return RegistryEvent.safeParse(JSON.parse(new TextDecoder().decode(value))).data ?? null;
  } catch {
    return null;
  }
}
