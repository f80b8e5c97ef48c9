/** What every call under a policy does alike: its prompt and policy, its cached answers, its template, its event. */
import { type CallStatus, messageOf, type NewCall, uuidV7, type Warn } from "@plumbline/emitter";
import type { AnswerCache, CacheQuestion } from "../cache/answer-cache.ts";
import { type Prompt, splitModel } from "../prompt.ts";
import { parseTemplate, renderNodes } from "../render/template.ts";
import type { AttemptSink, ContextStore, Observed } from "../wrap/call-context.ts";
import { ATTEMPT_HEADER } from "../wrap/call-meta.ts";
import { callFields } from "../wrap/observed-request.ts";
import type { CircuitBreakers } from "./circuit-breaker.ts";
import { type Answered, Ladder, type LadderOptions } from "./ladder.ts";
import { Ended, limited } from "./limited.ts";
import { CallFailedError, isDegraded, type Outcome, type OutcomePath } from "./outcome.ts";
import type { CallArguments, SharedOptions } from "./policy-options.ts";
import { type Policy, resolvePolicy } from "./policy.ts";
import { timeShares } from "./time-shares.ts";

/** What a policy needs of its client. */
export interface PolicyRuntime {
  prompt(useCase: string, options: { readonly conversationId?: string | undefined }): Promise<Prompt>;
  /** As it was delivered; null when there is none. */
  policyOf(useCase: string): unknown;
  /** Whether the fleet was told to leave a model alone, `provider/model`. */
  isSwitchedOff(model: string): boolean;
  readonly breakers: CircuitBreakers;
  readonly context: ContextStore;
  /** Attempts under way, by the id that their headers carry. */
  readonly attempts: Map<string, AttemptSink>;
  readonly cache: AnswerCache | undefined;
  /** Use cases whose prompts fallback models get, asked for already. */
  readonly fallbackPrompts: Set<string>;
  emit(call: NewCall): void;
  readonly warn: Warn;
  /** Ms since the epoch. */
  now(): number;
}

interface CachedText {
  readonly text: string;
  readonly ageMs: number;
  readonly path: "cached_exact" | "cached_semantic";
}

/** Longest wait for a cache before the model is asked, ms: a cache that is slow is none. */
const CACHE_WAIT_MS_MAX = 250;
/** As a rule of thumb. */
const CHARS_A_TOKEN = 4;

export class PolicyCall {
  readonly startedAt: number;
  readonly callId: string;
  readonly policy: Policy;
  readonly prompt: Prompt;
  /** `provider/model` of the prompt. */
  readonly model: string;
  readonly #runtime: PolicyRuntime;
  readonly #options: SharedOptions;
  readonly #question: CacheQuestion | null;
  #opened = 0;

  /** @param startedAt when the application called, by `performance.now()` */
  constructor(runtime: PolicyRuntime, prompt: Prompt, options: SharedOptions, startedAt: number) {
    const { use_case, provider, model, config, version } = prompt;
    this.#runtime = runtime;
    this.#options = options;
    this.startedAt = startedAt;
    this.prompt = prompt;
    this.callId = uuidV7(runtime.now());
    this.policy = resolvePolicy(options.policy ?? runtime.policyOf(use_case));
    this.model = provider === null ? model : `${provider}/${model}`;
    const vary = this.#vary();
    this.#question =
      runtime.cache === undefined || this.policy.cache.mode === "off" || vary === null
        ? null
        : {
            useCase: use_case,
            promptHash: version,
            model: this.model,
            config,
            vars: options.vars ?? {},
            vary,
          };
    for (const { prompt: other } of this.policy.fallback_models) {
      if (other === undefined || runtime.fallbackPrompts.has(other)) continue;
      // Asked for once, so that it is in memory, and kept current, when it is needed.
      runtime.fallbackPrompts.add(other);
      runtime.prompt(other, {}).catch(() => {});
    }
  }

