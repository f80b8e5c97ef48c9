/** Bodies of the registry's requests and answers about erasures. */
import { z } from "zod";
import { ErasedPlace, ErasureKind } from "../events/erasure-event.ts";
import { Tenant } from "../events/key-event.ts";

export const EraseBody = z
  .object({
    kind: ErasureKind,
    id: z.string().min(1).max(200).describe("conversation_id, user_hash or call_id, as the calls have it"),
    tenant: Tenant.optional().describe(
      "default: the tenant of the key that asks; another one needs the admin key",
    ),
    dry_run: z.boolean().default(false).describe("count what would be removed, and remove nothing"),
  })
  .strict();

export const ErasureAnswer = z.object({
  erasure_id: z.uuid(),
  state: z.enum(["pending", "done"]),
  is_dry_run: z.boolean(),
  places: z.array(ErasedPlace).describe("empty while pending"),
});
export type ErasureAnswer = z.infer<typeof ErasureAnswer>;
