/**
 * The monitor's view of the registry, folded from its topic as the registry folds it: numbers and owners of versions,
 * the words of their prompts, and which were given a share of the conversations.
 */
import { type EventLog, type LogRecord, oneReadAtATime, readPages } from "@plumbline/ports";
import { foldRecord, tenantOf } from "@plumbline/registry-fold/fold";
import { createState, findUseCase } from "@plumbline/registry-fold/state";
import {
  type CanaryDecision,
  CanaryReadBody,
  type Detection,
  type IncidentEvent,
  PromotedBody,
  type PromptDocumentBody,
  REGISTRY_TOPIC,
  type RegistryEvent,
} from "@plumbline/schemas";
import { promptChange } from "./prompt-change.ts";

const READ_RECORDS = 1_000;

/** A version beside another one, since it was given its newest share of the conversations. */
export interface RolloutShare {
  readonly tenant: string;
  readonly use_case: string;
  readonly env: string;
  readonly prompt_version: string;
  /** Start of its first share since it last had none, ms. */
  readonly startedMs: number;
  /** Start of its newest share, ms, and the offset of that command. */
  readonly stepMs: number;
  readonly stepOffset: number;
  /** The newest reading since then. */
  readonly read: CanaryDecision | null;
}

type Numbered = { readonly prompt_version: string; readonly number?: number | undefined };
type OwnUseCase = Pick<Detection, "tenant" | "use_case">;

export class RegistryView {
  readonly #log: Pick<EventLog, "read">;
  readonly #registry = createState();
  readonly #shares = new Map<string, RolloutShare>();

  constructor(log: Pick<EventLog, "read">) {
    this.#log = log;
  }

  /** Folds the registry's records since the last call. Jobs that ask at once share one read. */
  readonly refresh = oneReadAtATime(() => this.#readToEnd());

  async #readToEnd(): Promise<void> {
    const unread = { from: this.#registry.next_offset, recordsMax: READ_RECORDS };
    for await (const records of readPages(this.#log, REGISTRY_TOPIC, 0, unread)) {
      for (const record of records) this.#fold(record);
    }
  }

  /**
   * The event with what the registry knows of its versions and its use case: `v15`, what the prompt changed, the owner, and
   * the words of its alerts. What it does not know stays away.
   */
  name(event: IncidentEvent, { tenant, use_case }: OwnUseCase): IncidentEvent {
    const known = findUseCase(this.#registry, tenant, use_case);
    if (known === undefined) return event;
    const numbered = <Side extends Numbered>(side: Side): Side => {
      const number = known.versions.get(side.prompt_version)?.number;
      return number === undefined ? side : { ...side, number };
    };
    if (event.type === "recovered") return { ...event, current: numbered(event.current) };
    if (event.type !== "detected") return event;
    const { candidate, incumbent } = event.detection;
    const { owner, alerts } = known.settings;
    const change =
      incumbent === null
        ? null
        : promptChange(
            known.versions.get(incumbent.prompt_version),
            known.versions.get(candidate.prompt_version),
          );
    return {
      ...event,
      detection: {
        ...event.detection,
        ...(owner !== null && { owner }),
        ...(alerts !== undefined && { labels: alerts }),
        ...(change !== null && { change }),
        candidate: numbered(candidate),
        incumbent: incumbent === null ? null : numbered(incumbent),
      },
    };
  }

  /** The time zone that the use case's project configures; null where none is. */
  timeZone({ tenant, use_case }: OwnUseCase): string | null {
    return findUseCase(this.#registry, tenant, use_case)?.settings.time_zone ?? null;
  }

  /** The prompt of a version; null where the registry does not hold it. */
  document({ tenant, use_case }: OwnUseCase, version: string): PromptDocumentBody | null {
    return findUseCase(this.#registry, tenant, use_case)?.versions.get(version)?.document ?? null;
  }

  /**
   * Words and symbols that one version's prompt has more often than the other's, each once; empty when either is unknown,
   * as where prompts live outside of the registry.
   */
  changedWords(useCase: OwnUseCase, before: string, after: string): string {
    const [old, now] = [this.document(useCase, before), this.document(useCase, after)];
    if (old === null || now === null) return "";
    const [left, right] = [countWords(old), countWords(now)];
    return [...new Set([...left.keys(), ...right.keys()])]
      .filter((word) => left.get(word) !== right.get(word))
      .join(" ");
  }

  shares(): readonly RolloutShare[] {
    return [...this.#shares.values()];
  }

  /** hasShare returns true for a version that serves, or served, beside another one. */
  hasShare({ tenant, use_case, env }: OwnUseCase & Pick<Detection, "env">, version: string): boolean {
    return this.#shares.has(shareKey(tenant, use_case, env, version));
  }

  /**
   * Only a command that was accepted and changed what is live begins a step. A refused or repeated one leaves the evidence of
   * the running step as it is.
   */
  #fold(record: LogRecord): void {
    const folded = foldRecord(this.#registry, record);
    const event = folded?.event ?? null;
    if (folded === null || event === null || folded.isRepeated) return;
    const { use_case, env, prompt_version } = event;
    const hasChanged = folded.outcome.kind === "accepted" && folded.outcome.changed;
    if (prompt_version === null || !hasChanged) return;
    const tenant = tenantOf(record);
    const key = shareKey(tenant, use_case, env, prompt_version);
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

function shareKey(tenant: string, useCase: string, env: string, version: string): string {
  return JSON.stringify([tenant, useCase, env, version]);
}

function givesShare({ type, body }: RegistryEvent): boolean {
  if (type === "rollout_advanced") return true;
  const promoted = type === "promoted" ? PromotedBody.safeParse(body) : null;
  return promoted?.data !== undefined && promoted.data.weight < 1;
}

function countWords({ messages }: PromptDocumentBody): Map<string, number> {
  const text = messages.map((message) => (message.role === "history" ? "" : message.content)).join("\n");
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+|[\p{Sc}%]/gu))
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
