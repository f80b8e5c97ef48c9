/** `POST /v1/calls`: the body is one call event, an array of them, or newline-delimited JSON. */
import { z } from "zod";

/** Size of one request body before and after decompression, bytes. */
export const BODY_BYTES_MAX = 1_048_576;
/** Events in one request. */
export const BODY_EVENTS_MAX = 5000;
/** Levels of nesting in one event. Known fields need three; deeper is somebody's accident or attack. */
export const CALL_DEPTH_MAX = 16;

export const CallIssue = z.object({
  index: z.number().int().nonnegative().describe("position in the batch, from 0"),
  field: z.string().describe("dotted path of the field; empty when it is the whole event"),
  message: z.string().describe("what is wrong and what to do; never a value"),
});
export type CallIssue = z.infer<typeof CallIssue>;

/**
 * 200 when at least one event was accepted: those are durable in the log. `rejected` events are not stored and
 * must not be sent again unchanged. `warnings` were stored, with something set aside or filled in. Of both, the first
 * are listed; the counts say how many there were.
 */
export const CallsAccepted = z.object({
  accepted: z.number().int().nonnegative(),
  rejected: z.array(CallIssue).describe("the first of the events that were rejected, one entry per event"),
  rejected_count: z.number().int().nonnegative(),
  warnings: z.array(CallIssue).describe("the first of the warnings"),
  warnings_count: z.number().int().nonnegative(),
});
export type CallsAccepted = z.infer<typeof CallsAccepted>;
