/**
 * From one value of a request to a record of the log: validated, completed, and byte for byte what was sent
 * wherever nothing had to change.
 */
import {
  counted,
  ATTRIBUTES_MAX,
  CALL_AGE_DAYS_MAX,
  CALL_AHEAD_MINUTES_MAX,
  CALL_BYTES_MAX,
  CALL_DEPTH_MAX,
  CALL_FIELDS,
  DAY_MS,
  Feedback,
  LlmCall,
  MINUTE_MS,
  plainWords,
  repairCall,
} from "@plumbline/schemas";
import { explainIssues, type Refusal } from "./explain-issue.ts";
import type { BodyItem } from "./split-body.ts";
import { Warnings } from "./warnings.ts";
import { uuidV7 } from "@plumbline/emitter";

export type ReadEvent =
  | {
      readonly kind: "accepted";
      readonly key: string;
      /** The event's JSON. */
      readonly value: Uint8Array;
      readonly warnings: Warnings;
      readonly use_case: string;
    }
  | ({ readonly kind: "rejected" } & Refusal);

const ATTRIBUTE_NAME_CHARS_MAX = 100;
const ATTRIBUTE_VALUE_CHARS_MAX = 1000;
/** Where the unknown field `x` of an event is kept. */
const UNKNOWN_PREFIX = "unknown.";

/**
 * Validates one call. A missing `call_id` or `started_at` is filled in, which is what a `curl` needs; fields of a
 * newer schema become attributes, so that an older collector loses nothing.
 *
 * @param now ms since the epoch, for what is filled in. A start that the writer will take for a wrong clock is stored as
 *   it came, and its sender is told what becomes of it.
 */
export function readCall(item: BodyItem, now: number): ReadEvent {
  const plain = readObject(item);
  if (plain.kind === "rejected") return plain;
  const { event, isVerbatim, warnings } = plain;

  const filled = fillIdentity(event, now, warnings);
  const read = parseCall(filled, warnings);
  if (read.kind === "rejected") return read;
  const { call } = read;
  warnOfLostKeys(read.event, warnings);
  const complete = moveUnknownFields(read.event, warnings);
  warnOfClock(Date.parse(call.started_at) - now, warnings);

  return {
    kind: "accepted",
    key: call.call_id,
    value:
      isVerbatim && complete === event && item.kind === "value" && item.bytes
        ? item.bytes
        : toBytes(complete),
    warnings,
    use_case: call.use_case,
  };
}

/** The call, and the event as it is stored: without the optional fields that are wrong, each told in a warning. */
function parseCall(
  event: Event,
  warnings: Warnings,
): { kind: "call"; call: LlmCall; event: Event } | ({ kind: "rejected" } & Refusal) {
  const parsed = LlmCall.safeParse(event, { error: plainWords });
  if (parsed.success) return { kind: "call", call: parsed.data, event };
  const repaired = repairCall(event, parsed.error.issues);
  const again = repaired === null ? null : LlmCall.safeParse(repaired.event, { error: plainWords });
  if (repaired === null || again?.success !== true)
    return { kind: "rejected", ...explainIssues(parsed.error, LlmCall, event) };
  for (const { field, message } of repaired.fields) warnings.add("field_left_out", clip(field), message);
  return { kind: "call", call: again.data, event: repaired.event };
}

/** Validates one piece of feedback. It has no attributes, so unknown fields are stored as they came and ignored. */
export function readFeedback(item: BodyItem): ReadEvent {
  const plain = readObject(item);
  if (plain.kind === "rejected") return plain;
  const { event, isVerbatim, warnings } = plain;
  const parsed = Feedback.safeParse(event, { error: plainWords });
  if (!parsed.success) return { kind: "rejected", ...explainIssues(parsed.error, Feedback, event) };
  for (const field of Object.keys(event)) {
    if (!Object.hasOwn(Feedback.shape, field)) {
      warnings.add("unknown_field", clip(field), `${clip(field)} is not a field of feedback and is ignored`);
    }
  }
  return {
    kind: "accepted",
    key: parsed.data.call_id,
    value: isVerbatim && item.kind === "value" && item.bytes ? item.bytes : toBytes(event),
    warnings,
    use_case: parsed.data.use_case,
  };
}

