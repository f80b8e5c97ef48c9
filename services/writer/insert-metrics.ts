/** Inserts as metrics: once a block, never once a row. */
import { StoreError, type CallRow, type Clock, type Origin } from "@plumbline/ports";
import { count, observe } from "@plumbline/runtime/metrics";
import type { Topic } from "@plumbline/schemas";
import type { Destination } from "./delivery/destination.ts";

/** Calls of a block whose age is looked at. */
const AGES_A_BLOCK = 32;

interface InsertHooks<Row> {
  /** Called before each attempt. */
  readonly onAttempt: () => void;
  readonly onStored?: (rows: readonly Row[]) => void;
}

/** The same destination, its inserts counted and timed under the name of its topic's table. */
export function measured<Row extends Origin, State>(
  destination: Destination<Row, State>,
  hooks: InsertHooks<Row>,
): Destination<Row, State> {
  const table = TABLES[destination.topic] ?? "other";
  count("duplicates_total", { topic: destination.topic }, 0);
  for (const code of ERROR_CODES) count("insert_errors_total", { table, code }, 0);
  return {
    ...destination,
    async insert(rows, isRepeat) {
      const started = performance.now();
      hooks.onAttempt();
      try {
        await destination.insert(rows, isRepeat);
      } catch (error) {
        const code = error instanceof StoreError ? error.code : "other";
        count("insert_errors_total", { table, code });
        throw error;
      }
      observe("clickhouse_insert_seconds", { table }, (performance.now() - started) / 1_000);
      observe("insert_rows", { table }, rows.length);
      hooks.onStored?.(rows);
    },
  };
}

/** Notes how old calls are when they can be queried, of evenly spaced ones. */
export function noteAges(rows: readonly CallRow[], clock: Clock): void {
  const now = clock.now();
  const step = Math.max(1, Math.ceil(rows.length / AGES_A_BLOCK));
  for (let i = 0; i < rows.length; i += step) {
    const { call, started_at } = rows[i]!;
    const age = now - Date.parse(started_at) - call.latency_ms;
    observe("event_age_seconds", {}, Math.max(0, age) / 1_000);
  }
}

/** Counts the calls that a provider answered and that have no cost, by the reason. */
export function noteUnpriced(rows: readonly CallRow[]): void {
  let noPrice = 0;
  let noTokens = 0;
  for (const { cost_usd, flags, call } of rows) {
    if (cost_usd !== null) continue;
    if (flags.includes("no_price")) noPrice += 1;
    else if (call.status === "ok" && ASKED.has(call.path)) noTokens += 1;
  }
  count("calls_unpriced_total", { reason: "no_price" }, noPrice);
  count("calls_unpriced_total", { reason: "no_tokens" }, noTokens);
}

/** Paths on which a provider was asked. */
const ASKED: ReadonlySet<string> = new Set(["primary", "retry", "fallback_model"]);

const TABLES: Partial<Record<Topic, string>> = {
  "plumbline.calls": "calls",
  "plumbline.verdicts": "verdicts",
  "plumbline.feedback": "feedback",
  "plumbline.incidents": "incidents",
  "plumbline.registry": "registry_events",
  "plumbline.calls.dead_letter": "dead_letters",
};

const ERROR_CODES = ["store_retriable", "store_unknown", "store_data", "store_config", "other"];
