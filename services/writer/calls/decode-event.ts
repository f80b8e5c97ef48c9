/** A record read as an event of its topic, or why it is none, for the dead letters. */
import { plainWords } from "@plumbline/schemas";
import type { z } from "zod";

const utf8 = new TextDecoder("utf-8", { fatal: true });

type DecodedEvent<Event> =
  | { readonly event: Event; readonly json: unknown }
  /** The reason is one of few, the detail says more; neither quotes what was read. */
  | { readonly reason: string; readonly detail: string };

/** @param repair what is left of an event whose optional fields are wrong, or null when it can't be repaired */
export function decodeEvent<Schema extends z.ZodType>(
  value: Uint8Array,
  schema: Schema,
  repair?: (json: unknown, issues: readonly z.core.$ZodIssue[]) => unknown,
): DecodedEvent<z.output<Schema>> {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(value));
  } catch (error) {
    // Not the message, which quotes what it read.
    const name = error instanceof SyntaxError ? "no JSON" : "no UTF-8";
    return { reason: "not_json", detail: `the value is ${name}` };
  }
  const parsed = schema.safeParse(json, { error: plainWords });
  if (parsed.success) return { event: parsed.data, json };
  const repaired = repair === undefined ? undefined : schema.safeParse(repair(json, parsed.error.issues));
  if (repaired?.success === true) return { event: repaired.data, json };
  const issue = parsed.error.issues[0];
  return {
    reason: `schema:${String(issue?.path[0] ?? "event")}`,
    detail: `${issue?.path.join(".") ?? ""} ${issue?.message ?? "invalid"}`,
  };
}
