/** From a request body to the values in it: one JSON value, an array of them, or newline-delimited JSON. */
import { isUtf8 } from "node:buffer";
import { counted, BODY_EVENTS_MAX } from "@plumbline/schemas";
import { firstInvalidLine, HttpProblem } from "@plumbline/runtime/http";
import { findJsonError, type JsonError } from "./json-error.ts";

export type BodyItem =
  | {
      readonly kind: "value";
      readonly value: unknown;
      /** The value's JSON as it was sent, when it can be stored as it is; null when it has to be written anew. */
      readonly bytes: Buffer | null;
      /** The line of the body, from 1, in which bytes that are no text became U+FFFD; null when every byte is text. */
      readonly invalidLine?: number | null;
    }
  | { readonly kind: "malformed"; readonly message: string };

export type BodyFormat = "json" | "ndjson";

const NEWLINE = 0x0a;

/**
 * @throws HttpProblem 400 for a JSON body that is none, with the position, or is empty; 413 for too many events
 */
export function splitBody(body: Buffer, format: BodyFormat): BodyItem[] {
  const items = format === "ndjson" ? splitLines(body) : splitJson(body);
  if (items.length > BODY_EVENTS_MAX) {
    throw new HttpProblem({
      type: "urn:plumbline:too-large",
      title: "Too large",
      status: 413,
      detail: `The body has ${counted(items.length, "event")}; the limit is ${BODY_EVENTS_MAX}. Send smaller batches.`,
    });
  }
  return items;
}

/** Lines are independent: a malformed one is its own failure. */
function splitLines(body: Buffer): BodyItem[] {
  const items: BodyItem[] = [];
  const isText = isUtf8(body);
  for (let start = 0, line = 1; start < body.length; line++) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    const bytes = body.subarray(start, end);
    const text = bytes
      .toString("utf8")
      .replace(/^\uFEFF/, "")
      .trim();
    start = end + 1;
    if (text === "") continue;
    // Counted before they are parsed: the limit bounds the work, too.
    if (items.length > BODY_EVENTS_MAX) break;
    try {
      items.push({
        kind: "value",
        value: JSON.parse(text) as unknown,
        bytes: isText ? Buffer.from(text) : null,
        invalidLine: isText || isUtf8(bytes) ? null : line,
      });
    } catch {
      items.push({ kind: "malformed", message: `the line is not JSON: ${describe(findJsonError(text))}` });
    }
  }
  if (items.length === 0) throw emptyBody();
  return items;
}

function splitJson(body: Buffer): BodyItem[] {
  const text = body.toString("utf8").replace(/^\uFEFF/, "");
  if (text.trim() === "") throw emptyBody();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpProblem({
      type: "urn:plumbline:malformed-json",
      title: "Malformed JSON",
      status: 400,
      detail: `The body is not JSON: ${describe(findJsonError(text))}. Several events need an array, or one per line with content-type application/x-ndjson.`,
    });
  }
  const invalidLine = firstInvalidLine(body);
  if (!Array.isArray(value))
    return [{ kind: "value", value, bytes: invalidLine === null ? Buffer.from(text) : null, invalidLine }];
  return value.map((each: unknown) => ({
    kind: "value",
    value: each,
    bytes: null,
    // Which of them held the bytes is seen by what took their place.
    invalidLine: invalidLine !== null && JSON.stringify(each).includes("\uFFFD") ? invalidLine : null,
  }));
}

function describe(error: JsonError | null): string {
  if (error === null) return "it can't be read";
  return `expected ${error.expected} at position ${error.position} (line ${error.line}, column ${error.column})`;
}

function emptyBody(): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:malformed-json",
    title: "Empty body",
    status: 400,
    detail: "The body is empty; send one event, an array of events, or one event per line.",
  });
}
