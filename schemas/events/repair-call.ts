/** One wrong field costs that field, not the call: what is optional becomes unknown, what is required still refuses. */
import type { z } from "zod";
import { LlmCall } from "./llm-call.ts";

interface RepairedField {
  /** Path of what was left out, such as `attributes.tier`. */
  readonly field: string;
  /** What became of it, in words. */
  readonly message: string;
}

interface RepairedCall {
  readonly event: Readonly<Record<string, unknown>>;
  readonly fields: readonly RepairedField[];
}

const FIELD_CHARS_MAX = 100;
/** Fields that may be unknown. */
const OPTIONAL: ReadonlySet<string> = new Set(
  Object.entries(LlmCall.shape)
    .filter(([, schema]) => schema.safeParse(null).success)
    .map(([field]) => field),
);
/** Maps and lists that lose the one entry that is wrong. */
const ENTRIES: ReadonlySet<string> = new Set(["attributes", "vars", "attempts"]);

/**
 * Leaves out what the issues are about, or returns null when a required field is wrong: nobody can say for it what it
 * should have been.
 *
 * @param event a JSON object; the caller's own, it is not changed
 * @param issues of `LlmCall`, about this event
 */
export function repairCall(
  event: Readonly<Record<string, unknown>>,
  issues: readonly z.core.$ZodIssue[],
): RepairedCall | null {
  const repaired: Record<string, unknown> = { ...event };
  const gone = new Map<string, Set<string>>();
  const fields: RepairedField[] = [];
  for (const { code, path, message } of issues) {
    const [field, entry, inner] = path.map(String);
    // Of a key that can't be, nobody knows what it names.
    if (field === undefined || code === "invalid_key") return null;
    const isEntry = entry !== undefined && ENTRIES.has(field);
    if (!isEntry && !OPTIONAL.has(field)) return null;
    const name = (isEntry ? [field, entry] : [field]).join(".").slice(0, FIELD_CHARS_MAX);
    if (isEntry) gone.set(field, (gone.get(field) ?? new Set()).add(entry));
    else repaired[field] = null;
    if (fields.some((each) => each.field === name)) continue;
    const where = inner === undefined ? "" : `${inner} `;
    fields.push({
      field: name,
      message: `${name} was left out and is unknown, the rest of the call is stored: ${where}${message}`,
    });
  }
  for (const [field, entries] of gone) {
    // An optional map that is wrong as a whole is gone already.
    if (repaired[field] !== null) repaired[field] = withoutEntries(event[field], entries);
  }
  return { event: repaired, fields };
}

function withoutEntries(value: unknown, entries: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.filter((_, i) => !entries.has(String(i)));
  return Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => !entries.has(key)));
}
