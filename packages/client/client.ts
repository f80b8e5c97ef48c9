/**
 * The client of an application: hands out the prompt that is live, and emits calls.
 *
 * Prompts come from memory, where a long poll keeps them current; before its first answer from the registry, from disk,
 * or from the bundle. Once a use case has a prompt, `prompt` never fails again: without the registry it serves the last
 * good one, and says so.
 */
import {
  createEmitter,
  createWarner,
  type Emitter,
  type EmitterStats,
  type FlushResult,
  type NewCall,
  type Warn,
} from "@plumbline/emitter";
import type { ClientOptions } from "./client-options.ts";
import { type AttemptSink, NO_CONTEXT } from "./wrap/call-context.ts";
import { type CallMeta, toHeaders } from "./wrap/call-meta.ts";
import { type Fetch, type FetchTools, instrumentFetch } from "./wrap/instrument-fetch.ts";
import { SdkRetries } from "./wrap/sdk-retries.ts";
import { MAX_RETRIES, type SdkClient, wrapClient } from "./wrap/wrap-client.ts";
import { createFetchGet } from "./http-get.ts";
import { type LiveAnswer, LivePoll } from "./live-poll.ts";
import { pickArm } from "./pick-arm.ts";
import { type Prompt, type PromptSource, toPrompt } from "./prompt.ts";
import { type Entry, type PromptCounts, PromptMemory } from "./prompt-memory.ts";
import { SwitchedOff } from "./switched-off.ts";

/** Prompts and calls. What `index.ts` exports as `Client` also executes policies. */
export interface CoreClient {
  /**
   * The live prompt of a use case. While a canary runs, a conversation gets the same version every time.
   *
   * @param options.conversationId absent: every call is a conversation of its own
   * @throws PromptUnavailableError while this process never had a prompt of the use case
   */
  prompt(useCase: string, options?: { readonly conversationId?: string | undefined }): Promise<Prompt>;
  /**
   * Whether this call leaves a model out, `provider/model`, because it fails in the whole fleet. A few calls are told to
   * try it all the same.
   */
  isSwitchedOff(model: string): boolean;
  /**
   * The same client of OpenAI's SDK, whose calls are told of: chat completions and responses, streamed or not. What the
   * caller sees stays as it is. A stream's tokens are known when it was asked for them (`stream_options`).
   */
  wrapOpenAI<Sdk extends SdkClient>(sdk: Sdk, meta?: CallMeta): Sdk;
  /** The same client of Anthropic's SDK, whose messages are told of. */
  wrapAnthropic<Sdk extends SdkClient>(sdk: Sdk, meta?: CallMeta): Sdk;
  /** For whatever else takes a `fetch` and speaks one of these APIs, such as the AI SDK's providers. */
  fetch(meta?: CallMeta, base?: Fetch): Fetch;
  /**
   * Runs `work`; the calls made inside, also after an `await`, are tagged. `headers` say the same where nothing carries a
   * context (outside Node, without `options.context`): hand them to the SDK.
   */
  run<Result>(
    meta: CallMeta,
    work: (scope: { readonly headers: Readonly<Record<string, string>> }) => Result,
  ): Result;
  /** As the emitter's: synchronous, never throws. */
  emit(call: NewCall): void;
  readonly emitter: Emitter;
  /** Sends what is known so far; never rejects. For functions that are frozen between their requests. */
  flush(timeoutMs?: number): Promise<FlushResult>;
  /** Ends the long poll, stores prompts, sends events. Prompts in memory go on being served. Never rejects. */
  close(timeoutMs?: number): Promise<FlushResult>;
  stats(): ClientStats;
}

/** Counts since the client was created. */
export interface ClientStats extends PromptCounts {
  /** True while the last question to the registry was answered. */
  readonly is_connected: boolean;
  /** Prompts in memory. */
  readonly prompts: number;
  /** Models that the fleet leaves out, `provider/model`, as of the registry's last word. */
  readonly switched_off: readonly unknown[];
  /** Answers of the registry: with news, and without. */
  readonly answers: number;
  readonly unchanged: number;
  readonly poll_failures: number;
  /** Prompts handed out, by source. */
  readonly served: Readonly<Record<PromptSource, number>>;
  readonly emitter: EmitterStats;
}

/** There is nothing to serve; the message says what to do. */
export class PromptUnavailableError extends Error {
  override readonly name = "PromptUnavailableError";
}

/** The registry answers for so many at once; each keeps its versions in memory. */
const USE_CASES_MAX = 200;
const USE_CASE = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;

