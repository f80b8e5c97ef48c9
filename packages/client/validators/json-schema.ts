/**
 * Validates answers against a JSON schema, or rather the part of it that providers' structured outputs take: `type`,
 * `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`, `anyOf`, `oneOf`, `allOf`, `not`, and bounds of
 * lengths, numbers and items, with `pattern`. What else constrains a value is refused when the validator is made: a
 * check that does not check is worse than none.
 */
import { objectOf } from "../wrap/reading.ts";
import type { Validator } from "./validator.ts";

export type JsonSchema = boolean | Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

/** Says something about a value without constraining it. */
const ANNOTATIONS = new Set(
  "title description default examples deprecated readOnly writeOnly format $schema $id $comment".split(" "),
);

/**
 * @returns a validator with the reasons `not_json` and `not_in_schema`
 * @throws RangeError that names a keyword which it does not know, SyntaxError for a `pattern` that is none
 */
export function matchesSchema(schema: JsonSchema): Validator {
  const check = compile(schema);
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return "not_json";
    }
    return check(value) || "not_in_schema";
  };
}

const KEYWORDS: Readonly<
  Record<string, (argument: never, schema: Readonly<Record<string, unknown>>) => Check>
> = {
  type: (types: string | readonly string[]) => {
    const all = [types].flat();
    return (value) => all.some((type) => isOfType(value, type));
  },
  enum: (values: readonly unknown[]) => {
    const known = new Set(values.map(canonical));
    return (value) => known.has(canonical(value));
  },
  const: (expected: unknown) => (value) => canonical(value) === canonical(expected),
  required: (names: readonly string[]) =>
    ifObject((value) => names.every((name) => Object.hasOwn(value, name))),
  properties: (schemas: Readonly<Record<string, JsonSchema>>) => {
    const checks = Object.entries(schemas).map(([name, schema]) => [name, compile(schema)] as const);
    return ifObject((value) =>
      checks.every(([name, check]) => !Object.hasOwn(value, name) || check(value[name])),
    );
  },
  additionalProperties: (schema: JsonSchema, { properties }) => {
    const check = compile(schema);
    const known = objectOf(properties);
    return ifObject((value) =>
      Object.entries(value).every(([name, member]) => Object.hasOwn(known, name) || check(member)),
    );
  },
  items: (schema: JsonSchema) => {
    const check = compile(schema);
    return (value) => !Array.isArray(value) || value.every(check);
  },
  anyOf: (schemas: readonly JsonSchema[]) => {
    const checks = schemas.map(compile);
    return (value) => checks.some((check) => check(value));
  },
  oneOf: (schemas: readonly JsonSchema[]) => {
    const checks = schemas.map(compile);
    return (value) => checks.filter((check) => check(value)).length === 1;
  },
  allOf: (schemas: readonly JsonSchema[]) => {
    const checks = schemas.map(compile);
    return (value) => checks.every((check) => check(value));
  },
  not: (schema: JsonSchema) => {
    const check = compile(schema);
    return (value) => !check(value);
  },
  pattern: (pattern: string) => {
    const expression = new RegExp(pattern, "u");
    return (value) => typeof value !== "string" || expression.test(value);
  },
  minLength: (bound: number) => (value) => typeof value !== "string" || Array.from(value).length >= bound,
  maxLength: (bound: number) => (value) => typeof value !== "string" || Array.from(value).length <= bound,
  minimum: (bound: number) => (value) => typeof value !== "number" || value >= bound,
  maximum: (bound: number) => (value) => typeof value !== "number" || value <= bound,
  exclusiveMinimum: (bound: number) => (value) => typeof value !== "number" || value > bound,
  exclusiveMaximum: (bound: number) => (value) => typeof value !== "number" || value < bound,
  minItems: (bound: number) => (value) => !Array.isArray(value) || value.length >= bound,
  maxItems: (bound: number) => (value) => !Array.isArray(value) || value.length <= bound,
};

function compile(schema: JsonSchema): Check {
  if (typeof schema === "boolean") return () => schema;
  const checks = Object.entries(schema)
    .filter(([keyword]) => !ANNOTATIONS.has(keyword))
    .map(([keyword, argument]) => {
      const make = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
      if (make === undefined)
        throw new RangeError(`JSON schema: ${keyword} is not checked; use a function for it`);
      return make(argument as never, schema);
    });
  return (value) => checks.every((check) => check(value));
}

function ifObject(check: (value: Readonly<Record<string, unknown>>) => boolean): Check {
  return (value) =>
    typeof value !== "object" || value === null || Array.isArray(value) || check(objectOf(value));
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/** Equal values have equal texts, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
