import type { ScenarioRun } from "../scenario.ts";
import { until, untilStill } from "../processes/process.ts";
import { sendOnce } from "../senders/sender.ts";
import type { Ledger } from "./ledger.ts";
import type { StoreReader } from "./store-reader.ts";

/** Invariant I8, of the long form, which has the machine for itself. */
const FRESH_MS = 10_000;
const PATIENCE_MS = 120_000;

/**
 * Faults are over: a fresh call flows from the collector to the store, and the backlog before it (I8). Resolves when every
 * acknowledged call is there, or the number of rows stands still.
 */
export async function untilFresh(
  run: ScenarioRun,
  ledger: Ledger,
  collectorUrl: string,
  store: StoreReader,
): Promise<void> {
  const started = performance.now();
  await until("the collector takes a call", () => sendOnce(ledger, collectorUrl, 1), PATIENCE_MS, 100);
  await untilStoredOrStill(store, ledger);
  const seconds = (performance.now() - started) / 1_000;
  run.counts["fresh_seconds_max"] = Math.max(
    run.counts["fresh_seconds_max"] ?? 0,
    Math.round(seconds * 10) / 10,
  );
  if (!run.isShort)
    run.require(seconds * 1_000 <= FRESH_MS, `a fresh call took ${seconds.toFixed(1)} s to flow`);
}

/** Waits until every acknowledged call is stored, or the number stands still: what is missing then is lost. */
export function untilStoredOrStill(store: StoreReader, ledger: Ledger): Promise<void> {
  return untilStill(async () => {
    const { stored } = await store.numbers<"stored">(
      `SELECT uniqExact(call_id) AS stored FROM plumbline_raw.calls WHERE ${ledger.isOwnSql}`,
    );
    return stored;
  }, ledger.count("acknowledged"));
}
