/** The judge as a process of its own: ClickHouse in, a model asked, Kafka out. */
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openProcessLog } from "@plumbline/adapters/kafka/process-log";
import { createJudge } from "@plumbline/adapters/llm/create-judge";
import { serveProcess } from "@plumbline/runtime/process/serve-process";
import { startProcess } from "@plumbline/runtime/process/start-process";
import { judgeChoice, JudgeProcessConfig } from "./config.ts";
import { DEFAULT_RUBRICS } from "./default-rubric.ts";
import { createJudgeService } from "./service.ts";

const { config, logger } = startProcess("judge", JudgeProcessConfig, process.env);
const judge = createJudge({ ...judgeChoice(config), clock: systemClock });
const store = createClickHouseStore(openHttpClickHouse({ url: config.PLUMBLINE_CLICKHOUSE_URL }));
await store.assertMigrated();
const log = await openProcessLog({ name: "judge", config, logger });

const service = createJudgeService({
  log,
  store,
  judge,
  rubrics: DEFAULT_RUBRICS,
  clock: systemClock,
  logger,
  config,
});

await serveProcess("judge", [service], {
  config,
  logger,
  resources: [
    { name: "clickhouse", close: () => store.close() },
    { name: "kafka", close: () => log.close() },
  ],
});
