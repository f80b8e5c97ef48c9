/**
 * The canonical prompt document: everything that changes what is sent to the model, and nothing else. Its hash is the
 * prompt version. Owner, comments, key order, input types and file names are not in it.
 */
import type { PromptDocument } from "@plumbline/client/render";
import { contentHash } from "./content-hash.ts";

/** `sha256:` and 64 hex digits. Idempotent: the same document always has the same version, on every machine. */
export function promptVersion(document: PromptDocument): string {
  return contentHash(document);
}

/** `ticket-summary@0123456789ab`: for people and URLs. 48 bits; the registry resolves it within one use case. */
export function shortVersion(useCase: string, version: string): string {
  return `${useCase}@${version.replace(/^sha256:/, "").slice(0, 12)}`;
}

/** Takes `use-case@<12 to 64 hex>` apart; null when it is something else. */
export function parseShortVersion(text: string): { readonly use_case: string; readonly hex: string } | null {
  const match = /^([a-z0-9][a-z0-9._-]*)@(?:sha256:)?([0-9a-f]{12,64})$/.exec(text);
  return match === null ? null : { use_case: match[1]!, hex: match[2]! };
}
