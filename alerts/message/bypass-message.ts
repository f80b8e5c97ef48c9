/** Words of a bypass: the message, and the reply when the version was taken back. */
import type { BypassNotice } from "../incident/bypass-notice.ts";
import type { Message } from "@plumbline/ports";
import { clip } from "@plumbline/schemas";
import { type MessageSettings, PREVIEW_LENGTH_MAX, TITLE_LENGTH_MAX } from "./message.ts";
import { shortVersion } from "../words/text.ts";
import { formatMoment, UTC } from "../words/quantity.ts";
import { whyOf } from "../incident/lifecycle.ts";
import type { RolledBack } from "../incident/incident-state.ts";

/** The reply that goes with an edit of a channel that shows `revision`. "" when nothing happened since. */
export function bypassReplySince(
  { revision: newest, taken_back: back }: BypassNotice,
  revision: number,
  zone: string = UTC,
): string {
  if (back === null || newest <= revision) return "";
  return `${formatMoment(back.at, zone)} · ${takenBackText(back)}`;
}

/** The message of a bypass: who, what, what was overridden, why, and how to undo it, or who did. */
export function renderBypass(
  notice: BypassNotice,
  { console_url, time_zone: zone = UTC }: MessageSettings,
): Message {
  const { incident_id, revision, state, severity, bypass, taken_back: back } = notice;
  const { use_case, env, prompt_version, number, actor, reason, overridden, at } = bypass;
  const undo = `npx @plumbline/cli rollback ${use_case}${env === "production" ? "" : ` --env ${env}`}`;
  const head = `[${severity}${back === null ? "" : " resolved"}] ${use_case}: ${actor} put v${number} live in ${env} past the gate`;
  const action = back === null ? `. Undo: ${undo}` : `. Taken back by ${back.actor}`;
  return {
    incident_id,
    tenant: bypass.tenant,
    revision,
    state,
    severity,
    preview: `${clip(head, PREVIEW_LENGTH_MAX - action.length)}${action}`,
    title: clip(
      back === null
        ? `${use_case}: v${number} live in ${env} past the gate`
        : `${use_case}: v${number} taken back in ${env}, put live past the gate`,
      TITLE_LENGTH_MAX,
    ),
    lines: [
      ...(back === null ? [] : [`${takenBackText(back)} (${formatMoment(back.at, zone)})`]),
      ...(back === null ? [`Read why, or take v${number} back.`] : []),
      `${actor} overrode the gate: ${reason}`,
      ...overridden.map(({ message }) => `Overridden: ${message}`),
    ],
    fields: [
      { label: "Severity", value: severity },
      { label: "Environment", value: env },
      { label: "Version", value: `v${number} ${shortVersion(prompt_version)}` },
      { label: "Overridden by", value: actor },
    ],
    command: back === null ? `${undo} --reason ${incident_id}` : null,
    quotes: [],
    context: [incident_id, `Put live ${formatMoment(at, zone)}.`],
    links:
      console_url === null
        ? []
        : [
            {
              label: "Open use case",
              url: `${console_url}/u/${encodeURIComponent(use_case)}?env=${encodeURIComponent(env)}`,
            },
          ],
    actions: [],
  };
}

function takenBackText(rollback: RolledBack): string {
  const { actor, number, to_number } = rollback;
  return `v${number} was taken back by ${actor}, v${to_number} serves everybody${whyOf(rollback)}`;
}
