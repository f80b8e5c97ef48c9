import { createContext, runInContext } from "node:vm";

/** Longest pattern and longest text of a regex assert, characters. */
const PATTERN_CHARS_MAX = 500;
const TEXT_CHARS_MAX = 100_000;
/** Processor time of one match. A sane pattern needs microseconds. */
const MATCH_MS_MAX = 250;
/** The interpreter's limit is time on the wall: on a busy machine a match that got no processor is tried again. */
const TRIES_MAX = 6;

type PatternMatch =
  | { readonly kind: "decided"; readonly matches: boolean }
  | { readonly kind: "refused"; readonly problem: string };

/**
 * Matches a pattern from a pull request on a build machine: pattern, text and time are bounded. The engine itself has
 * no time limit and backtracks exponentially on patterns such as `(a+)+$`; the interpreter's own limit stops it.
 */
export function matchPattern(pattern: string, text: string): PatternMatch {
  if (pattern.length > PATTERN_CHARS_MAX)
    return refused(`the pattern is longer than ${PATTERN_CHARS_MAX} characters`);
  if (text.length > TEXT_CHARS_MAX) return refused(`the answer is longer than ${TEXT_CHARS_MAX} characters`);
  let expression: RegExp;
  try {
    // Without the u flag, as promptfoo does, so that a file means the same in both.
    expression = new RegExp(pattern);
  } catch {
    return refused("the pattern is not a regular expression");
  }
  const sandbox = createContext({ expression, text });
  const startedAt = process.cpuUsage();
  for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
    try {
      const matches: unknown = runInContext("expression.test(text)", sandbox, { timeout: MATCH_MS_MAX });
      return { kind: "decided", matches: matches === true };
    } catch {
      const { user, system } = process.cpuUsage(startedAt);
      // Half of it is proof enough, and the clocks do not agree to the microsecond.
      if ((user + system) / 1_000 >= MATCH_MS_MAX / 2) break;
    }
  }
  return refused(`the pattern took longer than ${MATCH_MS_MAX} ms`);
}

function refused(problem: string): PatternMatch {
  return { kind: "refused", problem };
}
