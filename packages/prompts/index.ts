export { canonicalJson, contentHash } from "./canonical-json.ts";
export { type FileProblem, type Parsed, formatProblem } from "./file-problem.ts";
export {
  type JsonValue,
  type PromptDocument,
  type PromptMessage,
  type PromptRole,
  parseShortVersion,
  promptVersion,
  shortVersion,
} from "./prompt-document.ts";
export { type ParsedPrompt, type SourceMessage, parsePrompt } from "./parse-prompt.ts";
export type { ReadPartial } from "./inline-partials.ts";
export type { InputVariable } from "./input-variables.ts";
export { type RenderedMessage, type RenderedPrompt, renderPrompt } from "./render-prompt.ts";
export {
  type ChangedField,
  type ChangedLine,
  type ChangedMessage,
  type PromptDiff,
  type WordRun,
  diffFields,
  diffLines,
  diffPrompts,
  formatDiff,
} from "./diff-prompts.ts";
export {
  type LintFinding,
  type LintProject,
  type LintRule,
  type StablePrefix,
  lintPrompt,
  stablePrefix,
} from "./lint-prompt.ts";
export { type EvalCase, type EvalSet, evalSetHash, parseEvalSet } from "./eval-set.ts";
export {
  ASSERT_TYPES,
  type AssertContext,
  type AssertResult,
  type CaseOutcome,
  type EvalAnswer,
  type RubricQuestion,
  type RubricReply,
  runAsserts,
} from "./run-asserts.ts";
export {
  type NamedRubric,
  checkConfig,
  parseConfig,
  parsePolicy,
  parseRubric,
  policyHash,
  rubricHash,
} from "./project-files.ts";
export { type VariableUse, parseMessage, variableUses } from "./template.ts";
export { writeYaml } from "./write-yaml.ts";
export { readYaml } from "./yaml-source.ts";
