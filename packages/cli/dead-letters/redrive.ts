/** Redriving in steps that stop by themselves when what was redriven fails again. */
import { count } from "../text/spoken.ts";
import { REDRIVE_MAX } from "@plumbline/schemas";
import { CommandFailure, EXIT } from "../shell/failure.ts";
import { RedriveAnswer } from "../registry/answers.ts";
import type { RegistryClient } from "../registry/registry-client.ts";

export interface RedriveTotals {
  readonly redriven: number;
  readonly came_back: number;
  readonly skipped: RedriveAnswer["skipped"];
  /** Ids that were not tried, because too many came back. */
  readonly left: number;
  readonly is_settled: boolean;
}

/** A few first: when their cause was not mended, no more than these go round in vain. */
const FIRST_STEP = 10;
/** Records that came back after which to stop: more than these, and more than this share of what was redriven. */
const CAME_BACK_MIN = 2;
const CAME_BACK_SHARE_MAX = 0.1;
/** How long one step waits for the writer, which reads within milliseconds unless it is behind or away. */
const WAIT_MS = 5_000;

/**
 * @param onStep told after every step
 * @throws CommandFailure exit code 5 when the writer does not read what was redriven, so that nobody can say whether it fails again
 */
export async function redriveInSteps(
  registry: RegistryClient,
  ids: readonly string[],
  options: {
    readonly force: boolean;
    readonly wait: boolean;
    readonly onStep: (totals: RedriveTotals) => void;
  },
): Promise<RedriveTotals> {
  let redriven = 0;
  let cameBack = 0;
  let isSettled = true;
  const skipped: RedriveAnswer["skipped"][number][] = [];
  for (let start = 0; start < ids.length;) {
    const step = ids.slice(start, start + (start === 0 && options.wait ? FIRST_STEP : REDRIVE_MAX));
    start += step.length;
    const answer = await registry.post(
      "/v1/dead-letters/redrive",
      { ids: step, force: options.force, wait_ms: options.wait ? WAIT_MS : 0 },
      RedriveAnswer,
    );
    redriven += answer.redriven;
    cameBack += answer.came_back;
    isSettled = answer.is_settled;
    skipped.push(...answer.skipped);
    const totals: RedriveTotals = {
      redriven,
      came_back: cameBack,
      skipped,
      left: ids.length - start,
      is_settled: isSettled,
    };
    options.onStep(totals);
    if (!options.wait || start >= ids.length) continue;
    if (!isSettled) throw notRead(totals);
    if (cameBack > Math.max(CAME_BACK_MIN, CAME_BACK_SHARE_MAX * redriven)) return totals;
  }
  return { redriven, came_back: cameBack, skipped, left: 0, is_settled: isSettled };
}

function notRead(totals: RedriveTotals): CommandFailure {
  return new CommandFailure(
    EXIT.unavailable,
    "redrive-unread",
    `${count(totals.redriven, "record")} ${totals.redriven === 1 ? "was" : "were"} redriven, and the writer has not read ${totals.redriven === 1 ? "it" : "them"} within ${WAIT_MS / 1000} s; ${totals.left} left in place.`,
    {
      next: "plumbline doctor says whether the writer runs; then the same command again, which leaves out what was redriven",
      details: totals,
    },
  );
}