type Event = Readonly<Record<string, unknown>>;

/** Checks what holds for any event: an object, not too deep, not too large, and made of valid Unicode. */
function readObject(
  item: BodyItem,
):
  | { kind: "object"; event: Event; isVerbatim: boolean; warnings: Warnings }
  | ({ kind: "rejected" } & Refusal) {
  if (item.kind === "malformed")
    return { kind: "rejected", reason: "not_json", field: "", message: item.message };
  const { value, bytes } = item;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return {
      kind: "rejected",
      reason: "not_an_object",
      field: "",
      message: "the event must be a JSON object",
    };
  }
  // Before anything recursive, JSON.stringify included.
  if (isDeeperThan(value, CALL_DEPTH_MAX)) {
    return {
      kind: "rejected",
      reason: "too_deep",
      field: "",
      message: `the event is nested deeper than ${CALL_DEPTH_MAX} levels`,
    };
  }
  const size = bytes?.length ?? Buffer.byteLength(JSON.stringify(value));
  if (size > CALL_BYTES_MAX) {
    return {
      kind: "rejected",
      reason: "too_large",
      field: "",
      message: `the event has ${size} bytes of JSON; the limit is ${CALL_BYTES_MAX}. Shorten input, output or vars and set is_truncated`,
    };
  }
  const warnings = new Warnings();
  if (item.invalidLine != null) {
    warnings.add(
      "invalid_utf8",
      "",
      `line ${item.invalidLine} of the body is not valid UTF-8, or not valid in the charset that it names; what could not be read was replaced by U+FFFD. Send UTF-8, or name the charset in content-type`,
    );
  }
  const event = withValidUnicode(value as Event, warnings);
  return { kind: "object", event, isVerbatim: event === value, warnings };
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const each of Object.values(value)) {
    if (typeof each === "object" && each !== null && isDeeperThan(each, levels - 1)) return true;
  }
  return false;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Half a surrogate pair is valid JSON and no valid text: the store would refuse the row. Replaced by U+FFFD. */
function withValidUnicode(event: Event, warnings: Warnings): Event {
  const fields = Object.entries(event);
  if (fields.every(([field, value]) => isWellFormed(field) && isWellFormed(value))) return event;
  return Object.fromEntries(
    fields.map(([field, value]) => {
      if (isWellFormed(field) && isWellFormed(value)) return [field, value];
      const name = wellFormed(field) as string;
      warnings.add(
        "half_surrogate",
        clip(name),
        "held half a surrogate pair, which is no text; it was replaced by U+FFFD",
      );
      return [name, wellFormed(value)];
    }),
  );
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return !LONE_SURROGATE.test(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, each]) => isWellFormed(key) && isWellFormed(each));
}

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("utf8");
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [wellFormed(key), wellFormed(each)]));
}

function fillIdentity(event: Event, now: number, warnings: Warnings): Event {
  const hasId = event["call_id"] !== undefined && event["call_id"] !== null;
  const hasStart = event["started_at"] !== undefined && event["started_at"] !== null;
  if (hasId && hasStart) return event;
  const filled: Record<string, unknown> = { ...event };
  if (!hasId) {
    filled["call_id"] = uuidV7(now);
    warnings.add(
      "identity_made",
      "call_id",
      "call_id was absent and was made here; sending this request again would count the call twice",
    );
  }
  if (!hasStart) {
    const latency = event["latency_ms"];
    const started = now - (typeof latency === "number" && latency >= 0 && latency <= now ? latency : 0);
    filled["started_at"] = new Date(started).toISOString();
    warnings.add(
      "identity_made",
      "started_at",
      "started_at was absent and was set to the time of arrival minus latency_ms",
    );
  }
  return filled;
}

