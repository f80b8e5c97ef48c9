import { describe, expect, test } from "vitest";
import { hasLength, hasNoPii, type JsonSchema, matches, matchesNot, matchesSchema } from "./index.ts";
import { whyInvalid } from "./validator.ts";

describe("JSON schema", () => {
  const ticket: JsonSchema = {
    type: "object",
    title: "ticket",
    properties: {
      summary: { type: "string", minLength: 1, maxLength: 5 },
      tags: { type: "array", items: { enum: ["billing", "login"] }, maxItems: 2 },
      priority: { type: "integer", minimum: 1, maximum: 3 },
      owner: { anyOf: [{ type: "null" }, { type: "string", pattern: "^@" }] },
    },
    required: ["summary"],
    additionalProperties: false,
  };
  test.each([
    ['{"summary":"ok"}', true],
    ['{"summary":"ok","tags":["billing"],"priority":3,"owner":"@ana"}', true],
    ['{"summary":"ok","owner":null}', true],
    ['{"summary":"😀😀😀😀😀"}', true],
    ["{summary: ok}", "not_json"],
    ["", "not_json"],
    ["[]", "not_in_schema"],
    ["{}", "not_in_schema"],
    ['{"summary":""}', "not_in_schema"],
    ['{"summary":"too long"}', "not_in_schema"],
    ['{"summary":"ok","priority":1.5}', "not_in_schema"],
    ['{"summary":"ok","priority":4}', "not_in_schema"],
    ['{"summary":"ok","tags":["other"]}', "not_in_schema"],
    ['{"summary":"ok","tags":["billing","billing","login"]}', "not_in_schema"],
    ['{"summary":"ok","owner":"ana"}', "not_in_schema"],
    ['{"summary":"ok","more":1}', "not_in_schema"],
  ])("%s: %s", (text, verdict) => {
    expect(matchesSchema(ticket)(text)).toBe(verdict);
  });

  test("combines schemas, compares values whatever the order of their keys, and checks the rest of an object", () => {
    expect(matchesSchema({ oneOf: [{ type: "number" }, { const: 1 }] })("1")).toBe("not_in_schema");
    expect(matchesSchema({ allOf: [{ minimum: 1 }, { exclusiveMaximum: 2 }] })("1.5")).toBe(true);
    expect(matchesSchema({ not: { type: ["string", "null"] } })("null")).toBe("not_in_schema");
    expect(matchesSchema({ const: { a: 1, b: [2] } })('{"b":[2],"a":1}')).toBe(true);
    expect(matchesSchema({ additionalProperties: { type: "number" } })('{"a":"1"}')).toBe("not_in_schema");
    // What is inherited is no property.
    expect(matchesSchema({ required: ["constructor"] })("{}")).toBe("not_in_schema");
  });

  test.each(["$ref", "if", "uniqueItems", "patternProperties"])(
    "%s is refused when the validator is made: what is not checked must not look checked",
    (keyword) => {
      expect(() => matchesSchema({ type: "object", properties: { a: { [keyword]: {} } } })).toThrow(keyword);
    },
  );
});

describe("personal data", () => {
  test.each([
    ["Write to ana.lopez+billing@example.co.uk.", "pii_email"],
    ["Card 4111 1111 1111 1111 was charged.", "pii_card"],
    ["Card 4111111111111111.", "pii_card"],
    ["Transfer to GB82 WEST 1234 5698 7654 32 today.", "pii_iban"],
    ["SSN 123-45-6789", "pii_ssn"],
    ["Call +44 20 7946 0958", "pii_phone"],
    ["Call (020) 7946 0958", "pii_phone"],
    ["Call 415-555-2671", "pii_phone"],
    ["Card 4111 1111 1111 1112 is none.", null],
    ["The customer was charged 49.90 twice on 3 May 2026; order 2026-05-03-118.", null],
    ["GB00 WEST 1234 5698 7654 32", null],
    ["Version 10.2.3 of a@b", null],
  ])("%s: %s", (text, reason) => {
    expect(hasNoPii()(text)).toBe(reason);
  });

  test("an address of the internet is looked for when it is asked for", () => {
    expect(hasNoPii()("from 10.0.0.12")).toBeNull();
    expect(hasNoPii(["ip"])("from 10.0.0.12")).toBe("pii_ip");
    expect(hasNoPii(["ip"])("version 10.2.3")).toBeNull();
  });

  test("what is too long to look at does not pass", () => {
    expect(hasNoPii()("a".repeat(1_000_001))).toBe("pii_unchecked");
  });

  test.each([
    "1".repeat(999_999),
    "1 ".repeat(499_999),
    "a.".repeat(499_999),
    "+1 ".repeat(333_333),
    "A1".repeat(499_999),
  ])("a long text that looks like personal data all over is looked at in linear time (%#)", (text) => {
    expect(hasNoPii(["email", "card", "iban", "ssn", "phone", "ip"])(text)).not.toBe("pii_unchecked");
  });
});

test("lengths are those of characters, patterns remember nothing", () => {
  expect(hasLength({ max: 2 })("😀😀")).toBeNull();
  expect(hasLength({ max: 2 })("abc")).toBe("too_long");
  expect(hasLength({ min: 2 })("a")).toBe("too_short");
  expect(() => hasLength({})).toThrow(RangeError);
  const ends = matches(/\.$/g);
  expect([ends("a."), ends("a."), ends("a")]).toEqual([true, true, "no_match"]);
  expect(matchesNot(/as an ai/i)("As an AI model")).toBe("forbidden");
});

test("validators are asked in their order, the first reason counts, and a verdict may take its time", async () => {
  const asked: string[] = [];
  const say = (name: string, verdict: boolean | string | null | undefined) => async () => {
    asked.push(name);
    return verdict;
  };
  expect(await whyInvalid("x", [say("a", true), say("b", null), say("c", undefined)])).toBeNull();
  expect(await whyInvalid("x", [say("d", "y".repeat(100)), say("e", false)])).toBe("y".repeat(60));
  expect(await whyInvalid("x", [say("f", false)])).toBe("invalid");
  expect(await whyInvalid("x", [say("g", "")])).toBe("invalid");
  expect(asked.join("")).toBe("abcdfg");
});
