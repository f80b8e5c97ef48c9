import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { degradationPage } from "./degradation-page.ts";

test("the page of paths is what the table of paths says; npm run docs:degradation writes it", () => {
  expect(readFileSync(new URL("../../docs/understand/degradation.md", import.meta.url), "utf8")).toBe(
    degradationPage(),
  );
});
