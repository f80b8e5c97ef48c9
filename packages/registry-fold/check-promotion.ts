/**
 * What stands between a version and production. Pure: the same state and time give the same reasons on every replica.
 *
 * Whether the evidence is good enough was decided by the gate when the record arrived; here it must exist, be about
 * these two versions and these questions, be fresh, and somebody else must have read the prompt.
 */
import { canonicalJson, shortVersion } from "@plumbline/prompts";
import { limitsInForce } from "@plumbline/gate/gate";
import { DAY_MS } from "@plumbline/schemas";
import type { EvalState, Refusal, UseCaseState, VersionState } from "./state.ts";

/**
 * Every reason why `version` may not take over from `incumbent`, in the order in which to mend them; empty when it may.
 *
 * @param incumbent the version that serves everybody now, null when none does
 * @param now ms since the epoch
 */
export function checkPromotion(
  useCase: UseCaseState,
  version: VersionState,
  incumbent: string | null,
  now: number,
): readonly Refusal[] {
  return [
    ...quarantineRefusals(version),
    ...evalRefusals(useCase, version, incumbent, now),
    ...approvalRefusals(useCase, version),
  ];
}

/** A version in quarantine gets no more of the conversations, however far it has come. */
export function quarantineRefusals({ quarantined, number }: VersionState): readonly Refusal[] {
  if (quarantined === null) return [];
  return [
    {
      code: "quarantined",
      message: `v${number} is quarantined by ${quarantined.actor} (${quarantined.reason}). Evaluate it again: a passing record lifts it; or promote another version.`,
    },
  ];
}

function evalRefusals(
  useCase: UseCaseState,
  version: VersionState,
  incumbent: string | null,
  now: number,
): readonly Refusal[] {
  const name = shortVersion(useCase.use_case, version.prompt_version);
  const { eval_set: evalSet, gate } = useCase.settings;
  if (evalSet === null) {
    return [
      {
        code: "eval_set_missing",
        message: `${useCase.use_case} has no eval set. Name one in the prompt file (plumbline.eval), then push.`,
      },
    ];
  }
  const latest = version.evals.at(-1);
  if (latest === undefined) {
    return [{ code: "eval_missing", message: `Nobody evaluated ${name}. Run: plumbline eval ${name}` }];
  }
  const record = version.evals.findLast((each) => isAbout(each, useCase, incumbent));
  if (record === undefined) {
    return [
      ...mismatches(latest, useCase, incumbent).map((refusal) => ({
        ...refusal,
        message: `${refusal.message} Run: plumbline eval ${name}`,
      })),
      // It counts no more, but whoever decides has to know what it found.
      ...recordedFailures(latest).map(({ code, message }) => ({
        code,
        message: `At its evaluation: ${message}`,
      })),
    ];
  }
  if (!record.decision.passed) {
    return [
      {
        code: "eval_failed",
        message: `The newest evaluation of ${name} did not pass. Mend the prompt and push it as a new version.`,
      },
      ...recordedFailures(record),
    ];
  }
  const ageMs = now - record.finished_at;
  const ageMaxMs = limitsInForce(gate).max_record_age_ms;
  if (ageMs > ageMaxMs) {
    return [
      {
        code: "eval_expired",
        message: `The evaluation of ${name} is ${(ageMs / DAY_MS).toFixed(1)} days old, at most ${(ageMaxMs / DAY_MS).toFixed(1)} are allowed. Run: plumbline eval ${name}`,
      },
    ];
  }
  return [];
}

/** Why the gate did not let the record pass; empty when it did. */
function recordedFailures({ decision }: EvalState): readonly Refusal[] {
  return decision.passed ? [] : decision.failures.map(({ code, message }) => ({ code, message }));
}

function isAbout(record: EvalState, useCase: UseCaseState, incumbent: string | null): boolean {
  return mismatches(record, useCase, incumbent).length === 0;
}

/** How a record differs from what it must be about. */
function mismatches(
  record: Pick<EvalState, "incumbent" | "eval_set_hash" | "rubric_hashes">,
  { use_case, settings, versions }: UseCaseState,
  incumbent: string | null,
): readonly Refusal[] {
  const label = (hash: string | null): string => {
    if (hash === null) return "nothing";
    const number = versions.get(hash)?.number;
    return number === undefined ? shortVersion(use_case, hash) : `v${number}`;
  };
  return [
    ...(record.incumbent === incumbent
      ? []
      : [
          {
            code: "eval_stale_incumbent",
            message: `It was compared with ${label(record.incumbent)}, but ${label(incumbent)} is live now.`,
          },
        ]),
    ...questionMismatches(record, settings),
  ];
}

/** Records whose questions are no longer the use case's own. */
export function questionMismatches(
  record: Pick<EvalState, "eval_set_hash" | "rubric_hashes">,
  settings: UseCaseState["settings"],
): readonly Refusal[] {
  const refusals: Refusal[] = [];
  if (record.eval_set_hash !== settings.eval_set?.hash) {
    refusals.push({
      code: "eval_set_changed",
      message: `It was evaluated on another eval set (${record.eval_set_hash.slice(0, 19)}) than the registered one (${settings.eval_set?.hash.slice(0, 19) ?? "none"}).`,
    });
  }
  if (canonicalJson(record.rubric_hashes) !== canonicalJson(settings.rubrics)) {
    refusals.push({
      code: "rubrics_changed",
      message: "It was judged by other rubrics than the registered ones.",
    });
  }
  return refusals;
}

function approvalRefusals(
  { use_case }: UseCaseState,
  { approvals, author, number }: VersionState,
): readonly Refusal[] {
  if (approvals.length > 0) return [];
  return [
    {
      code: "approval_missing",
      message: `Nobody but its author (${author}) has approved v${number}. Ask a colleague to run: plumbline approve ${use_case} v${number}`,
    },
  ];
}

/** The same person, however they write their name's case. */
export function isSamePerson(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
