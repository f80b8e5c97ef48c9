/** What is wrong with a file, as a value: somebody is editing, and wants every problem at once with its line. */
export interface FileProblem {
  /** Path as the caller named it. */
  readonly file: string;
  /** From 1; 0 when the problem is the file as a whole. */
  readonly line: number;
  /** Dotted path of the field, such as `config.temperature`; empty for the template's text. */
  readonly field: string;
  /** What is wrong, one sentence without the place. */
  readonly message: string;
  /** What to do about it, in the imperative. */
  readonly fix: string;
}

export type Parsed<Value> =
  | { readonly kind: "parsed"; readonly value: Value; readonly warnings: readonly FileProblem[] }
  | { readonly kind: "invalid"; readonly problems: readonly FileProblem[] };

/** `prompts/a.prompt:4 config.temperature: must be a number. Write …` */
export function formatProblem(problem: FileProblem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}` : problem.file;
  const field = problem.field === "" ? "" : ` ${problem.field}`;
  return `${place}${field}: ${problem.message}. ${problem.fix}.`;
}
