/**
 * The notice of a version that was put live past the gate: possible, named, and announced once. No detection is behind it,
 * so it has no numbers; it shares its delivery with incidents. It is over when the version is taken
 * back.
 */
import type { IncidentEvent } from "@plumbline/schemas";
import { incidentId, type IncidentState, placeOfVersion, type RolledBack } from "./incident-state.ts";

export type GateBypassed = Extract<IncidentEvent, { type: "gate_bypassed" }>;

/** The fields that the outbox of a channel needs. */
export type Shown = Pick<
  IncidentState,
  | "incident_id"
  | "state"
  | "severity"
  | "revision"
  | "state_revision"
  | "episode_revision"
  | "opened_at"
  | "state_changed_at"
  | "updated_at"
  | "deliveries"
>;

export interface BypassNotice extends Shown {
  readonly bypass: GateBypassed;
  /** The rollback of the version; null before one. */
  readonly taken_back: RolledBack | null;
}

/** bypassId is the same for one bypass in every replica. @param offset of the command in the registry's log */
export function bypassId(logId: string, offset: number): string {
  return incidentId(["gate_bypass", logId, offset].join("/"));
}

/** One step of a notice; null for what is about no bypass. A second announcement changes nothing. */
export function foldBypass(notice: BypassNotice, event: IncidentEvent): BypassNotice;
export function foldBypass(notice: BypassNotice | null, event: IncidentEvent): BypassNotice | null;
export function foldBypass(notice: BypassNotice | null, event: IncidentEvent): BypassNotice | null {
  if (notice === null) return event.type === "gate_bypassed" ? open(event) : null;
  if (event.type === "rolled_back") return takeBack(notice, event);
  if (event.type !== "delivered") return notice;
  const known = notice.deliveries[event.channel];
  if (known !== undefined && known.revision > event.revision) return notice;
  const delivery = { message_ref: event.message_ref, revision: event.revision };
  return { ...notice, deliveries: { ...notice.deliveries, [event.channel]: delivery } };
}

function takeBack(notice: BypassNotice, rollback: RolledBack): BypassNotice {
  const { bypass, state, revision } = notice;
  // Before the bypass, it was another time that the version was live.
  const isLater = Date.parse(rollback.at) >= Date.parse(bypass.at);
  if (state === "resolved" || !isLater || placeOfVersion(bypass) !== placeOfVersion(rollback)) return notice;
  return {
    ...notice,
    state: "resolved",
    revision: revision + 1,
    state_revision: revision + 1,
    state_changed_at: rollback.at,
    updated_at: rollback.at,
    taken_back: rollback,
  };
}

function open(bypass: GateBypassed): BypassNotice {
  const { incident_id, at } = bypass;
  return {
    incident_id,
    // Nothing has shown that the version is good.
    state: "watching",
    severity: "SEV3",
    revision: 1,
    state_revision: 1,
    episode_revision: 1,
    opened_at: at,
    state_changed_at: at,
    updated_at: at,
    deliveries: {},
    bypass,
    taken_back: null,
  };
}