  ladder<Got>(
    ask: LadderOptions<Got>["ask"],
    /** Of an old answer, and of the template. */
    ofText: (text: string) => Got,
  ): Ladder<Got> {
    return new Ladder<Got>({
      ask,
      policy: this.policy,
      model: this.model,
      prompt: this.prompt,
      startedAt: this.startedAt,
      options: this.#options,
      runtime: this.#runtime,
      stale: async (ms) => {
        const found = await this.#find(this.policy.cached.max_stale_ms, undefined, Math.max(0, ms));
        return found && { got: ofText(found.text), ageMs: found.ageMs };
      },
      template: () => {
        const text = templateOf(this.policy, this.#options, this.#runtime.warn);
        return text === null ? null : ofText(text);
      },
    });
  }

  /** What the application's code is given, and the sink that hears of its requests; `end` when it is done. */
  open(
    request: { readonly model: string; readonly prompt: Prompt; readonly path: CallArguments["path"] },
    signal: AbortSignal,
  ) {
    const sink = new LastRequest();
    const id = `${this.callId}-${++this.#opened}`;
    this.#runtime.attempts.set(id, sink);
    const { provider, name } = splitModel(request.model);
    const { prompt, path } = request;
    const given: CallArguments = {
      prompt,
      path,
      provider,
      model: name,
      signal,
      headers: { [ATTEMPT_HEADER]: id },
    };
    return {
      sink,
      end: () => this.#runtime.attempts.delete(id),
      run: <Result>(work: (given: CallArguments) => Result): Result =>
        this.#runtime.context.run({ meta: { ...this.prompt.tags }, attempt: sink }, () => work(given)),
    };
  }

  /** An answer that is fresh by the policy; null when there is none, or the cache is slow. */
  async fresh(): Promise<CachedText | null> {
    const { mode, exact, semantic } = this.policy.cache;
    if (this.#question === null || !mode.startsWith("read")) return null;
    const { vars } = this.#question;
    const isShort =
      semantic.enabled && (JSON.stringify(vars)?.length ?? 0) <= semantic.max_tokens * CHARS_A_TOKEN;
    const { threshold } = semantic;
    return this.#find(exact.ttl_ms, isShort ? { threshold } : undefined, CACHE_WAIT_MS_MAX);
  }

  /**
   * Runs `produce`, unless the same question is being answered already: then that answer is waited for, as long as this
   * call's own deadline and its caller allow.
   *
   * @returns null when somebody else's answer did not come meanwhile
   */
  async once<Result>(
    produce: () => Promise<Result>,
  ): Promise<{ readonly result: Result; readonly isOwn: boolean } | null> {
    const { cache } = this.#runtime;
    if (cache === undefined || this.#question === null) return { result: await produce(), isOwn: true };
    let isOwn = false;
    const flight = cache.once(this.#question, () => {
      isOwn = true;
      return produce();
    });
    if (isOwn) return { result: await flight, isOwn };
    const waitMs =
      this.startedAt + this.policy.deadline_ms - timeShares(this.policy).reserveMs - performance.now();
    try {
      return { result: await limited(() => flight, waitMs, this.#options.signal), isOwn };
    } catch (error) {
      if (error instanceof Ended && !isOwn) return null;
      // Its own rejection; or a cache of the application's own asked later.
      return { result: await flight, isOwn };
    }
  }

  /** Stores a valid answer of the prompt's own model; in the background. */
  store(text: string, path: OutcomePath): void {
    const {
      cache: { mode, exact },
      cached,
    } = this.policy;
    if (this.#question === null || !mode.endsWith("write")) return;
    if (!cached.only_from_paths.includes(path)) return;
    const ttlMs = Math.max(exact.ttl_ms, cached.max_stale_ms);
    void this.#runtime.cache?.store(this.#question, text, { ttlMs });
  }

  /** Tells of the call, and returns how it went. */
  answered(
    text: string,
    {
      path,
      model,
      observed,
      ageMs,
    }: Omit<Answered<unknown>, "got" | "path"> & { readonly path: OutcomePath },
    ladder: Ladder<unknown> | null,
  ): Outcome {
    const attempts = ladder?.attempts ?? [];
    const latency_ms = performance.now() - this.startedAt;
    this.tell({ path, status: "ok", error_type: null, latency_ms, text, model, observed, attempts });
    return {
      text,
      path,
      reason: ladder?.firstFailure?.kind ?? null,
      is_degraded: isDegraded(path),
      model,
      attempts,
      latency_ms,
      age_ms: ageMs,
      prompt: this.prompt,
      call_id: this.callId,
    };
  }

  /** Tells of a call that nobody answered. @returns what to throw */
  failed({ attempts, lastFailure, lastObserved: observed }: Ladder<unknown>): unknown {
    const { kind, status, error_type, error } = lastFailure!;
    const latency_ms = performance.now() - this.startedAt;
    this.tell({ path: "error", status, error_type, latency_ms, text: null, model: null, observed, attempts });
    if (kind === "cancelled") return this.#options.signal?.reason ?? error;
    if (kind === "client_error") return error;
    return new CallFailedError(this.prompt.use_case, {
      reason: kind,
      status,
      attempts,
      latency_ms,
      call_id: this.callId,
      cause: error,
    });
  }

  tell(of: {
    readonly path: OutcomePath | "error";
    readonly status: CallStatus;
    readonly error_type: string | null;
    readonly latency_ms: number;
    readonly text: string | null;
    readonly model: string | null;
    readonly observed: Observed | null;
    readonly attempts: Outcome["attempts"];
    readonly ttft_ms?: number | null;
  }): void {
    const { observed, text, model, ttft_ms, attempts, ...rest } = of;
    const { path } = rest;
    const { vars = {}, input, app_version, user_hash, trace_id, span_id, attributes } = this.#options;
    const { provider, name } = splitModel(model ?? this.model);
    this.#runtime.emit({
      app_version,
      user_hash,
      trace_id,
      span_id,
      attributes,
      ...this.prompt.tags,
      ...(observed === null ? {} : callFields(observed)),
      ...(ttft_ms === undefined ? {} : { ttft_ms }),
      ...(path === "cached_exact" || path === "cached_semantic"
        ? { cache_kind: path.slice("cached_".length) as "exact" | "semantic" }
        : {}),
      call_id: this.callId,
      provider,
      model: name,
      ...rest,
      attempts: [...attempts],
      input: input ?? observed?.input ?? this.#input(),
      output: text,
      vars: textsOf(vars),
    });
  }

  async #find(
    maxAgeMs: number,
    semantic: { readonly threshold: number } | undefined,
    waitMs: number,
  ): Promise<CachedText | null> {
    const { cache, warn } = this.#runtime;
    if (cache === undefined || this.#question === null) {
      if (cache === undefined && this.policy.cache.mode !== "off")
        warn("cache", `the policy of ${this.prompt.use_case} needs a cache: createClient({ cache })`);
      return null;
    }
    const question = this.#question;
    const found = await limited(() => cache.find(question, { maxAgeMs, semantic }), waitMs, undefined).catch(
      () => null,
    );
    if (found === null) return null;
    return {
      text: found.text,
      ageMs: found.ageMs,
      path: found.kind === "semantic" ? "cached_semantic" : "cached_exact",
    };
  }

  /** Null when the policy names an attribute that this call does not have: its answer is nobody else's. */
  #vary(): Readonly<Record<string, string>> | null {
    const vary: Record<string, string> = {};
    for (const name of this.policy.cache.vary) {
      const value = this.#options.attributes?.[name];
      if (value === undefined) return null;
      vary[name] = value;
    }
    return vary;
  }

  /** What the user said, as the prompt puts it; null when it can't be told. */
  #input(): string | null {
    try {
      return (
        this.prompt.messages(this.#options.vars).findLast(({ role }) => role === "user")?.content ?? null
      );
    } catch {
      return null;
    }
  }
}

/** Keeps the last request of an attempt: the one whose answer the application's code used. */
class LastRequest implements AttemptSink {
  last: Observed | null = null;

  observed(request: Observed): void {
    this.last = request;
  }
}

/** The text of the last rung; null when there is none, or none that can be filled: half a sentence is no answer. */
export function templateOf(
  policy: Policy,
  { template, vars = {} }: SharedOptions,
  warn: Warn,
): string | null {
  try {
    if (template !== undefined) return template(vars);
    if (policy.template === null) return null;
    const problems = new Set<string>();
    const text = renderNodes(parseTemplate(policy.template.text), vars, problems);
    if (problems.size > 0) throw new RangeError([...problems].join("; "));
    return text;
  } catch (error) {
    warn("template", `the template fails: ${messageOf(error)}`);
    return null;
  }
}

function textsOf(vars: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(vars))
    if (["string", "number", "boolean"].includes(typeof value)) texts[name] = String(value);
  return texts;
}
