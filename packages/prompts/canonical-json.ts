import { createHash } from "node:crypto";

/**
 * JSON with one spelling per value: object keys sorted by UTF-16 code unit, no white space, numbers as JavaScript
 * writes them. Two replicas, and a client in another language, compute the same bytes.
 *
 * A key whose value is undefined is left out, as in JSON.
 *
 * @throws RangeError for what JSON cannot hold: NaN, infinities, functions
 * @see RFC 8785, JSON Canonicalization Scheme
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError(`canonicalJson: ${value} has no JSON form`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each)).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  throw new RangeError(`canonicalJson: ${typeof value} has no JSON form`);
}

/** `sha256:` and 64 hex digits of the canonical JSON, in UTF-8. */
export function contentHash(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value), "utf8").digest("hex")}`;
}
