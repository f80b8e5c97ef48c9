import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { limitsPage } from "./limits.ts";

test("docs/reference/limits.md is what the constants say: npm run docs:limits writes it", () => {
  expect(readFileSync(new URL("../../docs/reference/limits.md", import.meta.url), "utf8")).toBe(limitsPage());
});
