/** Brings ClickHouse and Kafka to the shape that this code expects. Runs before the services; safe to run twice. */
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { kafkaConnection } from "@plumbline/adapters/kafka/connection-config";
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { MigrateConfig } from "./config.ts";

const { config, logger } = startProcess("migrate", MigrateConfig, process.env);

const store = createClickHouseStore(openHttpClickHouse({ url: config.PLUMBLINE_CLICKHOUSE_URL }));
const { applied } = await store.migrate();
await store.close();
logger.info({ applied }, "migrate.clickhouse");

const created = await ensureTopics(kafkaConnection(config), {
  logger,
  replicationFactor: config.PLUMBLINE_KAFKA_REPLICATION,
});
logger.info({ created }, "migrate.topics");
