import { CALL_FIELDS, LlmCall } from "@plumbline/schemas";
import type { LogRecord } from "@plumbline/ports";

/** A record read as a call, or the low-cardinality reason why it can't be one. */
export type DecodedCall =
  | {
      readonly kind: "accepted";
      readonly record: LogRecord;
      readonly tenant: string;
      readonly call: LlmCall;
      readonly unknownFields: number;
    }
  | {
      readonly kind: "rejected";
      readonly record: LogRecord;
      readonly reason: string;
      readonly detail: string;
    };

/** Applications publish straight to the log as well, so nothing is trusted here that the collector checked. */
export function decodeCall(record: LogRecord): DecodedCall {
  let json: unknown;
  try {
    json = JSON.parse(text.decode(record.value));
  } catch (error) {
    return {
      kind: "rejected",
      record,
      reason: "not_json",
      detail: error instanceof Error ? error.message : String(error),
    };
  }
  const parsed = LlmCall.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    const topLevel = String(issue?.path[0] ?? "event");
    return {
      kind: "rejected",
      record,
      reason: `schema:${topLevel}`,
      detail: `${field}: ${issue?.message ?? "invalid"}`,
    };
  }
  let unknownFields = 0;
  for (const field in json as object) if (!CALL_FIELDS.has(field)) unknownFields += 1;
  return {
    kind: "accepted",
    record,
    tenant: record.headers["tenant"] ?? "default",
    call: parsed.data,
    unknownFields,
  };
}

const text = new TextDecoder("utf-8", { fatal: true });
