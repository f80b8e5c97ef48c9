import type { Validator } from "./validator.ts";

/**
 * hasLength returns a validator of lengths in characters, with the reasons `too_short` and `too_long`.
 *
 * @throws RangeError without a bound
 */
export function hasLength({ min, max }: { readonly min?: number; readonly max?: number }): Validator {
  if (min === undefined && max === undefined) throw new RangeError("hasLength: give min, max or both");
  return (text) => {
    const { length } = Array.from(text);
    if (min !== undefined && length < min) return "too_short";
    return max !== undefined && length > max ? "too_long" : null;
  };
}

/** matches returns a validator with the reason `no_match`. */
export function matches(pattern: RegExp): Validator {
  // Of a global pattern, `test` would begin where it ended last.
  const expression = new RegExp(pattern, pattern.flags.replace(/[gy]/g, ""));
  return (text) => expression.test(text) || "no_match";
}

/** matchesNot returns a validator with the reason `forbidden`. */
export function matchesNot(pattern: RegExp): Validator {
  const expression = new RegExp(pattern, pattern.flags.replace(/[gy]/g, ""));
  return (text) => (expression.test(text) ? "forbidden" : null);
}
