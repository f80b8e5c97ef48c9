import { createHash } from "node:crypto";
import { canonicalJson } from "@plumbline/client/render";

/** `sha256:` and 64 hex digits of the canonical JSON, in UTF-8. */
export function contentHash(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value), "utf8").digest("hex")}`;
}
