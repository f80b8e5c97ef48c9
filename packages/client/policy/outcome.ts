import type { Attempt, CallPath, CallStatus } from "@plumbline/emitter";
import type { Prompt } from "../prompt.ts";
import type { FailureKind } from "./failure.ts";

/** Which rung answered; `error` stands on the error that is thrown instead of an outcome. */
export type OutcomePath = Exclude<CallPath, "error">;

/** How a call went that was answered. */
export interface Outcome {
  readonly text: string;
  readonly path: OutcomePath;
  /** Why the prompt's own model did not answer at once; null when it did, or was not needed. */
  readonly reason: FailureKind | null;
  /** Another model, an old answer or the template: worth a word to the user. */
  readonly is_degraded: boolean;
  /** `provider/model` that answered; null for a template and a cached answer. */
  readonly model: string | null;
  /** Requests to providers in their order, and models that were left out. */
  readonly attempts: readonly Attempt[];
  /** As the user waited for it, ms. */
  readonly latency_ms: number;
  /** Of a cached answer: since it was given, ms. */
  readonly age_ms: number | null;
  /** Null where the prompt was not to be had, and the template answered. */
  readonly prompt: Prompt | null;
  /** Of the call's event: feedback refers to it. */
  readonly call_id: string;
}

/** Every rung was tried in vain. The last failure is its `cause`. */
export class CallFailedError extends Error {
  override readonly name = "CallFailedError";
  readonly path = "error";
  /** Why the last rung did not answer. */
  declare readonly reason: FailureKind;
  declare readonly status: CallStatus;
  declare readonly attempts: readonly Attempt[];
  declare readonly latency_ms: number;
  declare readonly call_id: string;

  constructor(
    useCase: string,
    of: {
      readonly reason: FailureKind;
      readonly status: CallStatus;
      readonly attempts: readonly Attempt[];
      readonly latency_ms: number;
      readonly call_id: string;
      readonly cause: unknown;
    },
  ) {
    const { cause, ...said } = of;
    const tried = of.attempts.map(
      ({ model, path, error_type }) => `${path} ${model}: ${error_type ?? "failed"}`,
    );
    super(`${useCase} has no answer: ${tried.join("; ") || of.reason}`, { cause });
    Object.assign(this, said);
  }
}

const DEGRADED: readonly OutcomePath[] = ["fallback_model", "stale", "template"];

export function isDegraded(path: OutcomePath): boolean {
  return DEGRADED.includes(path);
}
