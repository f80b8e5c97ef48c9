/**
 * The documented paths of a call: what each failure leads to under each shape of policy. The page
 * `docs/understand/degradation.md` is written from this table, and the matrix of tests holds the client to it.
 */
import type { FailureName } from "@plumbline/scripted-provider";

/** How the client understands a failure. */
export type Group = "transient" | "wait_too_long" | "invalid" | "client_error";

export const FAILURE_GROUPS: Readonly<
  Record<FailureName, { readonly group: Group; readonly status: string; readonly means: string }>
> = {
  timeout: { group: "transient", status: "timeout", means: "no answer within `attempt_timeout_ms`" },
  slow_body: { group: "transient", status: "timeout", means: "an answer that begins and never ends" },
  connection_reset: { group: "transient", status: "error", means: "the connection breaks before an answer" },
  half_body: { group: "transient", status: "error", means: "the connection breaks within the answer" },
  short_body: { group: "transient", status: "error", means: "the answer ends early" },
  rate_limited: { group: "transient", status: "rate_limited", means: "429 without `Retry-After`" },
  rate_limited_seconds: {
    group: "transient",
    status: "rate_limited",
    means: "429 with `Retry-After` in seconds",
  },
  rate_limited_date: {
    group: "transient",
    status: "rate_limited",
    means: "429 with `Retry-After` as a date",
  },
  rate_limited_too_long: {
    group: "wait_too_long",
    status: "rate_limited",
    means: "429 with a `Retry-After` beyond the deadline",
  },
  server_error: { group: "transient", status: "error", means: "500" },
  overloaded: { group: "transient", status: "error", means: "529" },
  malformed_json: { group: "transient", status: "error", means: "200 with a body that is no JSON" },
  error_body: { group: "transient", status: "error", means: "200 with an error for a body" },
  refusal: { group: "invalid", status: "refused", means: "the model declines" },
  content_filter: { group: "invalid", status: "refused", means: "the provider withholds the answer" },
  empty_output: { group: "invalid", status: "invalid_output", means: "no text, all tokens spent (`length`)" },
  bad_request: {
    group: "client_error",
    status: "error",
    means: "400 and other 4xx that no `treat_as` names",
  },
};

/** `once`: the first request fails. `always`: every request to the prompt's own model. `everywhere`: to any model. */
export type Extent = "once" | "always" | "everywhere";

export type ShapeName =
  | "bare"
  | "retry"
  | "fallback"
  | "template"
  | "stale"
  | "full"
  | "full_cached_when_invalid";

/** Policies, and what stands ready: an old answer in the cache or none. */
export const SHAPES: Readonly<
  Record<ShapeName, { readonly means: string; readonly hasOldAnswer: boolean; readonly policy: object }>
> = {
  bare: { means: "no rung but the model itself", hasOldAnswer: false, policy: { retry: { max: 0 } } },
  retry: { means: "one retry", hasOldAnswer: false, policy: { retry: { max: 1, base_ms: 1 } } },
  fallback: {
    means: "a fallback model",
    hasOldAnswer: false,
    policy: { retry: { max: 0 }, fallback_models: [{ model: "openai/nano" }] },
  },
  template: {
    means: "a template",
    hasOldAnswer: false,
    policy: { retry: { max: 0 }, template: { text: "No answer for {{ticket}}." } },
  },
  stale: {
    means: "an old answer in the cache",
    hasOldAnswer: true,
    policy: { retry: { max: 0 }, cache: { mode: "write" } },
  },
  full: {
    means: "a retry, a fallback model, an old answer, a template",
    hasOldAnswer: true,
    policy: {
      retry: { max: 1, base_ms: 1 },
      fallback_models: [{ model: "openai/nano" }],
      cache: { mode: "write" },
      template: { text: "No answer for {{ticket}}." },
    },
  },
  full_cached_when_invalid: {
    means: "the same, with `on_invalid_output: [retry, fallback_model, cached, template]`",
    hasOldAnswer: true,
    policy: {
      retry: { max: 1, base_ms: 1 },
      fallback_models: [{ model: "openai/nano" }],
      cache: { mode: "write" },
      template: { text: "No answer for {{ticket}}." },
      on_invalid_output: ["retry", "fallback_model", "cached", "template"],
    },
  },
};

/** Which rung answers, and which rungs asked a model on the way. */
export interface Expected {
  /** `thrown`: the provider's own error goes to the caller. */
  readonly path: "retry" | "fallback_model" | "stale" | "template" | "error" | "thrown";
  readonly asked: readonly ("primary" | "retry" | "fallback_model")[];
}

const ONE = ["primary"] as const;
const TWO = ["primary", "retry"] as const;
const OTHER = ["primary", "fallback_model"] as const;
const ALL = ["primary", "retry", "fallback_model"] as const;

const EXPECTED: Readonly<
  Record<ShapeName, Readonly<Record<Exclude<Group, "client_error">, Readonly<Record<Extent, Expected>>>>>
> = {
  bare: same({ path: "error", asked: ONE }),
  retry: {
    transient: {
      once: { path: "retry", asked: TWO },
      always: { path: "error", asked: TWO },
      everywhere: { path: "error", asked: TWO },
    },
    wait_too_long: always({ path: "error", asked: ONE }),
    invalid: {
      once: { path: "retry", asked: TWO },
      always: { path: "error", asked: TWO },
      everywhere: { path: "error", asked: TWO },
    },
  },
  fallback: {
    ...same({ path: "fallback_model", asked: OTHER }, { path: "error", asked: OTHER }),
  },
  template: same({ path: "template", asked: ONE }),
  stale: {
    transient: always({ path: "stale", asked: ONE }),
    wait_too_long: always({ path: "stale", asked: ONE }),
    // An old answer stands for one that did not come, not for one that was refused, unless the policy says so.
    invalid: always({ path: "error", asked: ONE }),
  },
  full: {
    transient: {
      once: { path: "retry", asked: TWO },
      always: { path: "fallback_model", asked: ALL },
      everywhere: { path: "stale", asked: ALL },
    },
    wait_too_long: {
      once: { path: "fallback_model", asked: OTHER },
      always: { path: "fallback_model", asked: OTHER },
      everywhere: { path: "stale", asked: OTHER },
    },
    invalid: {
      once: { path: "retry", asked: TWO },
      always: { path: "fallback_model", asked: ALL },
      everywhere: { path: "template", asked: ALL },
    },
  },
  full_cached_when_invalid: {
    transient: {
      once: { path: "retry", asked: TWO },
      always: { path: "fallback_model", asked: ALL },
      everywhere: { path: "stale", asked: ALL },
    },
    wait_too_long: {
      once: { path: "fallback_model", asked: OTHER },
      always: { path: "fallback_model", asked: OTHER },
      everywhere: { path: "stale", asked: OTHER },
    },
    invalid: {
      once: { path: "retry", asked: TWO },
      always: { path: "fallback_model", asked: ALL },
      everywhere: { path: "stale", asked: ALL },
    },
  },
};

export function expectedPath(failure: FailureName, shape: ShapeName, extent: Extent): Expected {
  const { group } = FAILURE_GROUPS[failure];
  return group === "client_error" ? { path: "thrown", asked: ONE } : EXPECTED[shape][group][extent];
}

function always(expected: Expected): Readonly<Record<Extent, Expected>> {
  return { once: expected, always: expected, everywhere: expected };
}

function same(expected: Expected, everywhere = expected) {
  const each = { ...always(expected), everywhere };
  return { transient: each, wait_too_long: each, invalid: each };
}
