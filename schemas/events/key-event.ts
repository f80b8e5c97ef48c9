/**
 * The key event: one change of an API key, as it lies in the one-partition keys topic.
 *
 * Which keys exist is a fold of this topic, the same in every process that asks for keys. A secret is never in it: only
 * its scrypt hash is, with the salt and the public prefix that finds it.
 */
import { z } from "zod";

/** What a key may do; `admin` implies the others. */
export const SCOPES = ["ingest", "read", "respond", "deploy", "admin"] as const;
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

export const Tenant = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "must be lower-case letters, digits, dots, dashes and underscores");
export const KeyId = z
  .string()
  .regex(/^[a-z2-7]{10}$/, "must be the 10 characters between plb_ and the next _");
export const KeyName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, "must have no control characters");
const at = z.iso.datetime().describe("ISO 8601 UTC");

const KeyCreated = z.object({
  type: z.literal("created"),
  key_id: KeyId.describe("public prefix of the key"),
  tenant: Tenant,
  name: KeyName.describe("person or application that holds it; the history names it"),
  scopes: z.array(Scope).min(1).max(SCOPES.length),
  salt: z.base64().describe("of the hash"),
  hash: z.base64().describe("scrypt of the secret: N 16384, r 8, p 1, 32 bytes"),
  expires_at: at.nullable().describe("null: never"),
  replaces: KeyId.nullable().describe("key that a rotation replaced by this one"),
  at,
  actor: z.string(),
});
const KeyRevoked = z.object({
  type: z.literal("revoked"),
  key_id: KeyId,
  stops_at: at.describe("from then on it is refused; later than `at` when a rotation leaves time"),
  at,
  actor: z.string(),
});
const KeyUsed = z.object({
  type: z.literal("used"),
  key_id: KeyId,
  on: z.iso.date().describe("day, UTC: at most one record a key and day and process"),
});
export const KeyEvent = z.discriminatedUnion("type", [KeyCreated, KeyRevoked, KeyUsed]);
export type KeyEvent = z.infer<typeof KeyEvent>;
