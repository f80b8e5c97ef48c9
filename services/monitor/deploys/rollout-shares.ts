/** Which versions were given a share of the conversations, and what was read of them since: from the registry topic. */
import { type EventLog, type LogRecord, readPages } from "@plumbline/ports";
import { foldRecord, tenantOf } from "@plumbline/registry-fold/fold";
import { createState } from "@plumbline/registry-fold/state";
import {
  type CanaryDecision,
  CanaryReadBody,
  PromotedBody,
  REGISTRY_TOPIC,
  type RegistryEvent,
} from "@plumbline/schemas";

const READ_RECORDS = 1_000;

export interface GivenShare {
  /** Whose use case it is. */
  readonly tenant: string;
  readonly use_case: string;
  readonly env: string;
  readonly prompt_version: string;
  /** When it first got a share since it last had none, ms. */
  readonly startedMs: number;
  /** When it got the newest share, ms, and the offset of that command. */
  readonly stepMs: number;
  readonly stepOffset: number;
  /** The newest reading since then. */
  readonly read: CanaryDecision | null;
}

/**
 * GivenShares folds the registry topic as the registry does, so that only a command that was accepted and changed what is
 * live begins a step. A refused or repeated one leaves the evidence of the running step as it is.
 */
export class GivenShares {
  readonly #log: Pick<EventLog, "read">;
  readonly #registry = createState();
  readonly #shares = new Map<string, GivenShare>();

  constructor(log: Pick<EventLog, "read">) {
    this.#log = log;
  }

  async refresh(): Promise<void> {
    const unread = { from: this.#registry.next_offset, recordsMax: READ_RECORDS };
    for await (const records of readPages(this.#log, REGISTRY_TOPIC, 0, unread)) {
      for (const record of records) this.#take(record);
    }
  }

  all(): readonly GivenShare[] {
    return [...this.#shares.values()];
  }

  /** Whether the version serves, or served, beside another one. */
  has({ tenant, use_case, env }: Pick<GivenShare, "tenant" | "use_case" | "env">, version: string): boolean {
    return this.#shares.has(keyOf(tenant, use_case, env, version));
  }

  #take(record: LogRecord): void {
    const folded = foldRecord(this.#registry, record);
    const event = folded?.event ?? null;
    if (folded === null || event === null || folded.isRepeated) return;
    const { use_case, env, prompt_version } = event;
    const hasChanged = folded.outcome.kind === "accepted" && folded.outcome.changed;
    if (prompt_version === null || !hasChanged) return;
    const tenant = tenantOf(record);
    const key = keyOf(tenant, use_case, env, prompt_version);
    const known = this.#shares.get(key);
    if (event.type === "canary_read") {
      const body = CanaryReadBody.safeParse(event.body);
      if (known !== undefined && body.success && body.data.decision.step_offset === known.stepOffset) {
        this.#shares.set(key, { ...known, read: body.data.decision });
      }
      return;
    }
    if (!givesShare(event)) return;
    const { timestamp, offset } = record;
    const isOngoing = event.type === "rollout_advanced";
    this.#shares.set(key, {
      tenant,
      use_case,
      env,
      prompt_version,
      startedMs: isOngoing ? (known?.startedMs ?? timestamp) : timestamp,
      stepMs: timestamp,
      stepOffset: offset,
      read: null,
    });
  }
}

function keyOf(tenant: string, useCase: string, env: string, version: string): string {
  return JSON.stringify([tenant, useCase, env, version]);
}

function givesShare({ type, body }: RegistryEvent): boolean {
  if (type === "rollout_advanced") return true;
  const promoted = type === "promoted" ? PromotedBody.safeParse(body) : null;
  return promoted?.data !== undefined && promoted.data.weight < 1;
}
