/** The store of local mode with calls in it, and its read-only SQL endpoint. */
import { createLogger } from "@plumbline/runtime/logger";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import type { CallRow, Store } from "@plumbline/ports";
import { LlmCall, type LlmCallInput, type Verdict } from "@plumbline/schemas";

const logger = createLogger("test", "silent");

export interface StoreWithSql {
  readonly store: Store;
  readonly sqlUrl: string;
  close(): Promise<void>;
}

export async function openStoreWithSql(): Promise<StoreWithSql> {
  const path = await mkdtemp(join(tmpdir(), "plumbline-tail-"));
  const engine = await openEmbeddedClickHouse({ path });
  const store = createClickHouseStore(engine);
  await store.migrate();
  const front = await serveClickHouse(engine, { logger, port: 0, readOnly: true });
  return {
    store,
    sqlUrl: front.url,
    async close() {
      await front.close();
      await store.close();
      await rm(path, { recursive: true });
    },
  };
}

export function callId(n: number): string {
  return `01935b2e-7c4e-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** @param at when the call began and was stored, ms since the epoch */
export function callRow(n: number, at: number, more: Partial<LlmCallInput> = {}): CallRow {
  const started_at = new Date(at).toISOString();
  const call = LlmCall.parse({
    call_id: callId(n),
    started_at,
    app: "helpdesk",
    use_case: "ticket-summary",
    model: "gpt-5-mini",
    status: "ok",
    latency_ms: 812,
    input_tokens: 400,
    output_tokens: 90,
    ...more,
  });
  return {
    log_partition: 0,
    log_offset: n,
    ingested_at: started_at,
    tenant: "default",
    call,
    prompt_version: call.prompt_version ?? "",
    conversation_id: call.conversation_id ?? call.call_id,
    started_at,
    clock_skew_ms: 0,
    cost_usd: 0.0012,
    slices: [],
    features: {},
    is_sampled: false,
    sample_rate: 0.05,
    flags: [],
  };
}

export function verdictOf(row: CallRow, score: number, more: Partial<Verdict> = {}): Verdict {
  return {
    call_id: row.call.call_id,
    tenant: row.tenant,
    env: row.call.env,
    use_case: row.call.use_case,
    prompt_version: row.prompt_version,
    model: row.call.model,
    conversation_id: row.conversation_id,
    started_at: row.started_at,
    criterion: "faithfulness",
    is_guardrail: true,
    rubric_hash: "sha256:00",
    judge: "lexical, no LLM",
    state: "scored",
    label: score >= 0.8 ? "pass" : "fail",
    score,
    reason: score >= 0.8 ? "" : "the amount is missing",
    failure_type: null,
    judged_at: row.started_at,
    latency_ms: 1,
    cost_usd: 0,
    slices: [],
    sample_rate: 0.05,
    ...more,
  };
}
