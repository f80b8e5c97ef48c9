/** What zod found, in words for the person who sends events: which field, and what to do. Never a value. */
import type { z } from "zod";

export interface Explained {
  readonly field: string;
  readonly message: string;
}

/** Kinds of refusal, for counting. What exactly is wrong stands in the answer to the sender. */
export const INVALID_REASONS = [
  "not_json",
  "not_an_object",
  "too_deep",
  "too_large",
  "missing_field",
  "wrong_type",
  "unknown_value",
  "invalid_value",
] as const;
export type InvalidReason = (typeof INVALID_REASONS)[number];

export interface Refusal extends Explained {
  readonly reason: InvalidReason;
}

/** Explains the first issue of a failed parse and names the other fields: one answer per event is enough to fix it. */
export function explainIssues(error: z.ZodError, schema: z.ZodObject, event: unknown): Refusal {
  const [first, ...rest] = error.issues;
  if (!first) return { reason: "invalid_value", field: "", message: "the event is invalid" };
  const field = fieldOf(first);
  const others = [...new Set(rest.map(fieldOf))].filter((other) => other !== field).slice(0, 10);
  const also = others.length === 0 ? "" : `; also wrong: ${others.join(", ")}`;
  return {
    reason: reasonOf(first, field, event),
    field,
    message: `${explain(first, field, schema, event)}${also}`,
  };
}

function reasonOf(issue: z.core.$ZodIssue, field: string, event: unknown): InvalidReason {
  if (field === "") return "not_an_object";
  if (issue.code !== "invalid_type" && issue.code !== "invalid_value") return "invalid_value";
  if (valueAt(event, issue.path) === undefined) return "missing_field";
  return issue.code === "invalid_type" ? "wrong_type" : "unknown_value";
}

function fieldOf(issue: z.core.$ZodIssue): string {
  // Of a map with a bad key the map: the key is what is wrong, and may be empty or of any length.
  const path = issue.code === "invalid_key" ? issue.path.slice(0, -1) : issue.path;
  return path.map(String).join(".").slice(0, 200);
}

function explain(issue: z.core.$ZodIssue, field: string, schema: z.ZodObject, event: unknown): string {
  if (field === "") return "the event must be a JSON object";
  if (issue.code !== "invalid_type" && issue.code !== "invalid_value") return `${field} ${issue.message}`;

  const found = valueAt(event, issue.path);
  if (found === undefined) {
    const purpose = schema.shape[field]?.description;
    return `${field} is required${purpose === undefined ? "" : ` (${purpose})`}; add it`;
  }
  if (issue.code === "invalid_value") {
    return `${field} must be one of ${issue.values.map(String).join(", ")}`;
  }
  return `${field} must be ${withArticle(issue.expected)}, not ${kindOf(found)}`;
}

function valueAt(event: unknown, path: readonly PropertyKey[]): unknown {
  let value = event;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function withArticle(noun: string): string {
  const name = noun === "int" ? "integer" : noun === "record" ? "object" : noun;
  return /^[aeio]/.test(name) ? `an ${name}` : `a ${name}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number" && !Number.isSafeInteger(value))
    return "a number out of range or with a fraction";
  return withArticle(typeof value);
}
