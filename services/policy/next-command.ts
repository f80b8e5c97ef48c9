/** What a rollout needs next, from what the registry says of it. Pure: every replica and every restart decides the same. */
import type { EnvView, KeptDecision } from "./read-answer.ts";

export interface Next {
  readonly kind: "advance" | "roll_back" | "hold";
  readonly prompt_version: string;
  /** Share that is served now. */
  readonly share: number;
  /** Index of the step that is served now. */
  readonly step: number;
  readonly why: string;
  /** Null while nothing was read at this step. */
  readonly decision: KeptDecision | null;
  /** The same for everybody who gives this command in this state, so that it is one command. */
  readonly idempotencyKey: string;
}

/** The monitor reads every minute; a step that nobody has read for this long is worth a sentence of its own. */
const UNREAD_MS = 10 * 60_000;

/** @returns null when no rollout runs */
export function nextCommand({ revision, rollout, canary }: EnvView, nowMs: number): Next | null {
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
        : `The monitor has read nothing since the step began ${Math.round(ageMs / 60_000)} minutes ago. Check that it runs.`;
    return { ...about, kind: "hold", why, idempotencyKey };
  }
  const kind = KINDS.get(decision.state) ?? "hold";
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
