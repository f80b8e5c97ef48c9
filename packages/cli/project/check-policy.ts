/** What is wrong with a policy, beyond its format. */
import { timeShares } from "@plumbline/client/time-shares";
import { type PolicyFile, TEMPLATE_CHARS_MAX } from "@plumbline/schemas";
import { count } from "../text/spoken.ts";
import type { Finding } from "./finding.ts";
import type { Project } from "./load-project.ts";

export function checkPolicy(useCase: string, { policies, prompts, files }: Project): readonly Finding[] {
  const policy = policies.get(useCase);
  if (policy === undefined) return [];
  const findings: Finding[] = [];
  const { file, template, fallback_models } = policy;
  if (template?.file !== undefined && !files.has(template.file)) {
    findings.push({
      severity: "error",
      rule: "policy-template",
      file,
      line: 0,
      message: `template.file: ${template.file} does not exist, so the last rung would hold nobody`,
      fix: "Create it, or correct the path; paths are relative to the project",
    });
  }
  if (template?.text !== undefined && template.text.length > TEMPLATE_CHARS_MAX) {
    findings.push({
      severity: "error",
      rule: "policy-template",
      file,
      line: 0,
      message: `template: its text has ${count(template.text.length, "character")}, and clients are sent at most ${TEMPLATE_CHARS_MAX}`,
      fix: "Say less: it is what users read when nothing else is to be had",
    });
  }
  const known = new Set(prompts.map(({ document }) => document.use_case));
  for (const [i, { prompt }] of fallback_models.entries()) {
    if (prompt === undefined || known.has(prompt)) continue;
    findings.push({
      severity: "error",
      rule: "policy-fallback",
      file,
      line: 0,
      message: `fallback_models.${i}.prompt: there is no prompt ${prompt}`,
      fix: "Write its prompt file, or leave prompt out to send the same prompt",
    });
  }
  return [...findings, ...checkTimes(policy)];
}

/** Each rung has its share of the deadline, whatever the others take: half of an attempt's time or less is too little. */
function checkTimes(policy: PolicyFile & { readonly file: string }): readonly Finding[] {
  const { file, deadline_ms, attempt_timeout_ms, fallback_models } = policy;
  const { ownMs, fallbackMs } = timeShares(policy);
  const leastMs = Math.min(ownMs, fallbackMs);
  if (fallback_models.length === 0 || leastMs >= attempt_timeout_ms / 2) return [];
  const models =
    fallback_models.length === 1
      ? "its fallback model"
      : `each of its ${fallback_models.length} fallback models`;
  return [
    {
      severity: "warning",
      rule: "policy-time",
      file,
      line: 0,
      message: `attempt_timeout_ms is ${attempt_timeout_ms}, and of deadline_ms ${deadline_ms} there are ${Math.floor(ownMs)} for the prompt's own model and ${Math.floor(fallbackMs)} for ${models} when those before hang`,
      fix: "Lower attempt_timeout_ms, raise deadline_ms, or name fewer fallback_models",
    },
  ];
}
