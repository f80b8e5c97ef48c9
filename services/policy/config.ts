import { AccessConfig } from "@plumbline/access";
import {
  httpUrl,
  KafkaConfig,
  MetricsConfig,
  Port,
  ProcessConfig,
} from "@plumbline/runtime/process/process-config";
import { z } from "zod";
import { type AutomationLimits, DEFAULT_LIMITS } from "./automation.ts";

const Mode = z.enum(["act", "dry_run", "off"]);
const perDay = z.coerce.number().int().min(0).max(1_000);

/** What it may do by itself; local mode reads these alone. */
export const AutomationConfig = z.object({
  PLUMBLINE_POLICY_ROLLBACKS: Mode.default(DEFAULT_LIMITS.rollbacks).describe(
    "whether a version whose guardrail regressed is taken back without a person: `act`, `dry_run` (says on the incident what it would do) or `off`; only a judge that people's labels calibrate is believed",
  ),
  PLUMBLINE_POLICY_ROLLBACKS_PER_DAY: perDay
    .default(DEFAULT_LIMITS.rollbacksPerDay)
    .describe("most such rollbacks of one use case and environment within 24 hours"),
  PLUMBLINE_POLICY_MODELS: Mode.default(DEFAULT_LIMITS.models).describe(
    "whether a model that fails in the whole fleet is switched off for it, and on again: `act`, `dry_run` or `off`",
  ),
  PLUMBLINE_POLICY_SWITCHES_PER_DAY: perDay
    .default(DEFAULT_LIMITS.switchesPerDay)
    .describe("how often one model and environment may be switched off so within 24 hours"),
});

export function limitsOf(config: z.output<typeof AutomationConfig>): AutomationLimits {
  return {
    rollbacks: config.PLUMBLINE_POLICY_ROLLBACKS,
    rollbacksPerDay: config.PLUMBLINE_POLICY_ROLLBACKS_PER_DAY,
    models: config.PLUMBLINE_POLICY_MODELS,
    switchesPerDay: config.PLUMBLINE_POLICY_SWITCHES_PER_DAY,
  };
}

/** Environment of the policy service. */
export const PolicyConfig = z.object({
  ...KafkaConfig.shape,
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
    .describe(
      "longest wait between two looks at the registry, ms; what a call or an incident calls for does not wait for it",
    ),
  ...AutomationConfig.shape,
  PLUMBLINE_POLICY_HOST: z.string().default("127.0.0.1").describe("address of the status of automation"),
  PLUMBLINE_POLICY_PORT: Port.default(8087).describe("port of the status of automation; 0 picks a free one"),
  ...AccessConfig.shape,
  ...MetricsConfig.shape,
  ...ProcessConfig.shape,
});
