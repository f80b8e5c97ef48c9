/** A use case's own slice predicates: named regular expressions over one text of the call. */

/** Characters of a text that a rule sees. Bounds the time of any accepted pattern. */
export const RULE_CHARS_MAX = 2000;
const PATTERN_CHARS_MAX = 200;
const RULES_MAX = 50;
/** Each further unbounded quantifier may raise the time by a power of the text's length. */
const UNBOUNDED_MAX = 2;
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

export interface SliceRuleSource {
  /** Name of the predicate: lower-case letters, digits, underscores. */
  readonly name: string;
  /** JavaScript regular expression without slashes, at most 200 characters. */
  readonly pattern: string;
  /** Default true. */
  readonly ignore_case?: boolean;
}

export interface SliceRule {
  readonly name: string;
  readonly expression: RegExp;
}

export type CompiledSliceRules =
  | { readonly kind: "compiled"; readonly rules: readonly SliceRule[] }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/**
 * Compiles the rules of one use case, once.
 *
 * JavaScript's engine has no time limit, so patterns that can take exponential or cubic time are refused: no
 * back-references, no quantified group that holds a quantifier or an alternative, at most two unbounded
 * quantifiers, and no two of them side by side.
 */
export function compileSliceRules(sources: readonly SliceRuleSource[]): CompiledSliceRules {
  const problems: string[] = [];
  const rules: SliceRule[] = [];
  if (sources.length > RULES_MAX) problems.push(`${sources.length} rules; at most ${RULES_MAX}`);
  const names = new Set<string>();
  for (const { name, pattern, ignore_case } of sources.slice(0, RULES_MAX)) {
    if (!NAME.test(name)) problems.push(`${name}: the name must match ${NAME.source}`);
    if (names.has(name)) problems.push(`${name}: is named twice`);
    names.add(name);
    const problem = problemOf(pattern);
    if (problem !== null) {
      problems.push(`${name}: ${problem}`);
      continue;
    }
    try {
      rules.push({ name, expression: new RegExp(pattern, ignore_case === false ? "u" : "iu") });
    } catch {
      problems.push(`${name}: is not a regular expression`);
    }
  }
  return problems.length > 0 ? { kind: "invalid", problems } : { kind: "compiled", rules };
}

function problemOf(pattern: string): string | null {
  if (pattern.length === 0) return "the pattern is empty";
  if (pattern.length > PATTERN_CHARS_MAX) return `the pattern is longer than ${PATTERN_CHARS_MAX} characters`;
  // Character classes and escapes hold no structure.
  const bare = pattern.replaceAll(/\\[1-9]|\\k</g, "\u0001").replaceAll(/\\./g, "c");
  const plain = bare.replaceAll(/\[(?:[^\]])*\]/g, "c");
  if (plain.includes("\u0001")) return "back-references are refused";

  let unbounded = 0;
  const groups: { isComplex: boolean }[] = [];
  let isAfterUnbounded = false;
  for (let i = 0; i < plain.length; i++) {
    const char = plain[i]!;
    if (char === "(") {
      groups.push({ isComplex: false });
      continue;
    }
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(plain.slice(i));
    const isQuantifier = quantifier !== null && i > 0 && !(char === "?" && plain[i - 1] === "(");
    if (char === ")") {
      const group = groups.pop();
      const after = /^(?:[*+]|\{\d+(?:,\d*)?\})/.exec(plain.slice(i + 1));
      if (group?.isComplex === true && after !== null)
        return "a repeated group may not hold a quantifier or an alternative";
      if (group?.isComplex === true && groups.length > 0) groups.at(-1)!.isComplex = true;
      isAfterUnbounded = false;
      continue;
    }
    if (char === "|" && groups.length > 0) groups.at(-1)!.isComplex = true;
    if (isQuantifier) {
      if (groups.length > 0) groups.at(-1)!.isComplex = true;
      const isUnbounded = /^(?:[*+]|\{\d+,\})/.test(quantifier[0]);
      const bound = /^\{(?:\d+,)?(\d+)\}/.exec(quantifier[0]);
      if (bound !== null && Number(bound[1]) > 100) return "repetitions above 100 are refused";
      if (isUnbounded) {
        unbounded++;
        if (isAfterUnbounded) return "two unbounded quantifiers side by side are refused";
      }
      isAfterUnbounded = isUnbounded;
      i += quantifier[0].length - 1;
      continue;
    }
    // One atom between two quantifiers belongs to the second: only a literal after it separates them.
    const next = plain[i + 1];
    if (next !== "*" && next !== "+" && next !== "{" && next !== "?") isAfterUnbounded = false;
  }
  return unbounded > UNBOUNDED_MAX ? `at most ${UNBOUNDED_MAX} unbounded quantifiers` : null;
}
