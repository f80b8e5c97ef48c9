import { expect, test } from "vitest";
import { readSteps } from "./code-blocks.ts";
import { findMissing } from "./compare-output.ts";

test.each([
  {
    name: "the same text",
    expected: "all is well\n",
    output: "all is well\n",
    missing: null,
  },
  {
    name: "other numbers, hashes and ages",
    expected: "v2 x@1b8f412ae22f: −18.9 pts, e = 9.1e+9, 3 s ago",
    output: "v2  x@1739dd5e0502: +3 pts,   e = 20, 2 min ago",
    missing: null,
  },
  { name: "another version", expected: "v2 is live", output: "v3 is live", missing: "v2 is live" },
  { name: "another exit code", expected: "exit code 10", output: "exit code 0", missing: "exit code 10" },
  { name: "another word", expected: "Gate: PASSED", output: "Gate: REFUSED", missing: "Gate: PASSED" },
  {
    name: "any text inside a line",
    expected: "kept in …, for now",
    output: "kept in /tmp/x, for now",
    missing: null,
  },
  { name: "lines that are left out", expected: "a\n…\nc\n…", output: "a\nb\nb\nc\nd", missing: null },
  { name: "left out in the wrong place", expected: "a\nc", output: "a\nb\nc", missing: "c" },
  { name: "in another order", expected: "…\nb\n…\na", output: "a\nb", missing: "a" },
  { name: "no output at all", expected: "…\na", output: "", missing: "a" },
  {
    name: "more output than shown",
    expected: "a",
    output: "a\nb",
    missing: "nothing after it, but there is: b",
  },
  { name: "progress", expected: "a\nb", output: "a\n10%  8 of 72\nb", missing: null },
])("$name", ({ expected, output, missing }) => {
  expect(findMissing(expected, output)).toBe(missing);
});

test("a step is an sh block with the text block that follows", () => {
  const page = "# A\n```sh\na\n```\nwords\n```text\nout\n```\n```ts\nno\n```\n```sh\nb\n```\n";
  expect(readSteps(page)).toEqual([
    { line: 3, commands: "a\n", expected: "out\n" },
    { line: 13, commands: "b\n", expected: null },
  ]);
  expect(() => readSteps("```text\nout\n```\n")).toThrow("line 2: this output belongs to no commands");
});
