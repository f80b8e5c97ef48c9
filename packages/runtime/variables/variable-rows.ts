/** Variables as a reference lists them, from the schemas by which processes read them. */
import { z } from "zod";
import { defaultOf } from "./read-settings.ts";

interface VariableRow {
  readonly variable: string;
  readonly meaning: string;
  /** In words, such as `whole number, at least 1`. */
  readonly values: string;
  /** The default in code marks, `required`, or a dash. */
  readonly usual: string;
  /** Processes that read it so. */
  readonly readers: readonly string[];
}

/**
 * Sorted by variable. Processes that give one another meaning or default have a row of their own.
 *
 * @param shapes by process
 */
export function variableRows(
  shapes: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): readonly VariableRow[] {
  const rows = new Map<string, VariableRow>();
  for (const [reader, shape] of Object.entries(shapes)) {
    for (const [variable, field] of Object.entries(shape)) {
      if (!(field instanceof z.ZodType)) throw new TypeError(`${variable} has no schema`);
      const meaning = (field.description ?? "").replaceAll("|", String.raw`\|`);
      const row = { variable, meaning, values: valuesOf(field), usual: usualOf(field) };
      const key = JSON.stringify(row);
      rows.set(key, { ...row, readers: [...(rows.get(key)?.readers ?? []), reader] });
    }
  }
  return [...rows.values()].toSorted((a, b) =>
    a.variable < b.variable ? -1 : a.variable > b.variable ? 1 : 0,
  );
}

function usualOf(field: z.ZodType): string {
  const value = defaultOf(field);
  if (value !== null && value !== "") return `\`${value}\``;
  return field.safeParse(undefined).success ? "–" : "required";
}

function valuesOf(field: z.ZodType): string {
  const schema = z.toJSONSchema(field, { io: "input", unrepresentable: "any" });
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (schema.format === "uri") return "address";
  if (schema.type !== "integer" && schema.type !== "number") return "text";
  const kind = schema.type === "integer" ? "whole number" : "number";
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema;
  const lower = minimum ?? exclusiveMinimum;
  const upper = maximum ?? exclusiveMaximum;
  const from =
    lower === undefined || lower === Number.MIN_SAFE_INTEGER
      ? []
      : [minimum === undefined ? `above ${lower}` : `at least ${lower}`];
  const to =
    upper === undefined || upper === Number.MAX_SAFE_INTEGER
      ? []
      : [maximum === undefined ? `below ${upper}` : `at most ${upper}`];
  return [kind, ...from, ...to].join(", ");
}
