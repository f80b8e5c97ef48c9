/** The monitor as a process of its own: ClickHouse in, incidents to Kafka. */
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openProcessLog } from "@plumbline/adapters/kafka/process-log";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { MonitorProcessConfig } from "./config.ts";
import { createMonitor } from "./service.ts";

const { config, logger } = startProcess("monitor", MonitorProcessConfig, process.env);
const store = createClickHouseStore(openHttpClickHouse({ url: config.PLUMBLINE_CLICKHOUSE_URL }));
await store.assertMigrated();
const log = await openProcessLog({ name: "monitor", config, logger });

const monitor = createMonitor({ log, store, clock: systemClock, logger, config });

await serveProcess("monitor", [monitor], {
  config,
  logger,
  resources: [
    { name: "clickhouse", close: () => store.close() },
    { name: "kafka", close: () => log.close() },
  ],
});
