/** Error body of every HTTP answer of ours: RFC 9457 `application/problem+json`. */
import { z } from "zod";

export const Problem = z.object({
  type: z.string().describe("stable identifier of the kind of problem, such as urn:plumbline:invalid-event"),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().describe("what is wrong and what to do about it"),
  field: z.string().optional().describe("the offending field, where there is one"),
  errors: z
    .array(z.object({ index: z.number().int().nonnegative(), field: z.string(), message: z.string() }))
    .optional()
    .describe("the first refused events of a batch, or fields of a body"),
  errors_count: z.number().int().nonnegative().optional().describe("how many there were of `errors`"),
});
export type Problem = z.infer<typeof Problem>;
