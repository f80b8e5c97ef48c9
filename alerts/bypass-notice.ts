/**
 * Somebody put a version live past the gate: possible, named, and told to everybody, once. No detection is behind it,
 * so it has no numbers and no life of its own; what it shares with an incident is how it is delivered.
 */
import type { IncidentEvent } from "@plumbline/schemas";
import { incidentId } from "./incident-key.ts";
import type { IncidentState } from "./lifecycle.ts";
import {
  clip,
  type IncidentMessage,
  type MessageLinks,
  PREVIEW_LENGTH_MAX,
  shortVersion,
  TITLE_LENGTH_MAX,
} from "./message.ts";
import { formatTime } from "./quantity.ts";

export type GateBypassed = Extract<IncidentEvent, { type: "gate_bypassed" }>;

/** What the outbox of a channel has to know about something that it shows. */
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
}

/** The same bypass, the same id, whichever replica announces it. @param offset of the command in the registry's log */
export function bypassId(logId: string, offset: number): string {
  return incidentId(["gate_bypass", logId, offset].join("/"));
}

/** One step of a notice; null for what is about no bypass. A second announcement changes nothing. */
export function foldBypass(notice: BypassNotice | null, event: IncidentEvent): BypassNotice | null {
  if (notice === null) return event.type === "gate_bypassed" ? open(event) : null;
  if (event.type !== "delivered") return notice;
  const delivery = { message_ref: event.message_ref, revision: event.revision };
  return { ...notice, deliveries: { ...notice.deliveries, [event.channel]: delivery } };
}

function open(bypass: GateBypassed): BypassNotice {
  const { incident_id, at } = bypass;
  return {
    incident_id,
    // Nothing showed that the version is good: somebody should look at it.
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
  };
}

/** The message of a bypass: who, what, what was overridden, why, and how to undo it. */
export function renderBypass(notice: BypassNotice, { console_url }: MessageLinks): IncidentMessage {
  const { incident_id, revision, state, severity, bypass } = notice;
  const { use_case, env, prompt_version, number, actor, reason, overridden, at } = bypass;
  const undo = `plumbline rollback ${use_case}${env === "production" ? "" : ` --env ${env}`}`;
  const codes = overridden.map(({ code }) => code).join(", ");
  const head = `[${severity}] ${use_case}: ${actor} put v${number} live in ${env} past the gate`;
  const action = `. Undo: ${undo}`;
  return {
    incident_id,
    revision,
    state,
    severity,
    preview: `${clip(`${head} (${codes})`, PREVIEW_LENGTH_MAX - action.length)}${action}`,
    title: clip(`${use_case}: v${number} live in ${env} past the gate`, TITLE_LENGTH_MAX),
    lines: [
      `${actor} overrode the gate: ${reason}`,
      ...overridden.map(({ message }) => `Overridden: ${message}`),
      `Undo: ${undo} --reason "${incident_id}"`,
    ],
    fields: [
      { label: "Severity", value: `${severity} · Read why, or undo it` },
      { label: "Environment", value: env },
      { label: "Version", value: `v${number} ${shortVersion(prompt_version)}` },
      { label: "Overridden by", value: actor },
    ],
    context: [incident_id, "gate_bypass", `promoted ${formatTime(at, "")}`],
    links:
      console_url === null
        ? []
        : [
            {
              label: "Open use case",
              url: `${console_url}/u/${encodeURIComponent(use_case)}?env=${encodeURIComponent(env)}`,
            },
          ],
  };
}
