/** What a schema finds wrong, in words that follow the name of a field: "must be a whole number". Never a value. */
import type { z } from "zod";

/** Of a field that is absent. */
export const REQUIRED = "is required";

const TYPES: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
  null: "null",
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: "a time such as 2026-11-24T09:00:00Z",
  date: "a date such as 2026-11-24",
  url: "an address such as http://127.0.0.1:4319",
  uuid: "a UUID",
  email: "an email address",
};

/** plainWords is the `error` of a parse. What a schema itself says of a rule stands; this says the rest. */
export const plainWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? REQUIRED : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return issue.input === undefined
        ? REQUIRED
        : `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
    case "too_small":
      return bound(issue.origin, issue.inclusive === false ? "above" : "at least", issue.minimum);
    case "too_big":
      return bound(issue.origin, issue.inclusive === false ? "below" : "at most", issue.maximum);
    case "invalid_format":
      return `must be ${FORMATS[issue.format] ?? "written otherwise"}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return `has ${issue.keys.length === 1 ? "a key" : "keys"} that nothing reads: ${issue.keys.join(", ")}`;
    case "invalid_union":
      return issue.input === undefined ? REQUIRED : "fits none of the forms that it may have";
    case "invalid_key":
      return `has a key that ${issue.issues[0]?.message ?? "is not valid"}`;
    case "custom":
    case "invalid_element":
      return "is not valid";
  }
};

function bound(origin: string, comparison: string, limit: number | bigint): string {
  const isOne = Number(limit) === 1;
  if (origin === "string") {
    if (isOne && comparison === "at least") return "must not be empty";
    return `must have ${comparison} ${limit} character${isOne ? "" : "s"}`;
  }
  if (origin === "array" || origin === "set")
    return `must have ${comparison} ${limit} ${isOne ? "entry" : "entries"}`;
  return `must be ${comparison} ${limit}`;
}
