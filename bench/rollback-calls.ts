/** Collector, writer and ClickHouse of the rollback bench, and what the stored calls say about a rollback. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import type { EventLog } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { createCollector } from "@plumbline/services/collector/service";
import { createEnrichment } from "@plumbline/services/writer/calls/enrich-call";
import { createWriter } from "@plumbline/services/writer/service";

/** Longest wait for the last call, ms; what is missing then is lost. */
const ARRIVAL_MS_MAX = 30_000;

export interface StoredCalls {
  /** A round each: from the command until the last call with the version that was taken back, ms. */
  readonly delays: readonly number[];
  readonly calls: number;
  readonly lost: number;
  readonly duplicated: number;
}

export interface CallPath {
  /** Base address. */
  readonly collector: string;
  /**
   * @param given.commandedAt of the rollback of each version, ms since the epoch
   * @throws Error when a client made no call with one of the versions: then nothing was measured
   */
  read(given: {
    readonly emitted: number;
    readonly commandedAt: ReadonlyMap<string, number>;
    readonly clients: number;
  }): Promise<StoredCalls>;
  close(): Promise<void>;
}

export async function openCallPath(log: EventLog): Promise<CallPath> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-bench-"));
  const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
  const store = createClickHouseStore(clickhouse);
  await store.migrate();
  const logger = createLogger("bench", "error");
  const deps = { log, clock: systemClock, logger };
  const collector = createCollector({ ...deps, port: 0 });
  const writer = createWriter({
    ...deps,
    store,
    enrichment: createEnrichment({
      PLUMBLINE_JUDGE_SAMPLE_RATIO: 0.05,
      PLUMBLINE_SAMPLING_EPOCH: "1",
      PLUMBLINE_PINNED_SLICES: [],
    }),
  });
  const stop = new AbortController();
  const running = Promise.all([collector.run(stop.signal), writer.run(stop.signal)]);
  // Without one of them the calls do not arrive, and are counted as lost.
  running.catch((error: unknown) => logger.error({ err: error }, "bench.call_path_failed"));

  async function count(): Promise<{ readonly all: number; readonly calls: number }> {
    const [row] = await clickhouse.query(
      "SELECT count() AS all_rows, uniqExact(emitter_id, sequence) AS calls FROM plumbline_raw.calls",
    );
    return { all: Number(row?.["all_rows"]), calls: Number(row?.["calls"]) };
  }

  return {
    collector: await collector.url,
    async read({ emitted, commandedAt, clients }) {
      const deadline = performance.now() + ARRIVAL_MS_MAX;
      while ((await count()).calls < emitted && performance.now() < deadline) await systemClock.sleep(100);
      const { all, calls } = await count();
      const rows = await clickhouse.query(
        "SELECT prompt_version, count() AS clients, max(last_ms) AS last_ms FROM (SELECT prompt_version, emitter_id, max(toUnixTimestamp64Milli(started_at)) AS last_ms FROM plumbline_raw.calls GROUP BY prompt_version, emitter_id) GROUP BY prompt_version",
      );
      const byVersion = new Map(rows.map((row) => [String(row["prompt_version"]), row]));
      const delays = [...commandedAt].map(([version, commanded]) => {
        const row = byVersion.get(version);
        if (Number(row?.["clients"]) !== clients)
          throw new Error(`${Number(row?.["clients"] ?? 0)} of ${clients} clients called with ${version}`);
        // The last call may have been made before the command.
        return Math.max(0, Number(row?.["last_ms"]) - commanded);
      });
      return { delays, calls, lost: emitted - calls, duplicated: all - calls };
    },
    async close() {
      stop.abort();
      await running;
      await store.close();
      await clickhouse.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
