/** What an erasure concerns. The statements that erase are commands without an answer; `erase.ts` of the adapter runs them. */
import { z } from "zod";
import { type AskedOf, defineQuery, type RowOf, time } from "./define-query.ts";

const CALLS = z.object({ tenant: z.string(), call_ids: z.array(z.string()) });
export type ErasedCalls = AskedOf<typeof CALLS>;

/** Whose calls an erasure concerns; the id is known by its hash alone. `until` is of event time, inclusive. */
const SUBJECT = z.object({
  tenant: z.string(),
  kind: z.enum(["conversation", "user", "call"]),
  subject_hash: z.string(),
  until: time,
});
export type ErasedSubject = AskedOf<typeof SUBJECT>;

const NAMES = z.object({ tenant: z.string(), names: z.array(z.string()) });
const Name = z.object({ name: z.string() });

/** Rows by table. */
const ErasedTexts = z.object({
  call_payloads: z.number(),
  calls: z.number(),
  verdicts: z.number(),
  feedback: z.number(),
});
export type ErasedTexts = RowOf<typeof ErasedTexts>;

export const ERASURE = {
  calls: defineQuery("erase_find_calls", SUBJECT, z.object({ call_id: z.string() })),
  counts: defineQuery("erase_counts", CALLS, ErasedTexts),
  names: defineQuery("erase_find_names", CALLS, Name),
  /** Of these names, those that another call has too. */
  sharedNames: defineQuery("erase_shared_names", z.object({ ...CALLS.shape, ...NAMES.shape }), Name),
  incidents: defineQuery("erase_find_incidents", NAMES, z.object({ event: z.string() })),
};
