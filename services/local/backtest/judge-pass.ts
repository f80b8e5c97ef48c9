/** One pass over the judge's work list with its own decision code, at the replay's time. */
import {
  type Clock,
  type EventLog,
  type PendingCall,
  type Rubric,
  type Store,
  writeEvent,
} from "@plumbline/ports";
import type { Verdict } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { makeVerdict } from "../../judge/judge-call.ts";
import { labelOf, type LabelCriterion } from "./criteria.ts";
import type { EventRow } from "./read-traffic.ts";

const PAGE = 1_000;

export interface Decider {
  readonly name: string;
  readonly rubrics: readonly Rubric[];
  readonly concurrency: number;
  /**
   * Ends in a terminal state of the call.
   *
   * @throws ExternalError when the judge can't be asked at all, or when `signal` was aborted
   */
  decide(call: PendingCall, rubric: Rubric, signal: AbortSignal): Promise<Verdict>;
}

/**
 * Judges everything that was selected since `since` and has no verdict.
 *
 * @returns the verdicts, appended to the log
 * @throws ExternalError of the decider
 */
export async function judgePending(
  decider: Decider,
  since: string,
  deps: {
    readonly log: Pick<EventLog, "append">;
    readonly store: Pick<Store, "pendingCalls">;
    /** Resolves when the writer has stored the verdicts appended so far. */
    readonly stored: () => Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<readonly Verdict[]> {
  const all: Verdict[] = [];
  // What ends one judgement ends the others: nobody asks on, and pays, behind an error.
  const fault = new AbortController();
  const signal = AbortSignal.any([deps.signal, fault.signal]);
  for (const rubric of decider.rubrics) {
    for (let isFull = true; isFull;) {
      const calls = await deps.store.pendingCalls({
        criterion: rubric.name,
        rubric_hash: rubric.hash,
        limit: PAGE,
        since,
      });
      const verdicts: Verdict[] = [];
      let next = 0;
      const work = async (): Promise<void> => {
        while (next < calls.length) {
          const index = next++;
          try {
            verdicts[index] = await decider.decide(calls[index]!, rubric, signal);
          } catch (error) {
            fault.abort();
            throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: Math.min(decider.concurrency, calls.length) }, work));
      if (verdicts.length > 0) {
        await deps.log.append(
          "plumbline.verdicts",
          verdicts.map((verdict) => ({
            key: verdict.call_id,
            value: writeEvent(verdict),
            headers: { tenant: verdict.tenant },
          })),
        );
        all.push(...verdicts);
      }
      isFull = calls.length === PAGE;
      if (isFull) await deps.stored();
    }
  }
  if (all.length > 0) await deps.stored();
  return all;
}

/**
 * A judge that reads the file's labels.
 *
 * @param noise standard deviation of a normal error added to every score, which is then clipped to [0,1]
 */
export function createLabelDecider(
  criteria: readonly LabelCriterion[],
  options: {
    readonly noise: number;
    readonly clock: Clock;
    readonly rowOf: (callId: string) => EventRow | undefined;
  },
): Decider {
  const { noise, clock, rowOf } = options;
  const name = noise === 0 ? "labels of the file" : `labels of the file, noise ${noise}`;
  const fields = new Map(criteria.map(({ rubric, field }) => [rubric.hash, field]));
  return {
    name,
    rubrics: criteria.map(({ rubric }) => rubric),
    concurrency: 1,
    async decide(call, rubric) {
      const row = rowOf(call.call_id);
      const label = row === undefined ? null : labelOf(row, fields.get(rubric.hash)!);
      const decided = (fields: Parameters<typeof makeVerdict>[4]): Verdict =>
        makeVerdict(call, rubric, name, clock.now(), { cost_usd: 0, ...fields });
      if (label === null)
        return decided({ state: "cannot_judge", reason: "the file has no label for this call" });
      const score = Math.min(
        1,
        Math.max(0, noise === 0 ? label : label + noise * errorOf(call.call_id, rubric.hash)),
      );
      return decided({
        state: "scored",
        score,
        label: score >= rubric.pass_if ? "pass" : "fail",
        reason: "label of the file",
      });
    },
  };
}

/** Standard normal; the same call always gets the same error. */
function errorOf(callId: string, rubricHash: string): number {
  let seed = 0;
  for (const character of callId + rubricHash.slice(-8))
    seed = (Math.imul(seed, 31) + character.charCodeAt(0)) >>> 0;
  return createRandom(seed).normal();
}
