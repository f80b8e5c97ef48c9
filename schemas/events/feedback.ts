/** The feedback event: what a person said about one call, by thumb, edit or label. */
import { z } from "zod";
import { instant } from "./instant.ts";

export const Feedback = z.object({
  feedback_id: z.string().min(1).max(200).describe("made by the sender; a repeat replaces"),
  call_id: z.string().min(1).max(200),
  use_case: z.string().min(1).max(200),
  kind: z.enum(["thumb", "label", "correction"]),
  value: z.number().min(0).max(1).describe("1 is good, 0 is bad"),
  criterion: z.string().max(200).nullish().describe("for labels: the criterion that the person judged"),
  comment: z.string().max(4000).nullish(),
  author: z.string().max(200).nullish().describe("a hash or a role, never an e-mail address"),
  given_at: instant.describe("when the person gave it"),
});
export type Feedback = z.infer<typeof Feedback>;
