/**
 * The policy of a use case as the registry delivers it: the parsed policy file. What is missing has the file's default,
 * and so has what is of the wrong kind: a newer registry may send what this client does not know.
 */
import { objectOf } from "../wrap/reading.ts";

export interface Policy {
  /** The whole call, ms. */
  readonly deadline_ms: number;
  /** One request to a provider, ms. */
  readonly attempt_timeout_ms: number;
  readonly retry: {
    /** Further attempts with the prompt's own model. */
    readonly max: number;
    readonly on: readonly RetryKind[];
    readonly base_ms: number;
    readonly max_ms: number;
    readonly jitter: "full" | "none";
    readonly respect_retry_after: boolean;
  };
  readonly breaker: BreakerPolicy;
  /** In this order, one attempt each. */
  readonly fallback_models: readonly FallbackModel[];
  readonly on_invalid_output: readonly Rung[];
  /** Client errors by status, such as `409`, that are handled instead of thrown. */
  readonly treat_as: Readonly<Record<string, "rate_limited" | "server_error">>;
  readonly cached: { readonly max_stale_ms: number; readonly only_from_paths: readonly string[] };
  /** `text` is a template as a prompt's is; null when the file has none. */
  readonly template: { readonly text: string } | null;
  readonly cache: {
    readonly mode: "off" | "read" | "write" | "readwrite";
    readonly exact: { readonly ttl_ms: number };
    readonly semantic: {
      readonly enabled: boolean;
      readonly threshold: number;
      readonly max_tokens: number;
    };
    /** Attributes of the call that are part of the question. */
    readonly vary: readonly string[];
  };
}

type RetryKind = "timeout" | "rate_limited" | "server_error" | "network" | "invalid_output";
/** Where a call may go after an attempt that failed. */
export type Rung = "retry" | "fallback_model" | "cached" | "template";

interface FallbackModel {
  /** `provider/model`. */
  readonly model: string;
  /** Use case whose prompt it gets; absent: the call's own. */
  readonly prompt?: string | undefined;
}

export interface BreakerPolicy {
  /** Failures within `window_ms` that open it. */
  readonly failures: number;
  readonly window_ms: number;
  readonly open_ms: number;
  readonly scope: "model" | "provider";
}

/** A policy with some of it left out. */
export type PartialPolicy = {
  readonly [Key in keyof Policy]?: Policy[Key] extends readonly unknown[]
    ? Policy[Key]
    : Policy[Key] extends object
      ? Partial<Policy[Key]>
      : Policy[Key];
};

const DEFAULTS: Policy = {
  deadline_ms: 15_000,
  attempt_timeout_ms: 8_000,
  retry: {
    max: 2,
    on: ["timeout", "rate_limited", "server_error", "network"],
    base_ms: 200,
    max_ms: 2_000,
    jitter: "full",
    respect_retry_after: true,
  },
  breaker: { failures: 10, window_ms: 30_000, open_ms: 15_000, scope: "model" },
  fallback_models: [],
  on_invalid_output: ["retry", "fallback_model", "template"],
  treat_as: {},
  cached: { max_stale_ms: 86_400_000, only_from_paths: ["primary", "retry"] },
  template: null,
  cache: {
    mode: "off",
    exact: { ttl_ms: 3_600_000 },
    semantic: { enabled: false, threshold: 0.95, max_tokens: 2_000 },
    vary: [],
  },
};

/** Most requests of one call: the event has room for 20. */
const RETRIES_MAX = 10;
const FALLBACKS_MAX = 5;

const resolved = new WeakMap<object, Policy>();

/** resolvePolicy fills in the defaults of a delivered policy; null is a policy of nothing but defaults. */
export function resolvePolicy(given: unknown): Policy {
  if (typeof given !== "object" || given === null) return DEFAULTS;
  let policy = resolved.get(given);
  if (policy === undefined) {
    policy = read(given as PartialPolicy);
    resolved.set(given, policy);
  }
  return policy;
}

function read(given: PartialPolicy): Policy {
  const policy = withDefaults(given, DEFAULTS) as Policy;
  const { fallback_models, retry, template } = policy;
  return {
    ...policy,
    retry: { ...retry, max: Math.min(retry.max, RETRIES_MAX) },
    fallback_models: fallback_models
      .filter((each) => typeof objectOf(each)["model"] === "string")
      .slice(0, FALLBACKS_MAX),
    treat_as: objectOf(given.treat_as) as Policy["treat_as"],
    // A policy that was pushed by an older command line names a file, and has no text.
    template: typeof template?.text === "string" ? template : null,
  };
}

/** What is given where it is of the default's kind, else the default. */
function withDefaults(given: unknown, normal: unknown): unknown {
  if (Array.isArray(normal)) return Array.isArray(given) ? given : normal;
  if (typeof normal === "object" && normal !== null) {
    const its = objectOf(given);
    return Object.fromEntries(
      Object.entries(normal).map(([key, value]) => [key, withDefaults(its[key], value)]),
    );
  }
  if (normal === null) return given ?? null;
  if (typeof normal === "number") return typeof given === "number" && given >= 0 ? given : normal;
  return typeof given === typeof normal ? given : normal;
}
