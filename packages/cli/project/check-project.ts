/** Everything that is wrong with a project's files, and everything that a reviewer would say about them. */
import { lintPrompt, type ParsedPrompt } from "@plumbline/prompts";
import { checkEvalSet } from "./check-eval-set.ts";
import { checkPolicy } from "./check-policy.ts";
import { fromProblem, type Finding } from "./finding.ts";
import type { Project } from "./load-project.ts";

/**
 * All findings, by file and line.
 *
 * @param now ms since the epoch
 */
export function checkProject(project: Project, now: number): readonly Finding[] {
  return inOrder([
    ...fileFindings(project),
    ...project.prompts.flatMap((prompt) => checkUseCase(prompt, project, now)),
    ...checkRest(project),
  ]);
}

/** Findings that stand in the way of one use case: of its prompt, eval set, rubrics and policy. */
export function checkUseCase(prompt: ParsedPrompt, project: Project, now: number): readonly Finding[] {
  const set = prompt.eval_file === null ? undefined : project.evalSets.get(prompt.eval_file);
  return [
    ...lintPrompt(prompt, {
      hasFile: (path) => project.files.has(path),
      hasRubric: (name) => project.rubrics.has(name) || isBroken(project, name),
    }),
    ...(set === undefined ? [] : checkEvalSet(set, prompt, project, now)),
    ...checkPolicy(prompt.document.use_case, project),
  ];
}

/** Files that could not be used, with what the parsers had to say. */
export function fileFindings({ problems, warnings }: Project): readonly Finding[] {
  return [
    ...problems.map((problem) => fromProblem(problem, "error")),
    ...warnings.map((warning) => fromProblem(warning, "warning")),
  ];
}

export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

/** A rubric file that is there and wrong is reported as what it is, not as missing. */
function isBroken({ files, config }: Project, rubric: string): boolean {
  const stem = `${config.folders.rubrics}/${rubric}`;
  return ["yaml", "yml", "json"].some((extension) => files.has(`${stem}.${extension}`));
}

/** What belongs to no prompt: usually a name that was mistyped. */
function checkRest(project: Project): readonly Finding[] {
  const { prompts, evalSets, policies, config, file: configFile, problems } = project;
  const findings: Finding[] = [];
  const warn = (rule: Finding["rule"], file: string, message: string, fix: string): void =>
    void findings.push({ severity: "warning", rule, file, line: 0, message, fix });
  const { folders } = config;
  if (prompts.length === 0 && problems.length === 0) {
    findings.push({
      severity: "error",
      rule: "no-prompts",
      file: configFile,
      line: 0,
      message: `there is no prompt file in ${folders.prompts}/`,
      fix: `Write ${folders.prompts}/<use case>.prompt, or correct folders.prompts`,
    });
  }
  const useCases = new Set(prompts.map(({ document }) => document.use_case));
  const used = new Set(prompts.map(({ eval_file }) => eval_file));
  // A prompt that could not be read may be the one that they belong to.
  if (problems.some(({ file }) => file.endsWith(".prompt"))) return findings;
  for (const file of evalSets.keys()) {
    if (!used.has(file))
      warn("unused-file", file, "no prompt names this eval set", `Add plumbline.eval: ${file} to its prompt`);
  }
  for (const [useCase, { file }] of policies) {
    if (!useCases.has(useCase))
      warn(
        "unused-file",
        file,
        `there is no prompt of use case ${useCase}`,
        "Correct use_case, or remove the file",
      );
  }
  for (const useCase of Object.keys(config.use_cases)) {
    if (!useCases.has(useCase))
      warn(
        "unused-config",
        configFile,
        `use_cases.${useCase}: there is no such prompt`,
        "Correct the name, or remove it",
      );
  }
  return findings;
}
