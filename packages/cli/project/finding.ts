import type { FileProblem, LintFinding, LintRule } from "@plumbline/prompts";

/** What `lint` reports: the findings of prompt files, and those of everything around them. */
export interface Finding extends Omit<LintFinding, "rule"> {
  readonly rule: LintRule | ProjectRule;
}

type ProjectRule =
  /** A file that cannot be used, or a part of it that will not do what it seems to. */
  | "format"
  | "no-prompts"
  | "eval-owner"
  | "eval-cadence"
  | "eval-age"
  | "eval-size"
  | "eval-vars"
  | "eval-rubric"
  | "eval-assert"
  | "policy-template"
  | "policy-fallback"
  /** A rung of a policy has far less time than an attempt of it takes. */
  | "policy-time"
  /** A policy that was not rehearsed of late. */
  | "policy-drill"
  /** Less of a prompt is cached by its provider than before an edit. */
  | "prefix-break"
  | "unused-file"
  | "unused-config";

export function fromProblem(
  { file, line, field, message, fix }: FileProblem,
  severity: Finding["severity"],
): Finding {
  return {
    severity,
    rule: "format",
    file,
    line,
    message: field === "" ? message : `${field}: ${message}`,
    fix,
  };
}

/** `prompts/a.prompt:4  error  owner  nobody owns this prompt. Add plumbline.owner.` */
export function formatFinding({ file, line, severity, rule, message, fix }: Finding): string {
  return `${file}${line > 0 ? `:${line}` : ""}  ${severity}  ${rule}  ${message}. ${fix}.`;
}
