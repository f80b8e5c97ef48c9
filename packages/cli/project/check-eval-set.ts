/** What would make an eval set useless for the gate, told before anybody pays for a run. */
import { count } from "../text/spoken.ts";
import { ASSERT_TYPES, type EvalSet, type ParsedPrompt } from "@plumbline/prompts";
import { DAY_MS } from "@plumbline/schemas";
import type { Finding } from "./finding.ts";
import type { Project } from "./load-project.ts";
import { evalSetEntryOf, gateLimitsOf, rubricsOf } from "./use-case-settings.ts";

/** What the gate asks for where nobody says otherwise. */
const MIN_CASES = 20;
/** Findings of one kind for one set; beyond, one line says how many more. */
const CASES_SHOWN = 5;

type Draft = Pick<Finding, "line" | "message" | "fix">;

/** @param now ms since the epoch */
export function checkEvalSet(
  set: EvalSet,
  prompt: ParsedPrompt,
  project: Project,
  now: number,
): readonly Finding[] {
  const { file } = set;
  return [
    ...checkPromise(set, prompt.document.use_case, project, now),
    ...limited(file, "error", "eval-vars", missingVariables(set, prompt)),
    ...limited(file, "error", "eval-rubric", missingRubrics(set, project)),
    ...limited(file, "warning", "eval-assert", foreignAsserts(set)),
  ];
}

/** Owner, cadence, age and size: the gate refuses every version without them. */
function checkPromise(set: EvalSet, useCase: string, project: Project, now: number): readonly Finding[] {
  const findings: Finding[] = [];
  const { owner, cadence_ms } = evalSetEntryOf(project.config, useCase);
  const add = (
    rule: Finding["rule"],
    severity: Finding["severity"],
    file: string,
    message: string,
    fix: string,
  ): void => void findings.push({ rule, severity, file, line: 0, message, fix });
  if (owner === undefined) {
    add(
      "eval-owner",
      "error",
      project.file,
      `nobody keeps the cases of ${useCase} honest, and the gate refuses such a set`,
      "Set eval_set.owner",
    );
  }
  if (cadence_ms === undefined) {
    add(
      "eval-cadence",
      "error",
      project.file,
      `nobody promised to extend the cases of ${useCase}, and the gate refuses such a set`,
      "Set eval_set.cadence, such as 90d",
    );
  }
  if (set.newest_added === null) {
    add(
      "eval-age",
      "error",
      set.file,
      "no case says when it was added, so the set's age is unknown",
      'Write "added":"YYYY-MM-DD" into the metadata of the cases',
    );
  } else if (cadence_ms !== undefined && now - Date.parse(set.newest_added) > cadence_ms) {
    add(
      "eval-age",
      "warning",
      set.file,
      `the newest case is of ${set.newest_added}, older than the cadence of ${count(Math.round(cadence_ms / DAY_MS), "day")}; the gate refuses versions until there are new ones`,
      "Add cases from recent traffic",
    );
  }
  const needed = gateLimitsOf(project.config, useCase).min_cases ?? MIN_CASES;
  if (set.cases.length < needed) {
    add(
      "eval-size",
      "warning",
      set.file,
      `has ${count(set.cases.length, "case")}, and the gate asks for ${needed}`,
      "Add labelled cases from production",
    );
  }
  return findings;
}

function missingVariables({ cases }: EvalSet, prompt: ParsedPrompt): readonly Draft[] {
  const defaults = prompt.document.defaults ?? {};
  const needed = prompt.variables
    .filter(({ name, isOptional }) => !isOptional && !(name in defaults))
    .map(({ name }) => name);
  return cases.flatMap(({ line, vars }) => {
    const missing = needed.filter((name) => !(name in vars));
    if (missing.length === 0) return [];
    return [
      {
        line,
        message: `the prompt needs ${missing.join(", ")}, which the case does not give`,
        fix: `Add it to vars, or make it optional in input.schema of ${prompt.file}`,
      },
    ];
  });
}

function missingRubrics({ cases }: EvalSet, { rubrics, config }: Project): readonly Draft[] {
  return cases.flatMap((each) =>
    rubricsOf(each)
      .filter((name) => !rubrics.has(name))
      .map((name) => ({
        line: each.line,
        message: `there is no rubric ${name}`,
        fix: `Create ${config.folders.rubrics}/${name}.yaml, or correct the name`,
      })),
  );
}

function foreignAsserts({ cases }: EvalSet): readonly Draft[] {
  const known = new Set<string>(ASSERT_TYPES);
  return cases.flatMap(({ line, asserts }) =>
    asserts
      .filter(({ type }) => !known.has(type.replace(/^not-/, "")))
      .map(({ type }) => ({
        line,
        message: `plumbline does not run asserts of type ${type}, so the case gets no score`,
        fix: `Use one of ${ASSERT_TYPES.join(", ")}, or run this case with promptfoo`,
      })),
  );
}

function limited(
  file: string,
  severity: Finding["severity"],
  rule: Finding["rule"],
  drafts: readonly Draft[],
): readonly Finding[] {
  return drafts.slice(0, CASES_SHOWN).map(({ line, message, fix }, i) => ({
    severity,
    rule,
    file,
    line,
    message:
      i === CASES_SHOWN - 1 && drafts.length > CASES_SHOWN
        ? `${message} (and ${drafts.length - CASES_SHOWN} more like this)`
        : message,
    fix,
  }));
}
