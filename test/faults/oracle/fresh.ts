import type { ScenarioRun } from "../scenario.ts";
import { until, untilStill } from "../processes/process.ts";
import { newBatch, sendBatch } from "../senders/sender.ts";
import { BATCH_ID_CHARS } from "./call.ts";
import type { Ledger } from "./ledger.ts";
import type { StoreReader } from "./store-reader.ts";

/** Invariant I8, of the long form, which has the machine for itself. */
const FRESH_MS = 10_000;
const PATIENCE_MS = 120_000;

/**
 * Faults are over: a fresh call flows from the collector to the store, and the backlog before it (I8). Resolves when every
 * acknowledged call is there, or the number of rows stands still.
 *
 * @param removed acknowledged calls that can't arrive any more
 */
export async function untilFresh(
  run: ScenarioRun,
  ledger: Ledger,
  collectorUrl: string,
  store: StoreReader,
  removed = 0,
): Promise<void> {
  const started = performance.now();
  const fresh = newBatch(ledger, 1);
  await until(
    "the collector takes a call",
    () => sendBatch(collectorUrl, fresh, ledger.linesOf(fresh)),
    PATIENCE_MS,
    100,
  );
  await until(
    "a fresh call is stored",
    async () => {
      const { stored } = await store.numbers<"stored">(
        `SELECT count() AS stored FROM plumbline_raw.calls WHERE call_id = '${ledger.idOf(fresh, 0)}'`,
      );
      return stored > 0;
    },
    PATIENCE_MS,
    50,
  ).catch((error: unknown) => run.require(false, String(error)));
  const seconds = (performance.now() - started) / 1_000;
  run.counts["fresh_seconds_max"] = Math.max(
    run.counts["fresh_seconds_max"] ?? 0,
    Math.round(seconds * 10) / 10,
  );
  if (!run.isShort)
    run.require(seconds * 1_000 <= FRESH_MS, `a fresh call took ${seconds.toFixed(1)} s to flow`);
  await untilStoredOrStill(store, ledger, removed);
}

/**
 * Waits until every acknowledged batch is stored and every stored call has its texts, or nothing more comes: what is
 * missing then is lost.
 */
export function untilStoredOrStill(store: StoreReader, ledger: Ledger, removed = 0): Promise<void> {
  return untilStill(
    async () => {
      const stored = new Map<string, number>();
      for await (const [prefix = "", calls] of store.rows(
        `SELECT substring(toString(call_id), 1, ${BATCH_ID_CHARS}) AS prefix, uniqExact(call_id) FROM plumbline_raw.calls WHERE ${ledger.isOwnSql} GROUP BY prefix`,
      ))
        stored.set(prefix, Number(calls));
      let whole = 0;
      for (const batch of ledger.batches()) {
        if (batch.outcome === "acknowledged")
          whole += Math.min(batch.calls, stored.get(ledger.idOf(batch, 0).slice(0, BATCH_ID_CHARS)) ?? 0);
      }
      const { without_texts } = await store.numbers<"without_texts">(
        `SELECT abs(toInt64((SELECT uniqExact(call_id) FROM plumbline_raw.calls WHERE ${ledger.isOwnSql})) - toInt64((SELECT uniqExact(call_id) FROM plumbline_raw.call_payloads WHERE ${ledger.isOwnSql}))) AS without_texts`,
      );
      return whole - without_texts;
    },
    ledger.count("acknowledged") - removed,
  );
}
