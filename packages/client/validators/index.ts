/** Validators for `withPolicy`: what they refuse is neither returned nor cached. */
export type { Validator } from "./validator.ts";
export { type JsonSchema, matchesSchema } from "./json-schema.ts";
export { hasLength, matches, matchesNot } from "./text.ts";
export { hasNoPii, type PiiKind } from "./pii.ts";
