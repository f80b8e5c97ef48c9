/**
 * JSON with one spelling per value: object keys sorted by UTF-16 code unit, no white space, numbers as JavaScript writes
 * them. A prompt version is its hash; two replicas, and a client in another language, compute the same bytes. A key whose
 * value is undefined is left out, as in JSON.
 *
 * @throws RangeError for what JSON cannot hold: NaN, infinities, functions
 * @see RFC 8785, JSON Canonicalization Scheme
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const object = value as Readonly<Record<string, unknown>>;
    // The default order is that of UTF-16 code units, as the RFC has it.
    const keys = Object.keys(object).toSorted();
    const members = keys
      .filter((key) => object[key] !== undefined)
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`);
    return `{${members.join(",")}}`;
  }
  const isNumber = typeof value === "number";
  const json = isNumber && !Number.isFinite(value) ? undefined : JSON.stringify(value);
  if (json === undefined) throw new RangeError(`a ${typeof value} has no JSON form`);
  return json;
}

/** `sha256:` and 64 hex digits of the canonical JSON, in UTF-8. */
export async function contentHash(value: unknown): Promise<string> {
  const digest = new Uint8Array(await sha256(canonicalJson(value)));
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** 32 bytes, of the text in UTF-8. */
export function sha256(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
