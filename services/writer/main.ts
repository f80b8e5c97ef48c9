/** The writer as a process of its own: Kafka in, ClickHouse out. */
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openProcessLog } from "@plumbline/adapters/kafka/process-log";
import { createErasureFollower } from "@plumbline/erasure";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { WriterProcessConfig } from "./config.ts";
import { createEnrichment } from "./calls/enrich-call.ts";
import { createEraser } from "./eraser.ts";
import { createWriter } from "./service.ts";

const { config, logger } = startProcess("writer", WriterProcessConfig, process.env);
const store = createClickHouseStore(openHttpClickHouse({ url: config.PLUMBLINE_CLICKHOUSE_URL }));
await store.assertMigrated();
const log = await openProcessLog({ name: "writer", config, logger });

const writer = createWriter({
  log,
  store,
  clock: systemClock,
  logger,
  enrichment: createEnrichment(config),
  adoptLog: config.PLUMBLINE_ADOPT_LOG,
});
const eraser = createEraser({
  log,
  store,
  erasures: createErasureFollower(log, systemClock),
  rewriteLog: null,
  clock: systemClock,
  logger,
});

await serveProcess("writer", [writer, eraser], {
  config,
  logger,
  resources: [
    { name: "clickhouse", close: () => store.close() },
    { name: "kafka", close: () => log.close() },
  ],
});
