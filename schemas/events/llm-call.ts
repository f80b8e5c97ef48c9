/**
 * The call event, schema version 1: one user request to a prompt and its final outcome.
 *
 * Glossary. *Call*: one user request. *Attempt*: one provider request inside a call. *Path*: which rung of
 * the degradation tree answered. *Use case*: the feature that a prompt serves. *Prompt version*: the content
 * hash of the canonical prompt.
 *
 * Field names are the wire's and SQL's: `snake_case`, units last. Durations are milliseconds, money is US
 * dollars, times are ISO 8601 in UTC.
 */
import { z } from "zod";
import { instant } from "./instant.ts";

const CALL_SCHEMA_VERSION = 1;

const PATHS = [
  "primary",
  "retry",
  "fallback_model",
  "cached_exact",
  "cached_semantic",
  "stale",
  "template",
  "error",
] as const;
const CALL_STATUSES = [
  "ok",
  "error",
  "timeout",
  "rate_limited",
  "invalid_output",
  "refused",
  "cancelled",
] as const;
const PROMPT_SOURCES = ["live", "cache", "last_known_good", "bundled", "none"] as const;
const CACHE_KINDS = ["none", "prefix", "exact", "semantic"] as const;

/** Attributes beyond this many keys are refused: they become columns of an analyst's map. */
export const ATTRIBUTES_MAX = 32;
/** Reasons for dropping a call in one report. */
const DROP_REASONS_MAX = 16;
/** One event, as JSON, in bytes. The emitter shortens texts to fit; nothing else is that large. */
export const CALL_BYTES_MAX = 262_144;

const name = z.string().min(1).max(200);
const optionalName = z.string().max(200).nullish();
const milliseconds = z.number().nonnegative().max(86_400_000);
const tokens = z.number().int().nonnegative().max(100_000_000);
const text = z.string().max(CALL_BYTES_MAX);
const Attempt = z.object({
  provider: optionalName.describe("provider asked in this request"),
  model: name.describe("model asked for in this provider request"),
  path: z.enum(PATHS),
  status: z.enum(CALL_STATUSES),
  error_type: optionalName.describe("low-cardinality class of the failure, such as http_529"),
  latency_ms: milliseconds,
  input_tokens: tokens.nullish().describe("including cached tokens"),
  cached_input_tokens: tokens.nullish(),
  cache_write_input_tokens: tokens.nullish(),
  output_tokens: tokens.nullish(),
  cost_usd: z.number().nonnegative().nullish(),
});

const callCount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/**
 * What one emitter counted since it was created. Cumulative, so that a report that is lost or repeated does no harm;
 * it travels with calls, so that it needs no channel of its own and reaches Kafka as it reaches the collector.
 */
const ClientReport = z.object({
  emitted: callCount,
  acknowledged: callCount.describe("calls that the receiver said are durable"),
  rejected: callCount.describe("calls that the receiver refused for good"),
  dropped: z
    .record(z.string().regex(/^[a-z_]{1,40}$/, "must be 1 to 40 of a-z and _"), callCount)
    .refine((map) => Object.keys(map).length <= DROP_REASONS_MAX, {
      error: `must have at most ${DROP_REASONS_MAX} reasons`,
    })
    .default({})
    .describe("calls that the emitter gave up before they were sent, by reason"),
});

export const LlmCall = z.object({
  call_id: z
    .string()
    .regex(
      /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
      "must be a UUID; make it once, when the call ends",
    )
    .describe("UUIDv7, made once by the emitter; every idempotency guarantee rests on it"),
  schema_version: z.literal(CALL_SCHEMA_VERSION).default(CALL_SCHEMA_VERSION),
  started_at: instant.describe("when the application began the call, UTC"),
  env: name.default("production").describe("deployment environment"),
  app: name.describe("name of the application that made the call"),
  app_version: optionalName,
  use_case: name.describe("feature that the prompt serves"),
  prompt_version: z
    .string()
    .max(200)
    .nullish()
    .describe(
      "sha256:<64 hex> of the canonical prompt; absent means untagged, and is counted against the app",
    ),
  prompt_source: z.enum(PROMPT_SOURCES).default("none").describe("where the application got the prompt from"),
  provider: optionalName,
  model: name.describe("model asked for"),
  response_model: optionalName.describe("model that the provider says answered"),
  path: z.enum(PATHS).default("primary").describe("rung of the degradation tree that answered"),
  attempts: z.array(Attempt).max(20).default([]),
  status: z.enum(CALL_STATUSES).describe("outcome for the user; says nothing about quality"),
  error_type: optionalName,
  latency_ms: milliseconds.describe("whole call as the user waited for it, ms"),
  ttft_ms: milliseconds.nullish().describe("time to first token, ms"),
  input_tokens: tokens.nullish().describe("of the answer, including cached tokens"),
  cached_input_tokens: tokens.nullish(),
  cache_write_input_tokens: tokens.nullish().describe("input tokens that the provider stored in its cache"),
  output_tokens: tokens.nullish().describe("including those of reasoning"),
  reasoning_output_tokens: tokens.nullish(),
  cost_usd: z
    .number()
    .nonnegative()
    .max(1_000_000)
    .nullish()
    .describe("US dollars; null is unknown, and the writer then prices the tokens"),
  cache_kind: z.enum(CACHE_KINDS).default("none"),
  conversation_id: optionalName.describe(
    "the unit of statistics; a call without one is its own conversation",
  ),
  user_hash: optionalName.describe("salted hash, never an identity"),
  trace_id: optionalName,
  span_id: optionalName,
  input: text.nullish().describe("by capture mode: the text, or absent"),
  output: text.nullish(),
  vars: z
    .record(z.string().max(200), z.string().max(CALL_BYTES_MAX))
    .nullish()
    .describe("template variables"),
  attributes: z
    .record(z.string().min(1).max(100), z.string().max(1000))
    .refine((map) => Object.keys(map).length <= ATTRIBUTES_MAX, {
      error: `must have at most ${ATTRIBUTES_MAX} keys`,
    })
    .default({}),
  is_truncated: z.boolean().default(false).describe("the emitter shortened input, output or vars"),
  emitter_id: optionalName.describe("one emitter's life: process start to process end"),
  sequence: z
    .number()
    .int()
    .nonnegative()
    .nullish()
    .describe("per emitter_id, starts at 0, gap-free: a gap is a lost call"),
  dropped: z.number().int().nonnegative().default(0).describe("calls this emitter had dropped so far"),
  client_report: ClientReport.nullish().describe("the emitter's own counts when it sent this call"),
});

/** What an emitter may send: fields with defaults are optional. */
export type LlmCallInput = z.input<typeof LlmCall>;
/** A validated call, defaults filled in. */
export type LlmCall = z.output<typeof LlmCall>;

/** Names of the fields that schema version 1 knows; anything else on an event is an unknown field. */
export const CALL_FIELDS: ReadonlySet<string> = new Set(Object.keys(LlmCall.shape));