export class PromptClient implements CoreClient {
  readonly emitter: Emitter;
  readonly #options: ClientOptions;
  readonly #url: string;
  readonly #env: string;
  readonly #now: () => number;
  readonly #memory: PromptMemory;
  readonly #switchedOff = new SwitchedOff();
  readonly #poll: LivePoll;
  /** Reason why the registry can't serve a use case, as of its newest answer; absent before there is one. */
  readonly #problems = new Map<string, string>();
  /** First prompts on their way, and until when the registry is waited for. */
  readonly #loading = new Map<string, Promise<Entry>>();
  readonly #waitUntil = new Map<string, number>();
  /** Called at every word of the registry. */
  readonly #listeners = new Set<() => void>();
  readonly #counts = { answers: 0, unchanged: 0, poll_failures: 0 };
  readonly #served = { live: 0, cache: 0, last_known_good: 0, bundled: 0 };
  #isClosed = false;
  protected readonly warn: Warn;
  readonly #retries = new SdkRetries();
  /** Attempts of policies under way, by the id that their requests carry. */
  protected readonly attempts = new Map<string, AttemptSink>();
  protected readonly requests: FetchTools;

  constructor(options: ClientOptions) {
    const { url = "http://localhost:4319", app, env = "production", apiKey, useCases = [] } = options;
    this.#options = options;
    this.#url = options.registryUrl ?? url;
    this.#env = env;
    this.#now = options.now ?? Date.now;
    const warn = createWarner(options.onWarning, this.#now);
    this.warn = warn;
    this.requests = {
      context: options.context ?? NO_CONTEXT,
      retries: this.#retries,
      emit: (call) => this.emitter.emit(call),
      attemptOf: (id) => this.attempts.get(id),
    };
    this.emitter = createEmitter({
      fetch: options.fetch,
      onWarning: options.onWarning,
      ...options.telemetry,
      url,
      app,
      env,
      apiKey,
    });
    this.#memory = new PromptMemory({
      state: options.state,
      bundle: options.bundle,
      now: this.#now,
      warn,
      cache: options.cache,
    });
    this.#poll = new LivePoll({
      url: this.#url,
      env,
      apiKey,
      get: options.get ?? createFetchGet(options.fetch),
      now: this.#now,
      waitSeconds: Math.min(Math.max(1, Math.floor(options.waitSeconds ?? 25)), 30),
      retryBaseMs: options.retryBaseMs ?? 100,
      retryMaxMs: options.retryMaxMs ?? 10_000,
      requestTimeoutMs: options.requestTimeoutMs ?? 5_000,
      onAnswer: (names, answer, ageMs) => this.#onAnswer(names, answer, ageMs),
      onUnchanged: (names, ageMs) => {
        this.#counts.unchanged++;
        for (const name of names) this.#memory.confirm(name, ageMs);
        this.#switchedOff.confirm(this.#now());
        this.#tell();
      },
      onFailure: (names, detail) => {
        this.#counts.poll_failures++;
        const problem = `does not answer (${detail})`;
        warn("registry", `the registry at ${this.#url} ${problem}; serving from memory`);
        for (const name of names) this.#problems.set(name, problem);
        this.#tell();
      },
    });
    for (const name of useCases) {
      this.#check(name);
      this.#poll.watch(name);
    }
  }

  async prompt(
    useCase: string,
    { conversationId }: { readonly conversationId?: string | undefined } = {},
  ): Promise<Prompt> {
    const entry = this.#memory.get(useCase) ?? (await this.#first(useCase));
    const arm = await pickArm(useCase, entry.arms, conversationId);
    const source = this.#sourceOf(entry);
    this.#served[source]++;
    const { confirmedAt } = entry;
    const staleMs = confirmedAt === null ? null : Math.max(0, this.#now() - confirmedAt);
    return toPrompt(arm, { source, staleMs, conversationId: conversationId ?? null });
  }

  isSwitchedOff(model: string): boolean {
    return this.#switchedOff.has(model, this.#now());
  }

  wrapOpenAI<Sdk extends SdkClient>(sdk: Sdk, meta: CallMeta = {}): Sdk {
    return wrapClient(this.requests, sdk, { provider: "openai", ...meta });
  }

  wrapAnthropic<Sdk extends SdkClient>(sdk: Sdk, meta: CallMeta = {}): Sdk {
    return wrapClient(this.requests, sdk, { provider: "anthropic", ...meta });
  }

  fetch(meta: CallMeta = {}, base: Fetch = globalThis.fetch): Fetch {
    return instrumentFetch(this.requests, {
      meta,
      base,
      habits: { timeoutMs: null, maxRetries: MAX_RETRIES },
    });
  }

  run<Result>(
    meta: CallMeta,
    work: (scope: { readonly headers: Readonly<Record<string, string>> }) => Result,
  ): Result {
    const { context } = this.requests;
    const outer = context.current();
    const inner = { meta: { ...outer?.meta, ...meta }, attempt: outer?.attempt ?? null };
    return context.run(inner, () => work({ headers: toHeaders(inner.meta) }));
  }

  emit(call: NewCall): void {
    this.emitter.emit(call);
  }

  async flush(timeoutMs?: number): Promise<FlushResult> {
    this.#retries.release();
    return this.emitter.flush(timeoutMs);
  }

  async close(timeoutMs?: number): Promise<FlushResult> {
    this.#isClosed = true;
    this.#retries.release();
    this.#poll.close();
    this.#tell();
    const [flushed] = await Promise.all([this.emitter.close(timeoutMs), this.#memory.flush()]);
    return flushed;
  }

  stats(): ClientStats {
    return {
      is_connected: this.#poll.isConnected,
      prompts: this.#memory.size,
      switched_off: this.#switchedOff.models,
      ...this.#counts,
      ...this.#memory.counts,
      served: { ...this.#served },
      emitter: this.emitter.stats(),
    };
  }

  /** The policy that was delivered with a use case's prompt; null when there is none. */
  protected policyOf(useCase: string): unknown {
    return this.#memory.get(useCase)?.policy ?? null;
  }

  #sourceOf({ from, isCurrent }: Entry): PromptSource {
    if (from !== "registry") return from;
    return isCurrent && this.#poll.isConnected ? "live" : "cache";
  }

  async #onAnswer(names: readonly string[], answer: LiveAnswer, ageMs: number): Promise<boolean> {
    this.#counts.answers++;
    this.#switchedOff.apply(answer.switched_off, this.#now());
    let isUsable = true;
    const missing: string[] = [];
    for (const name of names) {
      const outcome = await this.#memory.apply(name, answer, ageMs);
      if (outcome === "live") {
        this.#problems.delete(name);
      } else if (outcome === "missing") {
        missing.push(name);
      } else {
        isUsable = false;
        this.#problems.set(name, `content refused: ${outcome}`);
      }
    }
    const problem = `nothing of ${missing.join(", ")} is live in ${this.#env}: promote a version`;
    for (const name of missing) this.#problems.set(name, problem);
    // Before anybody asks for a prompt. Answers come with news only, so this is no chatter.
    if (missing[0]) this.warn(problem, problem);
    this.#tell();
    return isUsable;
  }

  #check(useCase: string): void {
    if (!USE_CASE.test(useCase)) {
      throw new PromptUnavailableError(`${useCase} is not a use case: a-z, 0-9, dashes, dots`);
    }
    const { useCases } = this.#poll;
    if (useCases.size >= USE_CASES_MAX && !useCases.has(useCase)) {
      throw new PromptUnavailableError(`${useCase}: one client serves at most ${USE_CASES_MAX} use cases`);
    }
  }

  #first(useCase: string): Promise<Entry> {
    const loading =
      this.#loading.get(useCase) ?? this.#load(useCase).finally(() => this.#loading.delete(useCase));
    this.#loading.set(useCase, loading);
    return loading;
  }

  async #load(useCase: string): Promise<Entry> {
    this.#check(useCase);
    this.#poll.watch(useCase);
    const { fallbackAfterMs = 1_000, firstWaitMs = 5_000 } = this.#options;
    const started = this.#now();
    // Once waited for in vain, it is not waited for again: what is missing must not slow the application down.
    const until = this.#waitUntil.get(useCase) ?? started + firstWaitMs;
    this.#waitUntil.set(useCase, until);
    const entry = (): Entry | undefined => this.#memory.get(useCase);
    await this.#heard(
      () => this.#problems.has(useCase) || entry() !== undefined,
      Math.min(until, started + fallbackAfterMs),
    );
    if (!(await this.#memory.loadFallback(useCase))) await this.#heard(() => entry() !== undefined, until);
    const found = entry();
    if (found !== undefined) return found;
    const problem = this.#isClosed
      ? "the client is closed"
      : (this.#problems.get(useCase) ?? "does not answer");
    throw new PromptUnavailableError(
      `there is no prompt of ${useCase}. Registry ${this.#url}: ${problem}; nothing on disk or in the bundle`,
    );
  }

  /** Waits until `isTrue`, looking at every word of the registry; not beyond `until`, nor when the client closes. */
  async #heard(isTrue: () => boolean, until: number): Promise<void> {
    while (!isTrue() && !this.#isClosed) {
      const ms = until - this.#now();
      if (ms <= 0) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#listeners.delete(done);
          resolve();
        };
        // Not unref'd: somebody waits.
        const timer = setTimeout(done, ms);
        this.#listeners.add(done);
      });
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
