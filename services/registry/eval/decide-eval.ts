import type { EvalRecord, GateOutcome } from "@plumbline/schemas";
import { decideGate } from "@plumbline/gate/gate";
import type { UseCaseState } from "@plumbline/registry-fold/state";

/**
 * The gate's decision on a record, in the form in which it is stored. Pure.
 *
 * @param env whose live version the record must compare with
 * @param now ms since the epoch
 */
export function decideEval(record: EvalRecord, useCase: UseCaseState, env: string, now: number): GateOutcome {
  const { eval_set: evalSet, rubrics, gate } = useCase.settings;
  if (evalSet === null) {
    const message = `${useCase.use_case} has no eval set. Name one in the prompt file (plumbline.eval), then push.`;
    return { passed: false, failures: [{ code: "eval_set_missing", message }] };
  }
  const { decision, reasons, ...evidence } = decideGate(
    { ...record, finished_at: new Date(record.finished_at) },
    {
      candidate_version: record.candidate.prompt_version,
      live_version: useCase.envs.get(env)?.stack.at(-1) ?? null,
      eval_set: {
        hash: evalSet.hash,
        owner: evalSet.owner,
        cadence_ms: evalSet.cadence_ms,
        newest_case_at: evalSet.newest_added === null ? null : new Date(evalSet.newest_added),
      },
      rubric_hashes: rubrics,
    },
    gate,
    new Date(now),
  );
  return {
    passed: decision === "pass",
    failures: reasons.map(({ code, message, fix }) => ({ code, message: `${message}. ${fix}.` })),
    ...evidence,
  };
}
