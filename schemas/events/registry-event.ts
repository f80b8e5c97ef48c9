/**
 * The registry event: one command to the registry, as it lies in the one-partition registry topic.
 *
 * Registry state is a fold of this topic: every replica reads the commands in order and applies the same rule,
 * so a command with a stale `expected_revision` is rejected identically everywhere.
 */
import { z } from "zod";

export const RegistryEvent = z.object({
  event_id: z.string(),
  use_case: z.string(),
  env: z.string(),
  type: z.enum([
    "version_registered",
    "promoted",
    "rolled_back",
    "quarantined",
    "eval_recorded",
    "approved",
    "policy_set",
  ]),
  expected_revision: z.number().int().nonnegative().describe("revision of the use case that the author saw"),
  prompt_version: z.string().nullable(),
  actor: z.string(),
  reason: z.string(),
  at: z.string().describe("ISO 8601 UTC"),
  body: z.record(z.string(), z.unknown()).describe("what the type needs: prompt, weights, eval record"),
});
export type RegistryEvent = z.infer<typeof RegistryEvent>;
