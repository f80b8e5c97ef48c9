/**
 * The ladder of a call: its own model, retries of that, fallback models, an old answer, the template. One loop, one
 * deadline; where it goes after a failure is one table.
 */
import { type Attempt, backoffMs, type CallPath } from "@plumbline/emitter";
import { type Prompt, splitModel } from "../prompt.ts";
import { attemptTokens, type Observed } from "../wrap/call-context.ts";
import type { CircuitBreakers } from "./circuit-breaker.ts";
import { type Failure, type FailureKind, failureOf } from "./failure.ts";
import { injected } from "./inject.ts";
import { limited } from "./limited.ts";
import type { SharedOptions } from "./policy-options.ts";
import type { Policy, Rung } from "./policy.ts";
import { ATTEMPT_MS_MIN, timeShares, type TimeShares } from "./time-shares.ts";

/** One request to a model. */
export interface ModelRequest {
  /** `provider/model`. */
  readonly model: string;
  readonly path: "primary" | "retry" | "fallback_model";
  readonly prompt: Prompt;
  /** Most time that it may take, ms. */
  readonly limitMs: number;
}

/** What came of it: an answer or a failure, and what was seen of the request. */
export type Reply<Got> =
  | { readonly kind: "answered"; readonly got: Got; readonly observed: Observed | null }
  | { readonly kind: "failed"; readonly failure: Failure; readonly observed: Observed | null };

export interface Answered<Got> {
  readonly got: Got;
  readonly path: "primary" | "retry" | "fallback_model" | "stale" | "template";
  /** Null for what no model answered. */
  readonly model: string | null;
  readonly observed: Observed | null;
  readonly ageMs: number | null;
}

export interface LadderOptions<Got> {
  readonly policy: Policy;
  /** `provider/model` of the prompt. */
  readonly model: string;
  readonly prompt: Prompt;
  /** When the call began, by `performance.now()`. */
  readonly startedAt: number;
  readonly options: Pick<SharedOptions, "signal" | "inject" | "conversation_id">;
  readonly runtime: {
    readonly breakers: CircuitBreakers;
    isSwitchedOff(model: string): boolean;
    prompt(useCase: string, options: { readonly conversationId?: string | undefined }): Promise<Prompt>;
  };
  /** Never rejects. */
  readonly ask: (request: ModelRequest) => Promise<Reply<Got>>;
  /** An answer that was given before, not later than after `ms`; null when there is none. */
  readonly stale: (ms: number) => Promise<{ readonly got: Got; readonly ageMs: number } | null>;
  /** Null when there is no template. */
  readonly template: () => Got | null;
}

/** Kinds of failure that say something about the health of a model. */
const UNHEALTHY: readonly FailureKind[] = ["timeout", "rate_limited", "server_error", "network"];

export class Ladder<Got> {
  readonly attempts: Attempt[] = [];
  /** Why the prompt's own model did not answer at once. */
  firstFailure: Failure | null = null;
  lastFailure: Failure | null = null;
  /** Of the last request. */
  lastObserved: Observed | null = null;
  readonly #options: LadderOptions<Got>;
  readonly #shares: TimeShares;
  #retries = 0;
  #fallbacks = 0;
  readonly #triedLocally = new Set<Rung>();

  constructor(options: LadderOptions<Got>) {
    this.#options = options;
    this.#shares = timeShares(options.policy);
  }

  /** @returns the answer; null when every rung was tried in vain, or `lastFailure` is to be thrown */
  async climb(): Promise<Answered<Got> | null> {
    const { model, prompt } = this.#options;
    let reply = await this.#tryModel(model, prompt, "primary");
    for (;;) {
      if ("got" in reply) return reply;
      this.firstFailure ??= reply;
      this.lastFailure = reply;
      if (reply.kind === "client_error" || reply.kind === "cancelled") return null;
      const next = await this.#after(reply);
      if (next === null) return null;
      reply = next;
    }
  }

