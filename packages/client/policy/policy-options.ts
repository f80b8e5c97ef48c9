import type { Prompt } from "../prompt.ts";
import type { Validator } from "../validators/validator.ts";
import type { CallMeta } from "../wrap/call-meta.ts";
import type { Injection } from "./inject.ts";
import type { PartialPolicy } from "./policy.ts";

/** What the application's code is given to make one request. */
export interface CallArguments {
  readonly prompt: Prompt;
  /** Before the slash of `provider/model`; null when there is none. */
  readonly provider: string | null;
  /** The provider's name of the model. */
  readonly model: string;
  /** Aborts when the attempt's time is over; hand it to the SDK, with `maxRetries: 0`. */
  readonly signal: AbortSignal;
  /** Hand them to the SDK where nothing carries a context (outside Node); they are taken off before the request leaves. */
  readonly headers: Readonly<Record<string, string>>;
  readonly path: "primary" | "retry" | "fallback_model";
}

/** An answer of code that uses no instrumented `fetch`, with what it knows. */
export interface CallAnswer {
  readonly text: string;
  readonly response_model?: string | null | undefined;
  /** Including cached ones. `tokenUsage` of `@plumbline/emitter/token-usage` reads all counts off a provider's usage. */
  readonly input_tokens?: number | null | undefined;
  readonly cached_input_tokens?: number | null | undefined;
  readonly cache_write_input_tokens?: number | null | undefined;
  /** Including those of reasoning. */
  readonly output_tokens?: number | null | undefined;
  readonly reasoning_output_tokens?: number | null | undefined;
}

/** What both kinds of policy calls take. */
export interface SharedOptions extends Omit<
  CallMeta,
  "use_case" | "vars" | "prompt_version" | "prompt_source"
> {
  /** What the answer depends on: the prompt's variables, the cache's key, the template's values. */
  readonly vars?: Readonly<Record<string, unknown>> | undefined;
  /** The last rung; goes before the policy's own template. */
  readonly template?: ((vars: Readonly<Record<string, unknown>>) => string) | undefined;
  /** Instead of the policy that the registry delivers. */
  readonly policy?: PartialPolicy | undefined;
  /** Forces a branch, for drills and tests. */
  readonly inject?: Injection | undefined;
  /** The caller's own: what it aborts rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface PolicyOptions extends SharedOptions {
  /** One request to a provider. It throws what its SDK throws. */
  call(given: CallArguments): Promise<string | CallAnswer>;
  /**
   * What is refused is neither returned nor cached. An empty text always is, and what is no JSON where the prompt declares
   * JSON; `matchesSchema` of `@plumbline/client/validators` checks more of it.
   */
  readonly validate?: Validator | readonly Validator[] | undefined;
}

export interface StreamOptions extends SharedOptions {
  /** One request to a provider: its texts as they come. */
  call(given: CallArguments): AsyncIterable<string> | Promise<AsyncIterable<string>>;
}
