import { describeCall } from "@plumbline/features";
import { createPricing, type Pricing, type TokenCounts } from "@plumbline/gate/price/create-pricing";
import type { ModelNames } from "@plumbline/gate/price/model-homes";
import type { CallRow } from "@plumbline/ports";
import type { DecodedCall } from "./decode-call.ts";
import {
  CALL_AGE_DAYS_MAX,
  CALL_AHEAD_MINUTES_MAX,
  DAY_MS,
  OVERFLOW_USE_CASE,
  OVERFLOW_VERSION,
  USE_CASES_A_DAY_MAX,
  VERSIONS_A_DAY_MAX,
} from "@plumbline/schemas";
import { SamplingPlan } from "./sampling-plan.ts";
import { UseCaseLimit, VersionLimit } from "./name-limits.ts";

/** Older than this against the log's clock is a wrong clock: one such batch would touch every partition of the table. */
const PAST_MAX_MS = CALL_AGE_DAYS_MAX * DAY_MS;
const FUTURE_MAX_MS = CALL_AHEAD_MINUTES_MAX * 60_000;

export interface Enrichment {
  readonly price: Pricing;
  /** Slice predicates that hold, and drift features; see packages/features. */
  readonly describe: (call: AcceptedCall["call"]) => {
    readonly slices: readonly string[];
    readonly features: Readonly<Record<string, number>>;
  };
  readonly sampling: Pick<SamplingPlan, "decide" | "load">;
  readonly useCases: Pick<UseCaseLimit, "takesIn" | "load">;
  readonly versions: Pick<VersionLimit, "takesIn" | "load">;
}

/** Of the writer's environment, what decides which calls are judged. */
interface EnrichmentConfig {
  /** Share of conversations, in [0,1]. */
  readonly PLUMBLINE_JUDGE_SAMPLE_RATIO: number;
  readonly PLUMBLINE_SAMPLING_EPOCH: string;
  readonly PLUMBLINE_PINNED_SLICES: readonly string[];
}

/** The enrichment that production and local mode run: public prices, our features, the sampling plan. */
export function createEnrichment(config: EnrichmentConfig): Enrichment {
  return {
    price: createPricing(),
    describe: describeCall,
    sampling: new SamplingPlan({
      rate: config.PLUMBLINE_JUDGE_SAMPLE_RATIO,
      epoch: config.PLUMBLINE_SAMPLING_EPOCH,
      pinnedSlices: config.PLUMBLINE_PINNED_SLICES,
    }),
    useCases: new UseCaseLimit(USE_CASES_A_DAY_MAX),
    versions: new VersionLimit(VERSIONS_A_DAY_MAX),
  };
}

type AcceptedCall = Extract<DecodedCall, { kind: "accepted" }>;

/**
 * Adds to a call what the log and the writer know. It reads no clock but the record's, so a replay after a crash makes
 * the same row; only the sampling rate may differ, which then lies on the row as it was, and whether the day's number of
 * use cases or versions was reached (`name-limits.ts`).
 */
export function enrichCall(
  { record, tenant, call: sent, unknownFields }: AcceptedCall,
  enrichment: Enrichment,
  logEpoch: number,
): CallRow {
  const flags: string[] = [];
  const ingestedAt = new Date(record.timestamp).toISOString();
  const isKnown = enrichment.useCases.takesIn(tenant, sent.use_case, ingestedAt);
  if (!isKnown) flags.push("use_case_overflow");
  const call = isKnown ? sent : { ...sent, use_case: OVERFLOW_USE_CASE };
  const reported = Date.parse(call.started_at);
  const skew = reported - record.timestamp;
  const isSkewed = skew < -PAST_MAX_MS || skew > FUTURE_MAX_MS;
  const startedAt = isSkewed ? record.timestamp : reported;
  if (isSkewed) flags.push("clock_skew");
  if (record.isTimeRepaired) flags.push("record_time");
  if (unknownFields > 0) flags.push("unknown_fields");
  if (call.is_truncated) flags.push("truncated");
  let promptVersion = call.prompt_version ?? "";
  if (promptVersion === "") flags.push("untagged");
  // Of many prompts, and so never one version.
  if (!isKnown) promptVersion = OVERFLOW_VERSION;
  else if (
    promptVersion !== "" &&
    !enrichment.versions.takesIn(tenant, call.use_case, promptVersion, ingestedAt)
  ) {
    flags.push("version_overflow");
    promptVersion = OVERFLOW_VERSION;
  }

  const conversationId = call.conversation_id ?? call.call_id;
  const at = new Date(startedAt);
  const startedAtIso = at.toISOString();
  const cost_usd = call.cost_usd ?? priceOf(call, at, enrichment);
  if (cost_usd === null && hasTokens(call)) flags.push("no_price");
  const description = enrichment.describe(call);
  return {
    log_epoch: logEpoch,
    log_partition: record.partition,
    log_offset: record.offset,
    ingested_at: ingestedAt,
    tenant,
    call,
    prompt_version: promptVersion,
    conversation_id: conversationId,
    started_at: startedAtIso,
    clock_skew_ms: isSkewed ? skew : 0,
    cost_usd,
    ...description,
    ...enrichment.sampling.decide({
      tenant,
      env: call.env,
      use_case: call.use_case,
      prompt_version: promptVersion,
      conversation_id: conversationId,
      input: call.input ?? null,
      slices: description.slices,
      source: call.attributes["tenant"] ?? call.user_hash ?? null,
      status: call.status,
      path: call.path,
      started_at: startedAtIso,
    }),
    flags,
  };
}

/** Unknown tokens are an unknown price, never a free call. An answer that was thrown away was paid for all the same. */
function priceOf(call: AcceptedCall["call"], at: Date, { price }: Enrichment): number | null {
  const last = call.attempts.at(-1);
  // The tokens of a call that failed are those of its last attempt.
  const thrownAway = call.attempts.filter(
    (attempt) => attempt.status !== "ok" && hasTokens(attempt) && (call.status === "ok" || attempt !== last),
  );
  if (!hasTokens(call) && thrownAway.length === 0) return null;
  const provider = call.provider ?? null;
  const priceOfTokens = (names: ModelNames, counted: Counted): number | null => {
    const counts = countsOf(counted);
    return counts === null ? null : price(names, at, counts);
  };
  const costs = thrownAway.map((attempt) => {
    const names = { provider: attempt.provider || provider, model: attempt.model };
    return attempt.cost_usd ?? priceOfTokens(names, attempt);
  });
  if (hasTokens(call)) costs.push(priceOfTokens({ ...call, provider }, call));
  return costs.reduce((sum, cost) => (sum === null || cost === null ? null : sum + cost), 0);
}

type Counted = Pick<
  AcceptedCall["call"]["attempts"][number],
  "input_tokens" | "cached_input_tokens" | "cache_write_input_tokens" | "output_tokens"
>;

/** Null when only one of the two sides is known. */
function countsOf({
  input_tokens,
  cached_input_tokens,
  cache_write_input_tokens,
  output_tokens,
}: Counted): TokenCounts | null {
  if (input_tokens == null || output_tokens == null) return null;
  return {
    input_tokens,
    cached_input_tokens: cached_input_tokens ?? 0,
    cache_write_input_tokens: cache_write_input_tokens ?? 0,
    output_tokens,
  };
}

function hasTokens({ input_tokens, output_tokens }: Counted): boolean {
  return input_tokens != null || output_tokens != null;
}
