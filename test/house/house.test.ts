/**
 * Bounds of the house. Where a figure is above its bound today, the figure of today is what may not rise: whoever mends
 * one lowers it here.
 */
import { expect, test } from "vitest";
import { cyclesOf, reach } from "./graph.ts";
import { BOUNDS, measureHouse } from "./measure.ts";
import { readSourceFile, readSourceTree } from "./source-tree.ts";

const house = measureHouse(readSourceTree());

test("the house keeps its bounds, and where it doesn't yet it gets no worse", () => {
  expect(house.files).toBeGreaterThan(500);
  expect(house.unreached_files.length, house.unreached_files.join("\n")).toBeLessThanOrEqual(2);
  expect(house.long_files.length, house.long_files.join("\n")).toBeLessThanOrEqual(0);
  expect(house.long_functions.length, house.long_functions.join("\n")).toBeLessThanOrEqual(0);
  expect(house.full_folders.length, house.full_folders.join("\n")).toBeLessThanOrEqual(0);
  expect(house.file_circles.length, house.file_circles.join("\n")).toBeLessThanOrEqual(0);
  expect(house.folder_circles.length, house.folder_circles.join("\n")).toBeLessThanOrEqual(0);
  expect(house.unused_exports.length, house.unused_exports.join("\n")).toBeLessThanOrEqual(2);
  expect(house.verdict_to_message.length, house.verdict_to_message.join("\n")).toBeLessThanOrEqual(29);
  expect(house.verdict_imports).toBeLessThanOrEqual(40);
});

test("imports, exports and lengths are read from a file as it is written", () => {
  const text = [
    'import { a, type B } from "./near.ts";',
    'import type { C } from "@plumbline/ports";',
    'import * as all from "@plumbline/stats/special/special";',
    'export { d as e } from "../far.ts";',
    "export const f = (): void => {",
    "  void all;",
    "};",
    "export default class G {",
    "  h(): B | C {",
    "    return a;",
    "  }",
    "}",
    "",
  ].join("\n");
  expect(readSourceFile("alerts/x/y.ts", text)).toEqual({
    path: "alerts/x/y.ts",
    lines: 12,
    imports: [
      { file: "alerts/x/near.ts", names: ["a", "B"], isTypeOnly: false },
      { file: "packages/ports/index.ts", names: ["C"], isTypeOnly: true },
      { file: "packages/stats/special/special.ts", names: ["*"], isTypeOnly: false },
    ],
    exports: ["f", "default"],
    reexports: [{ file: "alerts/far.ts", imported: "d", exported: "e" }],
    functions: [
      { name: "line 5", lines: 3 },
      { name: "line 9", lines: 3 },
    ],
  });
});

test("circles are sets of names that need one another, and what is reached follows the arrows", () => {
  const graph = new Map([
    ["a", new Set(["b"])],
    ["b", new Set(["c", "d"])],
    ["c", new Set(["a"])],
    ["d", new Set(["e"])],
    ["e", new Set<string>()],
  ]);
  expect(cyclesOf(graph)).toEqual([["a", "b", "c"]]);
  expect([...reach(["d"], graph)]).toEqual(["d", "e"]);
});

test("bounds are those of the page for contributors", () => {
  expect(BOUNDS).toEqual({ file_lines: 400, function_lines: 120, folder_files: 16, verdict_to_message: 22 });
});
