import { createHash } from "node:crypto";
import type { ErasureKind } from "@plumbline/schemas";

/**
 * What the erasure list keeps of an id. `schemas/clickhouse/queries/erase_find_calls.sql` computes the same.
 *
 * @returns 64 hex digits
 */
export function subjectHash(tenant: string, kind: ErasureKind, id: string): string {
  const plain = kind === "call" ? id.toLowerCase() : id;
  return createHash("sha256").update(`${tenant}\0${kind}\0${plain}`).digest("hex");
}

/** The unit that an erased conversation stays in the statistics, without its id. */
export function erasedConversation(tenant: string, conversationId: string): string {
  return `erased-${subjectHash(tenant, "conversation", conversationId).slice(0, 16)}`;
}
