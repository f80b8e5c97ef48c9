import { AccessConfig } from "@plumbline/access";
import { httpUrl, MetricsConfig, Port, ProcessConfig } from "@plumbline/runtime/process/process-config";
import { z } from "zod";

/** Environment of the policy service. */
export const PolicyConfig = z.object({
  PLUMBLINE_REGISTRY_URL: httpUrl("http://registry:4800").describe(
    "of the registry, such as http://registry:4800",
  ),
  PLUMBLINE_REGISTRY_KEY: z
    .string()
    .min(1)
    .optional()
    .describe("API key that may write; unset where the registry asks for none"),
  PLUMBLINE_POLICY_POLL_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(600_000)
    .default(5_000)
    .describe("between two looks at the registry, ms"),
  PLUMBLINE_POLICY_HOST: z.string().default("127.0.0.1").describe("address of the status of rollouts"),
  PLUMBLINE_POLICY_PORT: Port.default(8087).describe("port of the status of rollouts; 0 picks a free one"),
  ...AccessConfig.shape,
  ...MetricsConfig.shape,
  ...ProcessConfig.shape,
});
