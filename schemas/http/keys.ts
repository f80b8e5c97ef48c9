/** Bodies of the registry's requests and answers about API keys. */
import { z } from "zod";
import { KeyId, KeyName, Scope, SCOPES, Tenant } from "../events/key-event.ts";

/** Longest time that a replaced key goes on, seconds: 30 days. */
const KEY_GRACE_SECONDS_MAX = 2_592_000;

export const CreateKeyBody = z
  .object({
    name: KeyName.describe("person or application that holds it; the history names it"),
    scopes: z.array(Scope).min(1).max(SCOPES.length),
    tenant: Tenant.optional().describe(
      "default: the tenant of the key that asks; another one needs the admin key",
    ),
    expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
  })
  .strict();

export const RotateKeyBody = z
  .object({
    grace_seconds: z
      .number()
      .int()
      .min(0)
      .max(KEY_GRACE_SECONDS_MAX)
      .default(0)
      .describe("how long the old key goes on beside the new one"),
  })
  .strict();

export const RevokeKeyBody = z.object({}).strict();

/** A key as people see it: never its secret, and not its hash. */
export const KeyView = z.object({
  key_id: KeyId,
  tenant: z.string(),
  name: z.string(),
  scopes: z.array(Scope),
  state: z.enum(["active", "expired", "revoked"]),
  created_at: z.string(),
  created_by: z.string(),
  expires_at: z.string().nullable(),
  stops_at: z.string().nullable().describe("since or from when it is refused; null: not revoked"),
  replaces: z.string().nullable(),
  last_used_on: z.string().nullable().describe("day, UTC; null: never used"),
});
export type KeyView = z.infer<typeof KeyView>;

export const KeyAnswer = z.object({
  key: KeyView,
  secret: z.string().optional().describe("shown this once, when the key was made"),
});
export type KeyAnswer = z.infer<typeof KeyAnswer>;

export const KeysAnswer = z.object({ keys: z.array(KeyView) });
