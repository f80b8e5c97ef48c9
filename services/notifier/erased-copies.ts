/** Erasure reaches what people were shown: messages are edited, and copies on disk are rewritten. */
import type { IncidentState } from "@plumbline/alerts";
import { mapTexts, type ErasureList } from "@plumbline/erasure";
import { rowOf, type Channel, type Told } from "./outbox.ts";

/** Copies of messages that lie with us, such as the inbox's files. */
export interface MessageCopies {
  /** Changes every text of every message, those of closed incidents and earlier episodes too. @returns messages changed */
  rewrite(change: (text: string, tenant: string | null) => string): Promise<number>;
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

/** Marks the messages of incidents that hold erased names, so that each channel edits its own. @returns how many */
export function markErased(
  channels: readonly Channel[],
  told: readonly Told[],
  erasures: ErasureList,
): number {
  const outdated = told.filter((each) => !("bypass" in each) && withoutErased(each, erasures) !== each);
  for (const channel of channels) {
    for (const { incident_id } of outdated) rowOf(channel, incident_id).isOutdated = true;
  }
  return outdated.length;
}

/** Rewrites the copies. @returns messages changed */
export async function rewriteCopies(
  copies: readonly MessageCopies[],
  erasures: ErasureList,
): Promise<number> {
  let changed = 0;
  for (const each of copies) {
    // What was written before there were tenants is the default tenant's.
    changed += await each.rewrite((text, tenant) => erasures.withoutNames(text, tenant ?? "default"));
  }
  return changed;
}
