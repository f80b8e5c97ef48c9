/** Who decides about a result, and whether it is worth recording. */
import { CommandAccepted, GateOutcome } from "@plumbline/schemas";
import type { RegistryClient } from "../registry/registry-client.ts";
import { count } from "../text/spoken.ts";
import type { EvalPlan } from "./plan.ts";
import type { GateVerdict } from "./report.ts";
import type { EvalSummary } from "./summarise.ts";

/**
 * What ran short of money, or met a provider or judge that failed, is nothing to record: it says nothing of the prompt.
 *
 * @param failed answers and judgements that did not come
 * @param isKept whether the next run finds the answers of this one
 */
export async function decide(
  plan: EvalPlan,
  { undone, answers, decision, record, misses }: EvalSummary,
  failed: number,
  { registry, isKept }: { readonly registry: RegistryClient | null; readonly isKept: boolean },
): Promise<{ readonly gate: GateVerdict | null; readonly isRecorded: boolean }> {
  const refused = (code: string, message: string) => ({
    gate: { passed: false, failures: [{ code, message }] },
    isRecorded: false,
  });
  const again = isKept ? ": answers so far come from the cache" : "";
  if (undone > 0) {
    return refused(
      "incomplete",
      `The budget was spent after ${answers.made} of ${count(answers.planned, "answer")}; ${undone} of ${count(plan.cases.length, "case")} ${undone === 1 ? "is" : "are"} undone. Raise --max-cost and run again${again}.`,
    );
  }
  if (failed > 0 && plan.isWhole) {
    const first = misses.find(({ reason, assert }) => assert === "answer" || reason.startsWith("not run"));
    return refused(
      "failed_answers",
      `${count(failed, "answer or judgement", "answers or judgements")} did not come${first === undefined ? "" : ` (${first.case_id}: ${first.reason})`}. Mend what the reasons name and run again${again}.`,
    );
  }
  if (!plan.isWhole) return { gate: null, isRecorded: false };
  if (!plan.isRecorded || registry === null) {
    const failures = decision.reasons.map(({ code, message, fix }) => ({
      code,
      message: `${message}. ${fix}.`,
    }));
    return { gate: { passed: decision.decision === "pass", failures }, isRecorded: false };
  }
  const accepted = await registry.post(
    `/v1/use-cases/${encodeURIComponent(plan.useCase)}/evals`,
    { env: plan.env, record },
    CommandAccepted,
  );
  const { passed, failures } = GateOutcome.parse(accepted.decision);
  return { gate: { passed, failures }, isRecorded: true };
}
