/**
 * The erasure event: what people asked to erase, and what was removed, as it lies in the one-partition erasures topic.
 *
 * The topic is kept for ever, because a record that is delivered again must not bring a text back. So it holds hashes
 * of ids, never the ids.
 */
import { z } from "zod";
import { Tenant } from "./key-event.ts";

const ERASURE_KINDS = ["conversation", "user", "call"] as const;
export const ErasureKind = z.enum(ERASURE_KINDS);
export type ErasureKind = z.infer<typeof ErasureKind>;

/** Calls that one record names. */
export const ERASED_CALLS_MAX = 10_000;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const at = z.iso.datetime().describe("ISO 8601 UTC");

export const ErasureRequested = z.object({
  type: z.literal("requested"),
  erasure_id: z.uuid(),
  tenant: Tenant,
  kind: ErasureKind,
  subject_hash: hash.describe("SHA-256 of tenant, kind and id, hex"),
  is_dry_run: z.boolean().describe("count what would be removed, and remove nothing"),
  at: at.describe("what began later is kept"),
  actor: z.string(),
});

const ErasedCalls = z.object({
  type: z.literal("calls"),
  erasure_id: z.uuid(),
  call_hashes: z.array(hash).max(ERASED_CALLS_MAX).describe("of the calls that were found"),
});

const ErasedNames = z.object({
  type: z.literal("names"),
  erasure_id: z.uuid(),
  name_hashes: z
    .array(hash)
    .max(ERASED_CALLS_MAX)
    .describe("of slices named after attribute values that only the erased calls had"),
});

/** What became of one place where texts lie. */
export const ErasedPlace = z.object({
  place: z.string().describe("table, topic or part, such as call_payloads"),
  removed: z.number().int().nonnegative().describe("rows or records; of a dry run those that would be"),
  remains: z.string().nullable().describe("what is left there and until when; null: nothing"),
});
export type ErasedPlace = z.infer<typeof ErasedPlace>;

const ErasureDone = z.object({
  type: z.literal("done"),
  erasure_id: z.uuid(),
  places: z.array(ErasedPlace),
  at,
});

export const ErasureEvent = z.discriminatedUnion("type", [
  ErasureRequested,
  ErasedCalls,
  ErasedNames,
  ErasureDone,
]);
export type ErasureEvent = z.infer<typeof ErasureEvent>;
export type ErasureRequested = z.infer<typeof ErasureRequested>;
