import { z } from "zod";

/** Environment of the migrate step. */
export const MigrateConfig = z.object({
  PLUMBLINE_CLICKHOUSE_URL: z.url().describe("includes user and password"),
  PLUMBLINE_KAFKA_BROKERS: z
    .string()
    .min(1)
    .transform((list) => list.split(",").map((broker) => broker.trim()))
    .describe("host:port, comma-separated"),
  PLUMBLINE_KAFKA_REPLICATION: z.coerce
    .number()
    .int()
    .min(1)
    .default(3)
    .describe("replicas of each new topic"),
});