/** @param skewMs reported start minus arrival, ms */
function warnOfClock(skewMs: number, warnings: Warnings): void {
  const fate =
    "The call counts at the time of its arrival; what was reported is event_at + clock_skew_ms of plumbline.calls_v1";
  if (skewMs < -CALL_AGE_DAYS_MAX * DAY_MS) {
    warnings.add(
      "clock_skew",
      "started_at",
      `started_at lies ${counted(Math.floor(-skewMs / DAY_MS), "day")} back; more than ${CALL_AGE_DAYS_MAX} are taken for a wrong clock. ${fate}. History is replayed by plumbline backtest`,
    );
  } else if (skewMs > CALL_AHEAD_MINUTES_MAX * MINUTE_MS) {
    warnings.add(
      "clock_skew",
      "started_at",
      `started_at lies ${counted(Math.floor(skewMs / MINUTE_MS), "minute")} ahead; more than ${CALL_AHEAD_MINUTES_MAX} are taken for a wrong clock. ${fate}. Check the clock and the time zone of the sender`,
    );
  }
}

/** Maps of an event whose keys the sender chooses. */
const MAPS = ["attributes", "vars"] as const;

/** `__proto__` is no name for a key of a map: readers of JavaScript take it for something else, and the schema leaves it out. */
function warnOfLostKeys(event: Event, warnings: Warnings): void {
  for (const field of MAPS) {
    const map = event[field];
    if (typeof map !== "object" || map === null || !Object.hasOwn(map, "__proto__")) continue;
    warnings.add(
      "unknown_field",
      `${field}.__proto__`,
      `${field} can't have a key __proto__; it was left out. Name it otherwise`,
    );
  }
}

/** Same event when every field is known. */
function moveUnknownFields(event: Event, warnings: Warnings): Event {
  const unknown = Object.entries(event).filter(([field]) => !CALL_FIELDS.has(field));
  if (unknown.length === 0) return event;
  // Validated: a map of strings, or absent. Spreading copies own keys only, so `__proto__` stays a plain key.
  const attributes: Record<string, unknown> = {
    ...(event["attributes"] as Record<string, string> | undefined),
  };
  let room = ATTRIBUTES_MAX - Object.keys(attributes).length;
  for (const [field, value] of unknown) {
    const name = `${UNKNOWN_PREFIX}${field}`.slice(0, ATTRIBUTE_NAME_CHARS_MAX);
    const hint = similarField(field);
    const didYouMean = hint === null ? "" : `; did you mean ${hint}?`;
    if (room <= 0 && !Object.hasOwn(attributes, name)) {
      warnings.add(
        "unknown_field",
        clip(field),
        `${clip(field)} is not a field and was left out: attributes has its ${ATTRIBUTES_MAX} keys${didYouMean}`,
      );
      continue;
    }
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (!Object.hasOwn(attributes, name)) room--;
    attributes[name] = wellFormed(text.slice(0, ATTRIBUTE_VALUE_CHARS_MAX));
    warnings.add(
      "unknown_field",
      clip(field),
      `${clip(field)} is not a field and was stored as attribute ${clip(name)}${text.length > ATTRIBUTE_VALUE_CHARS_MAX ? `, cut to ${ATTRIBUTE_VALUE_CHARS_MAX} characters` : ""}${didYouMean}`,
    );
  }
  const known = Object.entries(event).filter(([field]) => CALL_FIELDS.has(field));
  return Object.fromEntries([
    ...known.filter(([field]) => field !== "attributes"),
    ["attributes", attributes],
  ]);
}

/** The known field that `field` is another spelling of: latencyMs, Latency-ms. */
function similarField(field: string): string | null {
  return FOLDED_FIELDS.get(fold(field)) ?? null;
}

function fold(name: string): string {
  return name
    .slice(0, 100)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");
}

/** What providers call the counts of tokens. Those that Anthropic counts beside the input are no other spelling. */
const OF_PROVIDERS: readonly (readonly [string, string])[] = [
  ["prompt_tokens", "input_tokens"],
  ["completion_tokens", "output_tokens"],
  ["reasoning_tokens", "reasoning_output_tokens"],
  ["cache_creation_input_tokens", "cache_write_input_tokens"],
];
const FOLDED_FIELDS: ReadonlyMap<string, string> = new Map([
  ...OF_PROVIDERS.map(([name, field]) => [fold(name), field] as const),
  ...[...CALL_FIELDS].map((field) => [fold(field), field] as const),
]);

function clip(name: string): string {
  return name.length <= 100 ? name : `${name.slice(0, 99)}…`;
}

function toBytes(event: Event): Uint8Array {
  return Buffer.from(JSON.stringify(event));
}
