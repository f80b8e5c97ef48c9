/**
 * The policy file: the degradation tree of a use case, versioned and delivered with its prompt. Every key has a
 * default, so a file with nothing but `use_case` is a policy. Spans and sizes are written with a unit and come out
 * as `…_ms` and bytes.
 */
import { z } from "zod";
import { ProjectPath, UseCase } from "./prompt.ts";
import { ByteSize, Duration } from "./quantity.ts";

/** Longest last answer, characters: a policy travels with every answer of the registry. */
export const TEMPLATE_CHARS_MAX = 20_000;

const Retry = z
  .object({
    max: z.number().int().min(0).max(10).default(2).describe("further attempts with the prompt's own model"),
    on: z
      .array(z.enum(["timeout", "rate_limited", "server_error", "network", "invalid_output"]))
      .default(["timeout", "rate_limited", "server_error", "network"]),
    base_ms: z.number().int().positive().max(60_000).default(200),
    max_ms: z.number().int().positive().max(60_000).default(2000),
    jitter: z.enum(["full", "none"]).default("full"),
    respect_retry_after: z.boolean().default(true).describe("wait as told when it fits the deadline"),
  })
  .strict();

const Breaker = z
  .object({
    failures: z
      .number()
      .int()
      .positive()
      .default(10)
      .describe("within the window, and at least half of its requests, open the breaker"),
    window_ms: z.number().int().positive().default(30_000),
    open_ms: z.number().int().positive().default(15_000),
    scope: z.enum(["model", "provider"]).default("model"),
  })
  .strict();

const Cached = z
  .object({
    max_stale: Duration.default(86_400_000).describe("oldest answer that is still served, such as 24h"),
    only_from_paths: z
      .array(z.enum(["primary", "retry", "fallback_model"]))
      .default(["primary", "retry"])
      .describe("a degraded answer is never served again unless listed"),
  })
  .strict()
  .transform(({ max_stale, ...rest }) => ({ ...rest, max_stale_ms: max_stale }));

const Cache = z
  .object({
    mode: z.enum(["off", "read", "write", "readwrite"]).default("off"),
    exact: z
      .object({ ttl: Duration.default(3_600_000) })
      .strict()
      .transform(({ ttl }) => ({ ttl_ms: ttl }))
      .prefault({}),
    semantic: z
      .object({
        enabled: z.boolean().default(false),
        threshold: z.number().min(0).max(1).default(0.95),
        max_tokens: z.number().int().positive().default(2000),
      })
      .strict()
      .prefault({}),
    bounds: z
      .object({
        entries: z.number().int().positive().default(5000),
        bytes: ByteSize.default(64 * 1024 * 1024),
        eviction: z.enum(["lru"]).default("lru"),
      })
      .strict()
      .prefault({}),
    vary: z.array(z.string().min(1)).max(20).default([]).describe("attributes that are part of the key"),
  })
  .strict();

const Template = z
  .object({
    file: ProjectPath.optional().describe("its text is pushed with the policy"),
    text: z
      .string()
      .min(1)
      .max(TEMPLATE_CHARS_MAX)
      .optional()
      .describe("the text itself, with {{variables}} as in a prompt"),
  })
  .strict()
  .refine(
    ({ file, text }) => (file === undefined) !== (text === undefined),
    "needs file or text, one of them",
  );

export const PolicyFile = z
  .object({
    use_case: UseCase,
    deadline_ms: z.number().int().positive().max(600_000).default(15_000).describe("whole tree, ms"),
    attempt_timeout_ms: z
      .number()
      .int()
      .positive()
      .max(600_000)
      .default(8000)
      .describe("one provider request, ms"),
    retry: Retry.prefault({}),
    breaker: Breaker.prefault({}),
    fallback_models: z
      .array(
        z
          .object({ model: z.string().min(1), prompt: UseCase.optional().describe("another prompt for it") })
          .strict(),
      )
      .max(5)
      .default([]),
    on_invalid_output: z
      .array(z.enum(["retry", "fallback_model", "cached", "template"]))
      .default(["retry", "fallback_model", "template"])
      .describe("in this order; cached only when listed"),
    treat_as: z
      .record(
        z.string().regex(/^4\d\d$/, "must be a status such as 409"),
        z.enum(["rate_limited", "server_error"]),
      )
      .default({})
      .describe("client errors that are handled instead of thrown"),
    cached: Cached.prefault({}),
    template: Template.nullable().default(null),
    cache: Cache.prefault({}),
  })
  .strict()
  .refine((file) => file.attempt_timeout_ms <= file.deadline_ms, {
    error: "must not be longer than deadline_ms",
    path: ["attempt_timeout_ms"],
  })
  .refine((file) => file.retry.base_ms <= file.retry.max_ms, {
    error: "must not be longer than retry.max_ms",
    path: ["retry", "base_ms"],
  })
  .refine((file) => new Set(file.on_invalid_output).size === file.on_invalid_output.length, {
    error: "names a rung twice",
    path: ["on_invalid_output"],
  });
export type PolicyFile = z.output<typeof PolicyFile>;
