/** From an emitted event to one line of JSON: redact, apply the capture mode, shorten, serialise. Runs at flush. */
import type { LlmCall } from "./llm-call.ts";

/** `full`: texts as they are · `hash`: SHA-256 of each text · `none`: no texts, only metrics. */
export type CaptureMode = "full" | "hash" | "none";

/** Returns the event to send, changed or not, or null to drop it. Works on a copy. */
export type Redact = (call: LlmCall) => LlmCall | null;

/** Largest event as JSON, bytes; the collector refuses more. */
const CALL_BYTES_MAX = 262_144;
/** Texts of an oversized event are first cut to this many characters each, then to half of it until it fits. */
const TEXT_CHARS_FIRST = 65_536;
const TEXT_CHARS_LEAST = 64;

const encoder = new TextEncoder();

/**
 * Applies `redact` to a copy of the event. When it throws or returns something else than an event, every text is
 * replaced: an event with the wrong texts must not leave, and an event without them is still a metric.
 *
 * @returns null when the event is to be dropped
 */
export function redactCall(call: LlmCall, redact: Redact): { call: LlmCall; hasFailed: boolean } | null {
  try {
    const copy = { ...call };
    if (call.vars) copy.vars = { ...call.vars };
    if (call.attributes) copy.attributes = { ...call.attributes };
    const redacted = redact(copy);
    if (redacted === null) return null;
    if (typeof redacted !== "object") throw new TypeError("redact returned no event");
    // Identity is the emitter's: loss is counted by it.
    const { call_id, emitter_id, sequence } = call;
    return { call: { ...redacted, call_id, emitter_id, sequence }, hasFailed: false };
  } catch {
    return { call: mapTexts(call, () => "[redaction failed]"), hasFailed: true };
  }
}

/**
 * Replaces or removes the texts. Equal texts have equal hashes, so `hash` still finds repeats; short or guessable
 * texts can be recovered from their hash by trying. Without a crypto API, `hash` removes the texts.
 */
export async function captureCall(call: LlmCall, mode: CaptureMode): Promise<LlmCall> {
  if (mode === "full") return call;
  if (mode === "none" || typeof crypto === "undefined" || crypto.subtle === undefined) {
    const { input: _input, output: _output, vars: _vars, ...metrics } = call;
    return metrics;
  }
  const texts: string[] = [];
  mapTexts(call, (text) => {
    texts.push(text);
    return text;
  });
  const hashes = new Map<string, string>();
  for (const text of texts) hashes.set(text, await sha256(text));
  return mapTexts(call, (text) => hashes.get(text) ?? "");
}

/**
 * One line of JSON of at most 256 KiB. An event over that has its texts cut to head and tail, with the number of
 * characters left out between them, and `is_truncated` set.
 *
 * @returns null when it does not fit although its texts were cut
 * @throws what JSON.stringify throws: the event is circular, or holds a BigInt
 */
export function serialiseCall(call: LlmCall): { json: string; bytes: number } | null {
  let hasHugeText = false;
  mapTexts(call, (text) => {
    hasHugeText ||= text.length > CALL_BYTES_MAX;
    return text;
  });
  if (!hasHugeText) {
    const fitting = measured(call);
    if (fitting) return fitting;
  }
  for (let chars = TEXT_CHARS_FIRST; chars >= TEXT_CHARS_LEAST; chars /= 2) {
    const shortened = mapTexts(call, (text) => headAndTail(text, chars));
    const fitting = measured({ ...shortened, is_truncated: true });
    if (fitting) return fitting;
  }
  return null;
}

function measured(call: LlmCall): { json: string; bytes: number } | null {
  const json: string | undefined = JSON.stringify(call);
  if (json === undefined) throw new TypeError("the event has no JSON");
  if (json.length > CALL_BYTES_MAX) return null;
  const bytes = encoder.encode(json).length;
  return bytes > CALL_BYTES_MAX ? null : { json, bytes };
}

/** Two thirds of the room go to the head: instructions and openings matter more than endings. */
function headAndTail(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const head = wholeCharacters(text.slice(0, Math.floor((chars * 2) / 3)));
  const tail = wholeCharacters(text.slice(text.length - Math.floor(chars / 3)));
  const gone = text.length - head.length - tail.length;
  return `${head}[… ${gone} character${gone === 1 ? "" : "s"} left out …]${tail}`;
}

/** Drops half a surrogate pair at either end: it is no character, and a store may refuse it. */
function wholeCharacters(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "");
}

function mapTexts(call: LlmCall, change: (text: string) => string): LlmCall {
  const changed: LlmCall = { ...call };
  if (typeof call.input === "string") changed.input = change(call.input);
  if (typeof call.output === "string") changed.output = change(call.output);
  if (typeof call.vars === "object" && call.vars !== null) {
    changed.vars = Object.fromEntries(
      Object.entries(call.vars).map(([key, text]) => [key, typeof text === "string" ? change(text) : text]),
    );
  }
  return changed;
}

async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
