/** What a reviewer would say about a prompt file before it is pushed. Pure: what else exists is passed in. */
import { counted } from "@plumbline/schemas";
import type { ParsedPrompt, SourceMessage } from "../parse-prompt.ts";
import { prefixFacts } from "../prefix/prefix-facts.ts";
import { type TemplateNode, variableUses } from "../template/template.ts";
import { nearestName } from "../yaml-source.ts";

export type LintRule =
  | "undeclared-variable"
  | "unused-variable"
  | "unguarded-optional"
  | "owner"
  | "eval-set"
  | "rubric"
  | "prefix-order"
  | "role-order"
  | "size";

export interface LintFinding {
  /** An error refuses the push; a warning does not. */
  readonly severity: "error" | "warning";
  readonly rule: LintRule;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
  readonly fix: string;
}

/** What the project has. */
interface LintProject {
  readonly hasFile: (path: string) => boolean;
  readonly hasRubric: (name: string) => boolean;
}

/** Fixed text of a prompt, characters: about 5,000 and 50,000 tokens. */
const SIZE_WARNING_CHARS = 20_000;
const SIZE_ERROR_CHARS = 200_000;
/**
 * Fixed text after the first variable that is worth a word. Providers cache prefixes of 1,024 tokens and more, but
 * below some hundred characters moving text gains nothing.
 */
const LATE_FIXED_CHARS = 400;

/** Unknown variables for which the intended one is guessed: each guess compares with every declared name. */
const GUESSES_MAX = 50;

/** Findings in the order of the file. */
export function lintPrompt(prompt: ParsedPrompt, project: LintProject): readonly LintFinding[] {
  return [
    ...lintVariables(prompt),
    ...lintProject(prompt, project),
    ...lintPrefix(prompt),
    ...lintRoles(prompt),
    ...lintSize(prompt),
  ].toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

function lintVariables(prompt: ParsedPrompt): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const declared = new Map(prompt.variables.map((variable) => [variable.name, variable]));
  const names = [...declared.keys()];
  const uses = prompt.messages.flatMap(({ nodes }) => variableUses(nodes));
  const reported = new Set<string>();
  for (const { name, file, line, isGuarded } of uses) {
    const variable = declared.get(name);
    if (variable === undefined) {
      if (reported.has(name)) continue;
      reported.add(name);
      const near = reported.size <= GUESSES_MAX ? nearestName(name, names) : null;
      findings.push({
        severity: "error",
        rule: "undeclared-variable",
        file,
        line,
        message: `{{${name}}} is not in input.schema`,
        fix:
          near === null
            ? `Add ${name}: string to input.schema`
            : `Write {{${near}}}, or add ${name} to input.schema`,
      });
    } else if (
      variable.isOptional &&
      !isGuarded &&
      !(name in (prompt.document.defaults ?? {})) &&
      !reported.has(name)
    ) {
      reported.add(name);
      findings.push({
        severity: "error",
        rule: "unguarded-optional",
        file,
        line,
        message: `${name} may be missing, and then nothing can be rendered`,
        fix: `Write {{#if ${name}}}…{{/if}} around it, or give it a value in input.default`,
      });
    }
  }
  const used = new Set(uses.map(({ name }) => name));
  for (const name of names) {
    if (used.has(name)) continue;
    findings.push({
      severity: "warning",
      rule: "unused-variable",
      file: prompt.file,
      line: prompt.lineOf("input"),
      message: `${name} is declared and never used`,
      fix: `Use {{${name}}}, or remove it from input.schema`,
    });
  }
  return findings;
}

function lintProject(prompt: ParsedPrompt, project: LintProject): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const { file } = prompt;
  const useCase = prompt.document.use_case;
  if (prompt.owner === null) {
    findings.push({
      severity: "error",
      rule: "owner",
      file,
      line: prompt.lineOf("plumbline.owner"),
      message: "nobody owns this prompt, so nobody is told when it breaks",
      fix: "Add plumbline.owner, such as team:support-platform",
    });
  }
  if (prompt.eval_file === null) {
    findings.push({
      severity: "error",
      rule: "eval-set",
      file,
      line: prompt.lineOf("plumbline.eval"),
      message: "there is no eval set, so no version can pass the gate",
      fix: `Add plumbline.eval: evals/${useCase}.jsonl, and at least 20 cases`,
    });
  } else if (!project.hasFile(prompt.eval_file)) {
    findings.push({
      severity: "error",
      rule: "eval-set",
      file,
      line: prompt.lineOf("plumbline.eval"),
      message: `${prompt.eval_file} does not exist`,
      fix: "Create it, or correct the path; paths are relative to the project",
    });
  }
  for (const name of prompt.rubrics) {
    if (project.hasRubric(name)) continue;
    findings.push({
      severity: "error",
      rule: "rubric",
      file,
      line: prompt.lineOf("plumbline.rubrics"),
      message: `there is no rubric ${name}`,
      fix: `Create rubrics/${name}.yaml, or remove it from plumbline.rubrics`,
    });
  }
  return findings;
}

