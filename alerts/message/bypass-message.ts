/** Words of a bypass: the message, and the reply when the version was taken back. */
import type { BypassNotice } from "../incident/bypass-notice.ts";
import type { Message } from "@plumbline/ports";
import { clip, type MessageLinks, PREVIEW_LENGTH_MAX, shortVersion, TITLE_LENGTH_MAX } from "./message.ts";
import { formatTime } from "../words/quantity.ts";
import { whyOf } from "../incident/lifecycle.ts";
import type { RolledBack } from "../incident/identity.ts";

/** The reply that goes with an edit of a channel that shows `revision`. "" when nothing happened since. */
export function bypassReplySince(
  { revision: newest, taken_back: back, opened_at }: BypassNotice,
  revision: number,
): string {
  if (back === null || newest <= revision) return "";
  return `${formatTime(back.at, opened_at)} · ${takenBackText(back)}`;
}

/** The message of a bypass: who, what, what was overridden, why, and how to undo it, or who did. */
export function renderBypass(notice: BypassNotice, { console_url }: MessageLinks): Message {
  const { incident_id, revision, state, severity, bypass, taken_back: back } = notice;
  const { use_case, env, prompt_version, number, actor, reason, overridden, at } = bypass;
  const undo = `plumbline rollback ${use_case}${env === "production" ? "" : ` --env ${env}`}`;
  const codes = overridden.map(({ code }) => code).join(", ");
  const head = `[${severity}${back === null ? "" : " resolved"}] ${use_case}: ${actor} put v${number} live in ${env} past the gate`;
  const action = back === null ? `. Undo: ${undo}` : `. Taken back by ${back.actor}`;
  return {
    incident_id,
    tenant: bypass.tenant,
    revision,
    state,
    severity,
    preview: `${clip(`${head} (${codes})`, PREVIEW_LENGTH_MAX - action.length)}${action}`,
    title: clip(
      back === null
        ? `${use_case}: v${number} live in ${env} past the gate`
        : `${use_case}: v${number} taken back in ${env}, put live past the gate`,
      TITLE_LENGTH_MAX,
    ),
    lines: [
      ...(back === null ? [] : [`${takenBackText(back)} (${formatTime(back.at, at)})`]),
      `${actor} overrode the gate: ${reason}`,
      ...overridden.map(({ message }) => `Overridden: ${message}`),
      ...(back === null ? [`Undo: ${undo} --reason "${incident_id}"`] : []),
    ],
    fields: [
      {
        label: "Severity",
        value: `${severity} · ${back === null ? "Read why, or undo it" : "Nothing to do"}`,
      },
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

function takenBackText(rollback: RolledBack): string {
  const { actor, number, to_number } = rollback;
  return `v${number} was taken back by ${actor}, v${to_number} serves everybody${whyOf(rollback)}`;
}
