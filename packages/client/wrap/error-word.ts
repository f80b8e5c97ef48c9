import { objectOf, textOf } from "./reading.ts";

/** Causes of causes that are looked at. */
const DEPTH_MAX = 5;

/** The system's or the HTTP client's own code of a broken connection, in lower case; `network` when it has none. */
export function errorWordOf(error: unknown): string {
  return codeOf(error)?.toLowerCase().slice(0, 60) ?? "network";
}

/** codeOf returns the code of an error or of what caused it, such as `ECONNRESET`; null when there is none. */
export function codeOf(error: unknown): string | null {
  let each = error;
  for (let depth = 0; depth < DEPTH_MAX && each != null; depth++) {
    const { code, cause } = objectOf(each);
    if (/^[A-Z][A-Z0-9_]+$/.test(textOf(code))) return textOf(code);
    each = cause;
  }
  return null;
}
