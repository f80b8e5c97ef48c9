import fc from "fast-check";
import { expect, test } from "vitest";
import { findJsonError } from "./json-error.ts";

test.each([
  { text: `{"a": 1,}`, position: 8, expected: "a name in double quotes" },
  { text: `{"a" 1}`, position: 5, expected: "a colon" },
  { text: `[1 2]`, position: 3, expected: "a comma or ]" },
  { text: `{"a": tru}`, position: 6, expected: "a value" },
  { text: `"a\nb"`, position: 2, expected: "a closed string without control characters" },
  { text: `"a\\x"`, position: 3, expected: "a closed string without control characters" },
  { text: `{} {}`, position: 3, expected: "the end of the text" },
  { text: `[`, position: 1, expected: "a value" },
  { text: ``, position: 0, expected: "a value" },
])("in $text, the error is at $position", ({ text, position, expected }) => {
  expect(findJsonError(text)).toMatchObject({ position, expected });
});

test("lines and columns count from 1", () => {
  expect(findJsonError(`{\n  "a": 1,\n  b: 2\n}`)).toMatchObject({ line: 3, column: 3 });
});

test("it finds an error in damaged JSON exactly when JSON.parse does", () => {
  const damaged = fc
    .tuple(
      fc.json(),
      fc.nat(200),
      fc.constantFrom("", ",", "}", "]", '"', "\\", "0", "-", "e", "\u0001", " "),
    )
    .map(
      ([text, at, put]) =>
        text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1),
    );
  fc.assert(
    fc.property(damaged, (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(findJsonError(text) === null).toBe(isJson);
    }),
    { numRuns: 2000, seed: 1 },
  );
});
