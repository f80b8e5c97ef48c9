import { createHash } from "node:crypto";

/** Characters of a fingerprint: 96 bits, so two different texts share one in practice never. */
const FINGERPRINT_CHARS = 16;

/**
 * Tells that two inputs are the same text, whatever their white space and case, without holding the text.
 *
 * @param scope what else must be equal, such as the use case; fingerprints of different scopes don't compare
 */
export function inputFingerprint(scope: string, input: string): string {
  const normalised = input.toLowerCase().replace(/\s+/g, " ").trim();
  return createHash("sha256").update(`${scope}/${normalised}`).digest("base64").slice(0, FINGERPRINT_CHARS);
}
