/** Eval sets: JSON lines in promptfoo's shape. */
import { EVAL_CASES_MAX, EvalCase as EvalCaseSchema, type EvalAssert } from "@plumbline/schemas";
import { contentHash } from "./content-hash.ts";
import type { FileProblem, Parsed } from "./file-problem.ts";
import { normalisedText } from "./template/inline-partials.ts";
import type { JsonValue } from "@plumbline/client/render";
import { checkSchema } from "./yaml-source.ts";

export interface EvalCase {
  /** Unique in its set; pairs the results of two versions. */
  readonly id: string;
  readonly line: number;
  readonly description: string | null;
  readonly vars: Readonly<Record<string, JsonValue>>;
  readonly asserts: readonly EvalAssert[];
  /** Lowest passing mean of the asserts; null: every assert must pass. */
  readonly threshold: number | null;
  readonly slices: readonly string[];
  readonly split: string;
  /** `2026-11-01`; null when nobody wrote it down. */
  readonly added: string | null;
  readonly source: string | null;
  readonly expected: string | null;
}

export interface EvalSet {
  readonly file: string;
  readonly cases: readonly EvalCase[];
  readonly hash: string;
  /** Latest `added` of all cases; null when none has one. */
  readonly newest_added: string | null;
}

const CHARS_MAX = 50_000_000;
const PROBLEMS_MAX = 100;

/** Every line is one case; empty lines are skipped. Line and field of each problem, at most 100. */
export function parseEvalSet(text: string, file: string): Parsed<EvalSet> {
  const problems: FileProblem[] = [];
  const warnings: FileProblem[] = [];
  const cases: EvalCase[] = [];
  const lineById = new Map<string, number>();
  const fail = (line: number, field: string, message: string, fix: string): void => {
    problems.push({ file, line, field, message, fix });
  };
  if (text.length > CHARS_MAX)
    fail(0, "", `is longer than ${CHARS_MAX} characters`, "Split the set by use case");
  const lines = problems.length > 0 ? [] : normalisedText(text).split("\n");
  for (const [i, source] of lines.entries()) {
    if (source.trim() === "") continue;
    const line = i + 1;
    if (problems.length >= PROBLEMS_MAX) break;
    if (cases.length >= EVAL_CASES_MAX) {
      fail(line, "", `has more than ${EVAL_CASES_MAX} cases`, "Keep the cases that tell versions apart");
      break;
    }
    let value: unknown;
    try {
      value = JSON.parse(source);
    } catch {
      fail(
        line,
        "",
        "is not one JSON object",
        'Write one case a line, such as {"vars":{"ticket":"…"},"assert":[]}',
      );
      continue;
    }
    const checked = checkSchema<EvalCaseSchema>(EvalCaseSchema, { value, lineOf: () => line }, file);
    if (checked.kind === "invalid") {
      problems.push(...checked.problems);
      continue;
    }
    const { vars, assert, threshold, metadata, description } = checked.value;
    const fileVar = Object.entries(vars).find(
      ([, each]) => typeof each === "string" && each.startsWith("file://"),
    );
    if (fileVar !== undefined) {
      fail(
        line,
        `vars.${fileVar[0]}`,
        "points to a file, and then the set's hash would not cover its text",
        "Write the text into the case",
      );
    }
    const listVar = Object.entries(vars).find(([, each]) => Array.isArray(each));
    const options = checked.value["options"];
    const isExpansionOff =
      typeof options === "object" && options !== null && "disableVarExpansion" in options;
    if (listVar !== undefined && !isExpansionOff) {
      warnings.push({
        file,
        line,
        field: `vars.${listVar[0]}`,
        message: "is a list, which promptfoo takes for one case per item",
        fix: 'Add "options":{"disableVarExpansion":true} if the prompt loops over it',
      });
    }
    const id = metadata.id ?? contentHash({ vars, assert }).slice("sha256:".length, "sha256:".length + 12);
    const earlier = lineById.get(id);
    if (earlier !== undefined) {
      const isNamed = metadata.id !== undefined;
      fail(
        line,
        "metadata.id",
        isNamed ? `${id} is also the id of line ${earlier}` : `is the same case as line ${earlier}`,
        isNamed ? "Give each case an id of its own" : "Remove one, or give both an id",
      );
      continue;
    }
    lineById.set(id, line);
    if (assert.length === 0) {
      warnings.push({
        file,
        line,
        field: "assert",
        message: "nothing is asserted, so the case has no score",
        fix: "Add an assert, such as contains or llm-rubric",
      });
    }
    cases.push({
      id,
      line,
      description: description ?? null,
      vars,
      asserts: assert,
      threshold: threshold ?? null,
      slices: [...new Set(metadata.slice)],
      split: metadata.split,
      added: metadata.added ?? null,
      source: metadata.source ?? null,
      expected: metadata.expected ?? null,
    });
  }
  if (problems.length === 0 && cases.length === 0) {
    fail(
      0,
      "",
      "has no cases",
      "Add one JSON object a line; 50 cases see only large drops, 200 are a good start",
    );
  }
  if (problems.length > 0) return { kind: "invalid", problems };
  const dates = cases.flatMap(({ added }) => (added === null ? [] : [added])).toSorted();
  return {
    kind: "parsed",
    warnings,
    value: { file, cases, hash: evalSetHash(cases), newest_added: dates.at(-1) ?? null },
  };
}

/**
 * `sha256:` and 64 hex digits over what can change a result: id, variables, asserts, threshold, slices, split and
 * reference answer. The order of cases and of slices does not count, because cases run alone and are paired by id;
 * descriptions, sources, dates and people's labels do not count, because no assert reads them.
 */
function evalSetHash(cases: readonly EvalCase[]): string {
  return contentHash(
    cases
      .map(({ id, vars, asserts, threshold, slices, split, expected }) => ({
        id,
        vars,
        asserts,
        threshold,
        slices: slices.toSorted(),
        split,
        expected,
      }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  );
}
