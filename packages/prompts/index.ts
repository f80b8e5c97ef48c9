export { canonicalJson } from "@plumbline/client/render";
export type { JsonValue, PromptDocument, PromptMessage, PromptRole } from "@plumbline/client/render";
export { contentHash } from "./content-hash.ts";
export { type FileProblem, type Parsed, formatProblem } from "./file-problem.ts";
export { parseShortVersion, promptVersion, shortVersion } from "./prompt-version.ts";
export { type ParsedPrompt, type SourceMessage, parsePrompt } from "./parse-prompt.ts";
export type { ReadPartial } from "./template/inline-partials.ts";
export type { InputVariable } from "./input-variables.ts";
export { renderPrompt } from "./render-prompt.ts";
export {
  type ChangedField,
  type PromptDiff,
  diffFields,
  diffLines,
  diffPrompts,
  formatDiff,
} from "./diff/diff-prompts.ts";
export { cachedTokens, minimumTokens, tokensOf } from "./prefix/cached-prefix.ts";
export { type PrefixFacts, prefixFacts } from "./prefix/prefix-facts.ts";
export { type FixedPart, type PrefixChange, type PrefixPlace, prefixChange } from "./prefix/prefix-change.ts";
export { type LintFinding, type LintRule, lintPrompt, stablePrefix } from "./lint/lint-prompt.ts";
export { type EvalCase, type EvalSet, parseEvalSet } from "./eval-set.ts";
export {
  ASSERT_TYPES,
  type AssertContext,
  type AssertResult,
  type CaseOutcome,
  type EvalAnswer,
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
export { parseMessage, variableUses } from "./template/template.ts";
export { writeYaml } from "./write-yaml.ts";
export { readYaml } from "./yaml-source.ts";
