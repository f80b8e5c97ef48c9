/** Bodies are UTF-8. What says that it is written otherwise is converted, and what is no text is never taken for one. */
import { isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";
import iconv from "iconv-lite";
import { HttpProblem } from "./problem.ts";

const UTF8: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

/**
 * inUtf8 returns the body's text in UTF-8, converted from the charset that its content type names. Bytes that are no text
 * in that charset become bytes that are none in UTF-8, so that `firstInvalidLine` finds them.
 *
 * @throws HttpProblem 415, with the name, for a charset that this runtime does not know
 */
export function inUtf8(body: Buffer, contentType: string | undefined): Buffer {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType ?? "")?.[1]?.slice(0, 40) ?? "utf-8";
  if (UTF8.has(charset.toLowerCase())) return body;
  const encoding = encodingOf(charset);
  if (encoding === null) {
    throw new HttpProblem({
      type: "urn:plumbline:unsupported-media-type",
      title: "Unsupported media type",
      status: 415,
      detail: `The charset ${JSON.stringify(charset)} is not known here. Send the body in UTF-8, which needs no charset.`,
    });
  }
  const text = iconv.decode(body, encoding).replace(/\p{Surrogate}/gu, REPLACEMENT);
  if (!text.includes(REPLACEMENT) || isText(body, encoding)) return Buffer.from(text);
  const parts = text.split(REPLACEMENT).flatMap((part) => [Buffer.from(part), NOT_UTF8]);
  return Buffer.concat(parts.slice(0, -1));
}

/** What decoders put where bytes are no text. */
const REPLACEMENT = "\uFFFD";
const NOT_UTF8 = Buffer.of(0xff);

function isText(body: Buffer, encoding: string): boolean {
  try {
    new TextDecoder(encoding, { fatal: true }).decode(body);
    return true;
  } catch {
    return false;
  }
}

/** The encoding behind a label of the web, such as windows-1252 behind latin1; null when there is none. */
function encodingOf(label: string): string | null {
  try {
    // Node's own decoder takes windows-1252 for ISO 8859-1, so it only says what a label means.
    const { encoding } = new TextDecoder(label);
    return iconv.encodingExists(encoding) ? encoding : null;
  } catch {
    return null;
  }
}

/**
 * readWholeText returns the text of a body of which no part may be lost.
 *
 * @throws HttpProblem 400 when it is not valid UTF-8, with the line; 415 as `inUtf8`
 */
export function readWholeText(body: Buffer, contentType: string | undefined): string {
  const bytes = inUtf8(body, contentType);
  const line = firstInvalidLine(bytes);
  if (line === null) return bytes.toString("utf8");
  throw new HttpProblem({
    type: "urn:plumbline:bad-request",
    title: "Bad request",
    status: 400,
    detail: `Line ${line} of the body is not valid UTF-8, or not valid in the charset that it names. Send UTF-8, or name the charset in content-type (application/json; charset=iso-8859-1).`,
  });
}

const NEWLINE = 0x0a;

/** firstInvalidLine returns the first line, from 1, that is not valid UTF-8; null when every line is. */
export function firstInvalidLine(body: Buffer): number | null {
  if (isUtf8(body)) return null;
  let line = 1;
  for (let start = 0; start < body.length; line++) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    if (!isUtf8(body.subarray(start, end))) return line;
    start = end + 1;
  }
  return null;
}
