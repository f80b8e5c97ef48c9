import { ClickHouseConfig, KafkaConfig } from "@plumbline/runtime/process/process-config";
import { z } from "zod";

/** Environment of the migrate step. */
export const MigrateConfig = z.object({
  ...ClickHouseConfig.shape,
  ...KafkaConfig.shape,
  PLUMBLINE_KAFKA_REPLICATION: z.coerce
    .number()
    .int()
    .min(1)
    .default(3)
    .describe("replicas of each new topic"),
});
