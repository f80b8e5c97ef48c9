/**
 * Looks at an answer before anybody else does. Returns true, null or undefined when it may be returned; false, or a
 * reason, when not. A reason is a low-cardinality word: it is stored and counted. What it throws is the application's
 * own fault, and is thrown.
 */
export type Validator = (text: string) => Verdict | Promise<Verdict>;
type Verdict = boolean | string | null | undefined;

/** Longest reason that is kept, characters. */
const REASON_CHARS_MAX = 60;

/** whyInvalid returns the first reason that one of the validators gives, or null when the text may be returned. */
export async function whyInvalid(text: string, validators: readonly Validator[]): Promise<string | null> {
  for (const validate of validators) {
    const verdict = await validate(text);
    if (verdict === false) return "invalid";
    if (typeof verdict === "string") return verdict.slice(0, REASON_CHARS_MAX) || "invalid";
  }
  return null;
}
