import type { JsonValue } from "@plumbline/client/render";

/** A variable that the front matter declares. */
export interface InputVariable {
  readonly name: string;
  /** May be left out by the caller: `locale?` in picoschema, not in `required` in JSON Schema. */
  readonly isOptional: boolean;
}

/**
 * The variables of `input.schema`, in the order of the file. Reads picoschema's keys (`name`, `name?`,
 * `name(array, what it is)`) and JSON Schema objects; types are documentation here, and are not checked.
 */
export function inputVariables(schema: Readonly<Record<string, JsonValue>>): readonly InputVariable[] {
  const { properties, required } = schema;
  if (
    schema["type"] === "object" &&
    typeof properties === "object" &&
    properties !== null &&
    !Array.isArray(properties)
  ) {
    const needed = new Set(Array.isArray(required) ? required : []);
    return Object.keys(properties).map((name) => ({ name, isOptional: !needed.has(name) }));
  }
  return Object.keys(schema).flatMap((key) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(\?)?(?:\(.*\))?$/s.exec(key);
    return match === null ? [] : [{ name: match[1]!, isOptional: match[2] === "?" }];
  });
}
