import { counted } from "@plumbline/schemas";
import type { LogRecord } from "@plumbline/ports";

const DEFAULT_TENANT = "default";
const TENANT_CHARS_MAX = 200;
/** Control characters, unpaired surrogates, and what stands for bytes that were no UTF-8. */
const NO_TEXT = /[\p{Cc}\p{Cs}\uFFFD]/u;

/**
 * Whose record it is: the header `tenant`, which the collector writes from the credential; `default` without one.
 *
 * @returns why there is no tenant, quoting nothing of it, when the header is none
 */
export function readTenant({
  headers,
}: LogRecord): { readonly tenant: string } | { readonly problem: string } {
  const tenant = headers["tenant"];
  if (tenant === undefined) return { tenant: DEFAULT_TENANT };
  if (tenant.trim() === "") return { problem: "header tenant is empty" };
  if (tenant.length > TENANT_CHARS_MAX)
    return {
      problem: `header tenant has ${counted(tenant.length, "character")}, at most ${TENANT_CHARS_MAX}`,
    };
  if (tenant.trim() !== tenant) return { problem: "header tenant begins or ends with a space" };
  if (NO_TEXT.test(tenant)) return { problem: "header tenant is not UTF-8 text without control characters" };
  return { tenant };
}
