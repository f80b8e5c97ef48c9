/** What a rollout needs next, from what the registry says of it. Pure: every replica and every restart decides the same. */
import { counted } from "@plumbline/schemas";
import type { HistoryMark } from "@plumbline/schemas";
import type { EnvView } from "../registry/read-answer.ts";
import type { RolloutStep } from "../registry/registry-api.ts";

export interface Next extends RolloutStep {
  /** Share that is served now. */
  readonly share: number;
}

/** The monitor reads every minute; a step that nobody has read for this long is worth a sentence of its own. */
const UNREAD_MS = 10 * 60_000;

/** @param paused who paused automation; @returns null when no rollout runs */
export function nextCommand(
  { revision, rollout, canary }: Pick<EnvView, "revision" | "rollout" | "canary">,
  paused: Pick<HistoryMark, "actor" | "reason"> | null,
  nowMs: number,
): Next | null {
  if (rollout === null) return null;
  const { prompt_version, step, stepped } = rollout;
  const isOfThisStep =
    canary?.prompt_version === prompt_version && canary.decision.step_offset >= stepped.offset;
  const decision = isOfThisStep ? canary.decision : null;
  const about = { prompt_version, step, share: rollout.steps[step]!, decision };
  // With the revision: what was refused at one revision is asked again at the next.
  const idempotencyKey = `rollout/${stepped.offset}/${revision}`;
  if (decision === null) {
    const ageMs = nowMs - Date.parse(stepped.at);
    const why =
      ageMs < UNREAD_MS
        ? "The step has just begun; the monitor has not read it yet."
        : `The monitor has read nothing since the step began ${counted(Math.round(ageMs / 60_000), "minute")} ago. Check that it runs.`;
    return { ...about, kind: "hold", why, idempotencyKey };
  }
  const kind = KINDS.get(decision.state) ?? "hold";
  if (kind !== "hold" && paused !== null) {
    const why = `Automation is paused by ${paused.actor} (${paused.reason}); ${decision.why}`;
    return { ...about, kind: "hold", why, idempotencyKey };
  }
  return {
    ...about,
    kind,
    why: KINDS.has(decision.state)
      ? decision.why
      : `The registry says ${decision.state}, which this version of the policy service does not know; it changes nothing. Update it. (${decision.why})`,
    idempotencyKey: `${idempotencyKey}/${kind}`,
  };
}

const KINDS: ReadonlyMap<string, Next["kind"]> = new Map([
  ["CLEARED", "advance"],
  ["REGRESSED", "roll_back"],
  ["WATCHING", "hold"],
]);
