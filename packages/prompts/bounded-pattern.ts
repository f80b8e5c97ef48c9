/** Longest pattern and longest text of a regex assert, characters. */
export const PATTERN_CHARS_MAX = 500;
export const PATTERN_TEXT_CHARS_MAX = 20_000;

export type CompiledPattern =
  | { readonly kind: "compiled"; readonly expression: RegExp }
  | { readonly kind: "refused"; readonly problem: string };

/**
 * Compiles a pattern that cannot take exponential time. JavaScript's engine has no time limit, and a pattern from a
 * pull request runs on a build machine: refused are long patterns, back-references, and repeated groups that hold
 * another unbounded repetition or an alternative. What remains is polynomial, and the text is bounded.
 */
export function compilePattern(source: string): CompiledPattern {
  const refused = (problem: string): CompiledPattern => ({ kind: "refused", problem });
  if (source.length > PATTERN_CHARS_MAX)
    return refused(`the pattern is longer than ${PATTERN_CHARS_MAX} characters`);
  if (/\\[1-9]|\\k</.test(source.replaceAll("\\\\", ""))) return refused("back-references are refused");
  // Escapes and character classes hold no structure.
  const plain = source.replaceAll(/\\./gs, "c").replaceAll(/\[[^\]]*\]/g, "c");
  const groups: { isComplex: boolean }[] = [];
  let unbounded = 0;
  for (let i = 0; i < plain.length; i++) {
    const char = plain[i]!;
    const repeat = /^(?:[*+]|\{\d+(?:,\d*)?\})/.exec(plain.slice(i, i + 16));
    if (char === "(") groups.push({ isComplex: false });
    else if (char === "|" && groups.length > 0) groups.at(-1)!.isComplex = true;
    else if (char === ")") {
      const group = groups.pop();
      const after = /^(?:[*+]|\{\d+(?:,\d*)?\})/.test(plain.slice(i + 1, i + 17));
      if (group?.isComplex === true && after)
        return refused("a repeated group may not hold a repetition or an alternative");
      if (group?.isComplex === true && groups.length > 0) groups.at(-1)!.isComplex = true;
    } else if (repeat !== null) {
      if (groups.length > 0) groups.at(-1)!.isComplex = true;
      const bound = Math.max(0, ...(repeat[0].match(/\d+/g) ?? []).map(Number));
      if (bound > 1000) return refused("repetitions above 1000 are refused");
      if (!/^\{\d+(?:,\d+)?\}/.test(repeat[0])) unbounded++;
      i += repeat[0].length - 1;
    }
  }
  if (unbounded > 3) return refused("at most three unbounded repetitions");
  try {
    return { kind: "compiled", expression: new RegExp(source, "u") };
  } catch {
    try {
      // promptfoo compiles without the u flag; patterns such as \- are only valid there.
      return { kind: "compiled", expression: new RegExp(source) };
    } catch {
      return refused("it is not a regular expression");
    }
  }
}
