import { AccessConfig } from "@plumbline/access";
import { KafkaConfig, MetricsConfig, Port, ProcessConfig } from "@plumbline/runtime/process/process-config";
import { z } from "zod";

/** Environment of the collector. */
export const CollectorConfig = z.object({
  ...KafkaConfig.shape,
  PLUMBLINE_COLLECTOR_HOST: z
    .string()
    .default("127.0.0.1")
    .describe("address to bind; beyond this machine API keys are asked for"),
  PLUMBLINE_COLLECTOR_PORT: Port.default(4319).describe("port; 0 picks a free one"),
  PLUMBLINE_API_KEYS: z
    .string()
    .transform((list, context) => {
      const keys = parseApiKeys(list);
      if (keys !== null) return keys;
      context.addIssue({ code: "custom", message: "must be key=tenant pairs, each key once" });
      return z.NEVER;
    })
    .optional()
    .describe("key=tenant pairs, comma-separated, that may ingest; beside the keys of `plumbline keys`"),
  ...AccessConfig.shape,
  ...MetricsConfig.shape,
  ...ProcessConfig.shape,
});

/** A key may end in `=`, as base64 does: the last one divides. */
function parseApiKeys(list: string): ReadonlyMap<string, string> | null {
  const keys = new Map<string, string>();
  for (const pair of list.split(",")) {
    const divider = pair.lastIndexOf("=");
    const key = pair.slice(0, Math.max(divider, 0)).trim();
    const tenant = pair.slice(divider + 1).trim();
    if (key === "" || tenant === "" || /\s/.test(key) || keys.has(key)) return null;
    keys.set(key, tenant);
  }
  return keys;
}
