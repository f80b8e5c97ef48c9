import { CALL_FIELDS, LlmCall, repairCall } from "@plumbline/schemas";
import { decodeEvent } from "./decode-event.ts";
import type { TimedRecord } from "../delivery/destination.ts";
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
  const decoded = decodeEvent(record.value, LlmCall, (json, issues) =>
    typeof json === "object" && json !== null ? repairCall({ ...json }, issues)?.event : undefined,
  );
  if ("reason" in decoded) return { kind: "rejected", ...decoded };
  const { event: call, json } = decoded;
  let unknownFields = 0;
  for (const field in json as object) if (!CALL_FIELDS.has(field)) unknownFields += 1;
  return {
    kind: "accepted",
    record,
    tenant: owner.tenant,
    call,
    unknownFields,
  };
}
