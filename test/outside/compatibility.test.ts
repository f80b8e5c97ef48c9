import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compatibilityPage } from "./compatibility-page.ts";

test("the page of compatibility is what its command writes, and has ninety cases or more", () => {
  const page = readFileSync(new URL("../../docs/operate/compatibility.md", import.meta.url), "utf8");
  expect(page).toBe(compatibilityPage());
  expect(page.match(/^\| (?!Given|---)/gm)?.length).toBeGreaterThanOrEqual(90);
});
