/**
 * A record without what was erased of it: the one rule for the writer, which must not store a text again, and for a log
 * that can be rewritten. Pure; a record that no erasure is about comes back as it is.
 */
import type { LogRecord } from "@plumbline/ports";
import type { Topic } from "@plumbline/schemas";
import type { ErasureList } from "./erasure-list.ts";
import { erasedConversation, subjectHash } from "./subject-hash.ts";

/** Topics whose records hold what people wrote. */
export const TEXT_TOPICS = [
  "plumbline.calls",
  "plumbline.verdicts",
  "plumbline.feedback",
  "plumbline.calls.dead_letter",
  "plumbline.incidents",
] as const satisfies readonly Topic[];

const ERASED_REASON = "erased";
/** Slices of ours that name a value; every other one with a value names an attribute's. */
const OWN_VALUES: ReadonlySet<string> = new Set(["lang", "input_length", "model"]);

type Json = Record<string, unknown>;

export function cleanRecord<Kept extends Pick<LogRecord, "value" | "headers" | "timestamp">>(
  topic: Topic,
  record: Kept,
  erasures: ErasureList,
): Kept {
  if (erasures.isEmpty) return record;
  const text = Buffer.from(record.value).toString("utf8");
  const event = parse(text);
  const tenant = record.headers["tenant"] ?? "default";
  if (topic === "plumbline.calls.dead_letter") {
    const isErased = isCallErased(event ?? idsIn(text), tenant, record.timestamp, erasures);
    return isErased ? { ...record, value: Buffer.from(JSON.stringify({ erased: true })) } : record;
  }
  if (event === null) return record;
  const clean = cleanEvent(topic, event, tenant, record.timestamp, erasures);
  return clean === null ? record : { ...record, value: Buffer.from(JSON.stringify(clean)) };
}

/** @returns null when no erasure is about the event */
function cleanEvent(
  topic: Topic,
  event: Json,
  tenant: string,
  timestamp: number,
  erasures: ErasureList,
): Json | null {
  if (topic === "plumbline.calls") {
    if (isClean(event)) return null;
    return isCallErased(event, tenant, timestamp, erasures) ? cleanCall(event, tenant) : null;
  }
  if (topic === "plumbline.incidents") return withoutNamesIn(event, erasures);
  const owner = topic === "plumbline.verdicts" ? (textOf(event["tenant"]) ?? tenant) : tenant;
  const callId = textOf(event["call_id"]);
  if (callId === null || !erasures.hasCall(subjectHash(owner, "call", callId))) return null;
  if (topic === "plumbline.feedback") return { ...event, comment: null, author: null };
  if (topic !== "plumbline.verdicts") return null;
  if (event["reason"] === ERASED_REASON) return null;
  const { input_fingerprint: _, ...rest } = event;
  const conversation = textOf(event["conversation_id"]) ?? callId;
  return {
    ...rest,
    reason: ERASED_REASON,
    conversation_id: erasedConversation(owner, conversation),
    ...(Array.isArray(event["slices"]) && { slices: event["slices"].filter(isOwnSlice) }),
  };
}

/** A detection without the names of slices that were erased; null when none stands in it. */
function withoutNamesIn(event: Json, erasures: ErasureList): Json | null {
  const { detection } = event;
  if (typeof detection !== "object" || detection === null || erasures.names === 0) return null;
  const tenant = textOf((detection as Json)["tenant"]);
  if (tenant === null) return null;
  const clean = { ...event, detection: mapTexts(detection, (text) => erasures.withoutNames(text, tenant)) };
  return JSON.stringify(clean) === JSON.stringify(event) ? null : clean;
}

/** mapTexts returns a value of the same shape: only texts and keys differ. */
export function mapTexts<Value>(value: Value, change: (text: string) => string): Value;
export function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((each: unknown) => mapTexts(each, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [change(key), mapTexts<unknown>(each, change)]),
  );
}

/** Cleaned before: nothing that anybody wrote is left. A sender that chooses such a name saves nothing by it. */
function isClean(event: Json): boolean {
  const attributes = event["attributes"];
  const hasNone = attributes == null || JSON.stringify(attributes) === "{}";
  const isNamed = /^erased-[0-9a-f]{16}$/.test(textOf(event["conversation_id"]) ?? "");
  return (
    isNamed && hasNone && ["input", "output", "vars", "user_hash"].every((field) => event[field] == null)
  );
}

/** Numbers stay; what was written, and who wrote it, goes. */
function cleanCall(event: Json, tenant: string): Json {
  const { input: _input, output: _output, vars: _vars, user_hash: _user, attributes: _own, ...rest } = event;
  const conversation = textOf(event["conversation_id"]) ?? String(event["call_id"]);
  return { ...rest, conversation_id: erasedConversation(tenant, conversation) };
}

function isOwnSlice(slice: unknown): boolean {
  const [name = "", value] = String(slice).split("=", 2);
  return value === undefined || OWN_VALUES.has(name);
}

function isCallErased(event: Json, tenant: string, timestamp: number, erasures: ErasureList): boolean {
  const callId = textOf(event["call_id"]);
  const conversation = textOf(event["conversation_id"]) ?? callId;
  const user = textOf(event["user_hash"]);
  const started = Date.parse(textOf(event["started_at"]) ?? "");
  // A clock that runs ahead must not save a text: what the log had by then is erased too.
  const began = Number.isFinite(started) ? Math.min(started, timestamp) : timestamp;
  return (
    (callId !== null && erasures.hasCall(subjectHash(tenant, "call", callId))) ||
    (conversation !== null &&
      erasures.hasSubject(subjectHash(tenant, "conversation", conversation), began)) ||
    (user !== null && erasures.hasSubject(subjectHash(tenant, "user", user), began))
  );
}

/** The ids in bytes that are no JSON, as far as they can be read. */
function idsIn(text: string): Json {
  const found: Json = {};
  for (const [, name = "", id] of text.matchAll(
    /"(call_id|conversation_id|user_hash)"\s?:\s?"([^"\\]{1,200})"/g,
  )) {
    found[name] = id;
  }
  return found;
}

function parse(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
