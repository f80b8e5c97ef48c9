import { CALL_FIELDS, LlmCall, plainWords } from "@plumbline/schemas";
import type { TimedRecord } from "./destination.ts";
import { readTenant } from "./read-tenant.ts";

/** A record read as a call, or the low-cardinality reason why it can't be one. */
export type DecodedCall =
  | {
      readonly kind: "accepted";
      readonly record: TimedRecord;
      readonly tenant: string;
      readonly call: LlmCall;
      readonly unknownFields: number;
    }
  | {
      readonly kind: "rejected";
      readonly reason: string;
      readonly detail: string;
    };

/** Applications publish straight to the log as well, so nothing is trusted here that the collector checked. */
export function decodeCall(record: TimedRecord): DecodedCall {
  const owner = readTenant(record);
  if ("problem" in owner) return { kind: "rejected", reason: "tenant", detail: owner.problem };
  let json: unknown;
  try {
    json = JSON.parse(text.decode(record.value));
  } catch (error) {
    // Not the message, which quotes what it read.
    const name = error instanceof SyntaxError ? "no JSON" : "no UTF-8";
    return { kind: "rejected", reason: "not_json", detail: `the value is ${name}` };
  }
  const parsed = LlmCall.safeParse(json, { error: plainWords });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    const topLevel = String(issue?.path[0] ?? "event");
    return {
      kind: "rejected",
      reason: `schema:${topLevel}`,
      detail: `${field} ${issue?.message ?? "invalid"}`,
    };
  }
  let unknownFields = 0;
  for (const field in json as object) if (!CALL_FIELDS.has(field)) unknownFields += 1;
  return {
    kind: "accepted",
    record,
    tenant: owner.tenant,
    call: parsed.data,
    unknownFields,
  };
}

const text = new TextDecoder("utf-8", { fatal: true });