/** Where the fixed beginning of a prompt ends. Characters are UTF-16 units of the template. */
interface StablePrefix {
  /** Fixed text before the first tag that can change between calls. */
  readonly stable_chars: number;
  /** Fixed text after it, which no prefix cache can reuse. */
  readonly late_chars: number;
  /** The tag, as `{{ticket}}`, and its place; null when nothing varies. */
  readonly first_variable: { readonly tag: string; readonly file: string; readonly line: number } | null;
}

/**
 * Measures what providers' prefix caches can reuse: a cache ends at the first byte that differs between two calls.
 * `{{history}}` varies too. The client sets its cache key or breakpoint at this boundary.
 */
export function stablePrefix(messages: readonly SourceMessage[]): StablePrefix {
  let stable = 0;
  let late = 0;
  let first: StablePrefix["first_variable"] = null;
  const walk = (nodes: readonly TemplateNode[]): void => {
    for (const node of nodes) {
      if (node.kind === "text") {
        if (first === null) stable += node.text.length;
        else late += node.text.length;
        continue;
      }
      const tag = node.kind === "variable" ? `{{${node.path}}}` : `{{#${node.block} ${node.path}}}`;
      first ??= { tag, file: node.file, line: node.line };
      if (node.kind === "block") {
        walk(node.matched);
        walk(node.otherwise);
      }
    }
  };
  for (const { role, file, line, nodes } of messages) {
    if (role === "history") first ??= { tag: "{{history}}", file, line };
    walk(nodes);
  }
  return { stable_chars: stable, late_chars: late, first_variable: first };
}

function lintPrefix(prompt: ParsedPrompt): readonly LintFinding[] {
  const { late_chars, first_variable: first } = stablePrefix(prompt.messages);
  if (first === null || late_chars < LATE_FIXED_CHARS) return [];
  const { fixed_tokens, minimum_tokens } = prefixFacts(prompt.document);
  const isUncached = minimum_tokens !== null && fixed_tokens < minimum_tokens;
  const nothing = isUncached
    ? `; ahead of it are about ${fixed_tokens} tokens, the provider caches from ${minimum_tokens} on, so nothing is cached`
    : "";
  return [
    {
      severity: "warning",
      rule: "prefix-order",
      file: first.file,
      line: first.line,
      message: `${counted(late_chars, "character")} of fixed text ${late_chars === 1 ? "follows" : "follow"} ${first.tag}; a provider's prefix cache ends at the first thing that varies${nothing}`,
      fix: `Move fixed text before ${first.tag}, and variables into the last user message`,
    },
  ];
}

function lintRoles(prompt: ParsedPrompt): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const add = (
    message: SourceMessage,
    severity: LintFinding["severity"],
    text: string,
    fix: string,
  ): void => {
    findings.push({
      severity,
      rule: "role-order",
      file: message.file,
      line: message.line,
      message: text,
      fix,
    });
  };
  const { messages } = prompt;
  let systems = 0;
  for (const [i, message] of messages.entries()) {
    if (message.role === "system") systems += 1;
    if (message.role === "system" && i > 0) {
      const isSecond = systems > 1;
      add(
        message,
        isSecond ? "warning" : "error",
        isSecond
          ? "there is a second system message; some providers join them, some refuse"
          : "the system message is not the first",
        isSecond ? "Join the two" : 'Move {{role "system"}} to the top',
      );
    } else if (i > 0 && message.role === messages[i - 1]!.role && message.role !== "history") {
      add(
        message,
        "warning",
        `two ${message.role} messages follow each other; some providers refuse that`,
        "Join the two",
      );
    }
  }
  const last = messages.at(-1);
  if (
    last !== undefined &&
    last.role !== "user" &&
    !messages.some(({ role }) => role === "user" || role === "history")
  ) {
    add(
      last,
      "warning",
      "there is no user message; some providers refuse that",
      'Add {{role "user"}} with the input',
    );
  } else if (last?.role === "system") {
    add(
      last,
      "warning",
      "the last message is the system's, so the model has nothing to answer",
      'End with {{role "user"}}',
    );
  }
  return findings;
}

function lintSize(prompt: ParsedPrompt): readonly LintFinding[] {
  const chars = prompt.document.messages.reduce(
    (sum, each) => sum + (each.role === "history" ? 0 : each.content.length),
    0,
  );
  if (chars <= SIZE_WARNING_CHARS) return [];
  const isTooLarge = chars > SIZE_ERROR_CHARS;
  return [
    {
      severity: isTooLarge ? "error" : "warning",
      rule: "size",
      file: prompt.file,
      line: 1,
      message: `the template is ${counted(chars, "character")} before any variable is filled (${isTooLarge ? "limit" : "advice"}: ${isTooLarge ? SIZE_ERROR_CHARS : SIZE_WARNING_CHARS})`,
      fix: "Retrieve what a call needs instead of sending everything, or cut examples",
    },
  ];
}
