import type { ScenarioRun } from "../scenario.ts";
import { until } from "../processes/process.ts";
import { sendOnce } from "../senders/sender.ts";
import { USE_CASE } from "./call.ts";
import type { Ledger } from "./ledger.ts";
import type { StoreReader } from "./store-reader.ts";

/** Invariant I8, of the long form, which has the machine for itself. */
const FRESH_MS = 10_000;
const PATIENCE_MS = 120_000;

/**
 * Faults are over: a fresh call must flow from the collector to the store (I8). By then the backlog before it is written
 * where there is one partition; `all` waits until every acknowledged call is there or the number of rows stands still.
 */
export async function untilFresh(
  run: ScenarioRun,
  ledger: Ledger,
  collectorUrl: string,
  store: StoreReader,
): Promise<void> {
  const started = performance.now();
  const batch = { sent: false };
  await until(
    "the collector takes a call",
    async () => (batch.sent = await sendOnce(ledger, collectorUrl, 1)),
    PATIENCE_MS,
    100,
  );
  const expected = ledger.count("acknowledged");
  await untilStoredOrStill(store, expected);
  const seconds = (performance.now() - started) / 1_000;
  run.counts["fresh_seconds_max"] = Math.max(
    run.counts["fresh_seconds_max"] ?? 0,
    Math.round(seconds * 10) / 10,
  );
  if (!run.isShort)
    run.require(seconds * 1_000 <= FRESH_MS, `a fresh call took ${seconds.toFixed(1)} s to flow`);
}

/** Longest stand-still of the store that still counts as waiting. */
const STILL_MS = 20_000;

/** Waits until the store has that many calls, or gets no more for a while: what is missing then is lost. */
export async function untilStoredOrStill(store: StoreReader, calls: number): Promise<void> {
  let [last, changedAt] = [-1, performance.now()];
  await until(
    `${calls} calls are stored`,
    async () => {
      const { stored } = await store.numbers<"stored">(
        `SELECT uniqExact(call_id) AS stored FROM plumbline_raw.calls WHERE use_case = '${USE_CASE}'`,
      );
      if (stored !== last) [last, changedAt] = [stored, performance.now()];
      return stored >= calls || performance.now() - changedAt > STILL_MS;
    },
    600_000,
    100,
  );
}
