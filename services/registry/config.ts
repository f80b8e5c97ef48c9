import { AccessConfig } from "@plumbline/access";
import { KafkaConfig, MetricsConfig, Port, ProcessConfig } from "@plumbline/runtime/process/process-config";
import { z } from "zod";
import { SlackActionsConfig } from "./slack/slack-config.ts";

/** A key of `PLUMBLINE_REGISTRY_KEYS`. */
export interface Credential {
  /** Whom the history names. */
  readonly actor: string;
  readonly mayWrite: boolean;
}

/** Environment of the registry. */
export const RegistryConfig = z.object({
  ...KafkaConfig.shape,
  PLUMBLINE_REGISTRY_HOST: z
    .string()
    .default("127.0.0.1")
    .describe("address to bind; beyond this machine API keys are asked for"),
  PLUMBLINE_REGISTRY_PORT: Port.default(4800).describe("port; 0 picks a free one"),
  PLUMBLINE_REGISTRY_KEYS: z
    .string()
    .transform((list, context) => {
      const keys = parseKeys(list);
      if (keys !== null) return keys;
      context.addIssue({ code: "custom", message: "must be key=actor or key=actor:read, each key once" });
      return z.NEVER;
    })
    .optional()
    .describe(
      "key=actor pairs of tenant `default`, comma-separated, `:read` after the actor for keys that only read; beside the keys of `plumbline keys`",
    ),
  ...AccessConfig.shape,
  ...SlackActionsConfig.shape,
  PLUMBLINE_REGISTRY_SNAPSHOT: z
    .string()
    .min(1)
    .optional()
    .describe("file that keeps the folded state; unset: every start reads the whole topic"),
  ...MetricsConfig.shape,
  ...ProcessConfig.shape,
});

/** A key may end in `=`, as base64 does: the last one divides. */
function parseKeys(list: string): ReadonlyMap<string, Credential> | null {
  const keys = new Map<string, Credential>();
  for (const pair of list.split(",")) {
    const divider = pair.lastIndexOf("=");
    const key = pair.slice(0, Math.max(divider, 0)).trim();
    const named = pair.slice(divider + 1).trim();
    const mayWrite = !named.endsWith(":read");
    const actor = mayWrite ? named : named.slice(0, -":read".length);
    if (key === "" || actor === "" || /\s/.test(key) || keys.has(key)) return null;
    keys.set(key, { actor, mayWrite });
  }
  return keys;
}