  /** Where a call goes after a failure: the first of these that is left. */
  #orderAfter(kind: FailureKind): readonly Rung[] {
    const { retry, on_invalid_output } = this.#options.policy;
    if (kind === "invalid_output") {
      const isRetried =
        (retry.on as readonly string[]).includes(kind) && !on_invalid_output.includes("retry");
      return isRetried ? ["retry", ...on_invalid_output] : on_invalid_output;
    }
    const others: readonly Rung[] = ["fallback_model", "cached", "template"];
    return (retry.on as readonly string[]).includes(kind) ? ["retry", ...others] : others;
  }

  async #after(failure: Failure): Promise<Answered<Got> | Failure | null> {
    for (const rung of this.#orderAfter(failure.kind)) {
      const step = await this.#step(rung, failure);
      if (step !== null) return step;
    }
    return null;
  }

  /** @returns null when this rung is used up, or there is no time to wait for it */
  async #step(rung: Rung, failure: Failure): Promise<Answered<Got> | Failure | null> {
    const { policy, model, prompt, runtime, options } = this.#options;
    const { signal, conversation_id } = options;
    if (rung === "retry") {
      if (this.#fallbacks > 0 || this.#retries >= policy.retry.max) return null;
      const waitMs = this.#waitBefore(failure);
      if (waitMs > this.#remaining() - ATTEMPT_MS_MIN) return null;
      this.#retries += 1;
      // It keeps the process alive until its end: somebody waits.
      if (waitMs > 0) await limited(() => new Promise(() => {}), waitMs, signal).catch(() => {});
      return this.#tryModel(model, prompt, "retry");
    }
    if (rung === "fallback_model") {
      const next = policy.fallback_models[this.#fallbacks];
      if (next === undefined) return null;
      this.#fallbacks += 1;
      let its = prompt;
      if (next.prompt !== undefined) {
        try {
          const { prompt: name } = next;
          const conversationId = conversation_id ?? undefined;
          its = await limited(() => runtime.prompt(name, { conversationId }), this.#remaining(), signal);
        } catch (error) {
          return this.#skip(
            next.model,
            "fallback_model",
            failureOf("prompt_unavailable", undefined, { error }),
          );
        }
      }
      return this.#tryModel(next.model, its, "fallback_model");
    }
    if (this.#triedLocally.has(rung)) return null;
    this.#triedLocally.add(rung);
    if (rung === "template") {
      const got = this.#options.template();
      return got === null ? null : { got, path: "template", model: null, observed: null, ageMs: null };
    }
    const found = await this.#options.stale(this.#remaining() + this.#shares.reserveMs);
    return found === null ? null : { ...found, path: "stale", model: null, observed: null };
  }

  async #tryModel(
    model: string,
    prompt: Prompt,
    path: ModelRequest["path"],
  ): Promise<Answered<Got> | Failure> {
    const { policy, runtime, options, ask } = this.#options;
    if (options.signal?.aborted === true) return failureOf("cancelled");
    const limitMs = Math.min(policy.attempt_timeout_ms, this.#remaining());
    const skipped =
      injected(options.inject, path !== "fallback_model") ??
      (runtime.isSwitchedOff(model)
        ? failureOf("switched_off")
        : limitMs < ATTEMPT_MS_MIN
          ? failureOf("timeout", "no_time")
          : null);
    const breaker = policy.breaker.scope === "provider" ? (splitModel(model).provider ?? model) : model;
    const settle = skipped === null ? runtime.breakers.admit(breaker, policy.breaker) : null;
    if (settle === null) return this.#skip(model, path, skipped ?? failureOf("breaker_open"));
    const startedAt = performance.now();
    const reply = await ask({ model, path, prompt, limitMs });
    const failure = reply.kind === "failed" ? reply.failure : null;
    settle(this.#isHealthy(failure, limitMs, path));
    const { observed } = reply;
    this.lastObserved = observed;
    this.#record(model, path, failure, performance.now() - startedAt, observed);
    return reply.kind === "failed" ? reply.failure : { got: reply.got, path, model, observed, ageMs: null };
  }

  /** A model that is not asked stands among the attempts, so that the path can be followed. */
  #skip(model: string, path: CallPath, failure: Failure): Failure {
    this.#record(model, path, failure, 0, null);
    return failure;
  }

  #record(
    model: string,
    path: CallPath,
    failure: Failure | null,
    latency_ms: number,
    observed: Observed | null,
  ): void {
    const { provider, name } = splitModel(model);
    this.attempts.push({
      provider,
      model: name,
      path,
      status: failure?.status ?? "ok",
      error_type: failure?.error_type ?? null,
      latency_ms,
      ...attemptTokens(observed?.usage),
    });
  }

  /** What to wait before a retry, ms; Infinity when the provider asked for longer than there is. */
  #waitBefore({ retryAfterMs }: Failure): number {
    const { base_ms, max_ms, jitter, respect_retry_after } = this.#options.policy.retry;
    if (retryAfterMs !== null && (respect_retry_after || retryAfterMs === Infinity))
      return retryAfterMs < this.#remaining() ? retryAfterMs : Infinity;
    return jitter === "full"
      ? backoffMs(this.#retries, base_ms, max_ms)
      : Math.min(max_ms, base_ms * 2 ** this.#retries);
  }

  /** What an attempt says about the health of its model: null for nothing, as a timeout after less than half of its time. */
  #isHealthy(failure: Failure | null, limitMs: number, path: ModelRequest["path"]): boolean | null {
    const kind = failure?.kind ?? "invalid_output";
    if (kind === "invalid_output") return true;
    const { ownMs, fallbackMs } = this.#shares;
    const shareMs = path === "fallback_model" ? fallbackMs : ownMs;
    const isCut =
      kind === "timeout" && limitMs * 2 < Math.min(this.#options.policy.attempt_timeout_ms, shareMs);
    return !isCut && UNHEALTHY.includes(kind) ? false : null;
  }

  /** What is left for the model whose turn it is: those after it keep their shares, ms. */
  #remaining(): number {
    const { startedAt } = this.#options;
    const { ownMs, fallbackMs } = this.#shares;
    return startedAt + ownMs + fallbackMs * this.#fallbacks - performance.now();
  }
}
