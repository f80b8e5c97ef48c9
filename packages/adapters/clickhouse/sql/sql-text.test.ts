import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bindParameters, quoteString, splitStatements, tokenize } from "./sql-text.ts";

describe("statements", () => {
  test("a semicolon in a string, a name or a comment ends nothing", () => {
    const sql = "-- a; b\nSELECT ';' /* ; */, `x;y`;\n\nSELECT 2;\n-- the end;";
    expect(splitStatements(sql)).toEqual(["-- a; b\nSELECT ';' /* ; */, `x;y`", "SELECT 2"]);
  });

  test("tokens joined give the text again, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("'\"`\\-/*#;{}:a1 \n")) }), (sql) => {
        expect(
          tokenize(sql)
            .map((token) => token.text)
            .join(""),
        ).toBe(sql);
      }),
    );
  });
});

describe("parameters", () => {
  test.each([
    { name: "text", value: "it's", type: "String", bound: String.raw`_CAST('it\'s', 'String')` },
    { name: "a backslash", value: "\\'", type: "String", bound: String.raw`_CAST('\\\'', 'String')` },
    { name: "NUL", value: "\0", type: "String", bound: String.raw`_CAST('\0', 'String')` },
    { name: "a number", value: 3, type: "UInt8", bound: "_CAST('3', 'UInt8')" },
    {
      name: "a list",
      value: ["a'b", "c"],
      type: "Array(String)",
      bound: String.raw`_CAST('[\'a\\\'b\',\'c\']', 'Array(String)')`,
    },
    {
      name: "a type with quotes",
      value: "x",
      type: "DateTime64(3, 'UTC')",
      bound: String.raw`_CAST('x', 'DateTime64(3, \'UTC\')')`,
    },
    { name: "a name", value: "calls", type: "Identifier", bound: "`calls`" },
  ])("$name becomes a typed constant", ({ value, type, bound }) => {
    expect(bindParameters(`SELECT {p:${type}}`, { p: value })).toBe(`SELECT ${bound}`);
  });

  test("a placeholder in quotes or comments, and a map literal, are left alone", () => {
    const sql = "SELECT '{p:String}', {'a': 1} -- {p:String}";
    expect(bindParameters(sql, {})).toBe(sql);
  });

  test.each([
    { name: "a placeholder without a value", sql: "SELECT {missing:String}", parameters: {} },
    { name: "a name inherited by every object", sql: "SELECT {constructor:String}", parameters: {} },
    { name: "a name with a quote", sql: "SELECT {t:Identifier}", parameters: { t: "a` --" } },
  ])("$name is refused", ({ sql, parameters }) => {
    expect(() => bindParameters(sql, parameters)).toThrow(RangeError);
  });

  test("a quoted string is one token, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(tokenize(quoteString(text))).toEqual([{ kind: "string", text: quoteString(text) }]);
      }),
    );
  });
});
