/** Erasure reaches what people were shown: messages are edited, and copies on disk are rewritten. */
import { exampleCalls, type ExampleTexts, type IncidentState } from "@plumbline/alerts";
import { type ErasureList, mapTexts, subjectHash } from "@plumbline/erasure";
import type { Quote } from "@plumbline/ports";
import { rowOf, type Channel, type Told } from "./outbox.ts";

/** Copies of messages that lie with us, such as the inbox's files. */
export interface MessageCopies {
  /**
   * Changes every text of every message, those of closed incidents and earlier episodes too, and leaves out the quotes that
   * are not to stay. @returns messages changed
   */
  rewrite(
    change: (text: string, tenant: string | null) => string,
    stays: (quote: Quote, tenant: string | null) => boolean,
  ): Promise<number>;
}

/** The incident without names that were erased. */
export function withoutErased(state: IncidentState, erasures: ErasureList): IncidentState {
  const { tenant } = state.detection;
  const change = (text: string): string => erasures.withoutNames(text, tenant);
  const { detection, recovery, history } = state;
  const clean = mapTexts({ detection, recovery, history }, change);
  return JSON.stringify(clean) === JSON.stringify({ detection, recovery, history })
    ? state
    : { ...state, ...clean };
}

/** Texts of calls that were not erased: the store may have the others for a moment longer. */
export function withoutErasedCalls(texts: ExampleTexts, tenant: string, erasures: ErasureList): ExampleTexts {
  return new Map([...texts].filter(([id]) => !holdsErased([id], tenant, erasures)));
}

/** Marks the messages of incidents that hold erased names, or texts of erased calls, so that each channel edits its own. @returns how many */
export function markErased(
  channels: readonly Channel[],
  told: readonly Told[],
  erasures: ErasureList,
): number {
  const outdated = told.filter(
    (each) =>
      !("bypass" in each) &&
      (withoutErased(each, erasures) !== each ||
        holdsErased(exampleCalls(each.detection), each.detection.tenant, erasures)),
  );
  for (const channel of channels) {
    for (const { incident_id } of outdated) rowOf(channel, incident_id).isOutdated = true;
  }
  return outdated.length;
}

/** Rewrites the copies: erased names, texts of erased calls, and texts that are no longer kept. @returns messages changed */
export async function rewriteCopies(
  copies: readonly MessageCopies[],
  erasures: ErasureList,
  nowMs: number,
): Promise<number> {
  let changed = 0;
  for (const each of copies) {
    changed += await each.rewrite(
      // What was written before there were tenants is the default tenant's.
      (text, tenant) => erasures.withoutNames(text, tenant ?? "default"),
      ({ call_ids, until }, tenant) =>
        (until === null || Date.parse(until) > nowMs) &&
        !holdsErased(call_ids, tenant ?? "default", erasures),
    );
  }
  return changed;
}

function holdsErased(callIds: readonly string[], tenant: string, erasures: ErasureList): boolean {
  return callIds.some((id) => erasures.hasCall(subjectHash(tenant, "call", id)));
}
