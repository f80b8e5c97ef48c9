/** `POST /v1/calls`: the body is one call event, an array of them, or newline-delimited JSON. */
import { z } from "zod";

/** Decompressed size of one request body, bytes. */
export const BODY_BYTES_MAX = 1_048_576;

export const CallIssue = z.object({
  index: z.number().int().nonnegative().describe("position in the batch, from 0"),
  field: z.string(),
  message: z.string(),
});
export type CallIssue = z.infer<typeof CallIssue>;

/**
 * 200 when at least one event was accepted: those are durable in the log. `rejected` events are not stored and
 * must not be sent again unchanged. `warnings` were stored, with something set aside.
 */
export const CallsAccepted = z.object({
  accepted: z.number().int().nonnegative(),
  rejected: z.array(CallIssue),
  warnings: z.array(CallIssue),
});
export type CallsAccepted = z.infer<typeof CallsAccepted>;
