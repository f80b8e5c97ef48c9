import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PolicyConfig } from "./config.ts";

test("the README's table names every variable with its meaning", () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  for (const [name, field] of Object.entries(PolicyConfig.shape)) {
    const row = readme.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row, name).toBeDefined();
    expect(row).toContain(field.description ?? "no description");
  }
});
