import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { jsonSchemas } from "./json-schemas.ts";

const FOLDER = new URL("../json/", import.meta.url);

test.each([...jsonSchemas()].map(([file, text]) => ({ file, text })))(
  "$file is what its zod schema says; else run schemas/files/write-json-schemas.ts",
  ({ file, text }) => {
    expect(readFileSync(new URL(file, FOLDER), "utf8")).toBe(text);
  },
);

test("no schema is left over from a file that is gone", () => {
  expect(readdirSync(FOLDER).toSorted()).toEqual([...jsonSchemas().keys()].toSorted());
});

test("spans are written with a unit, and known keys are described", () => {
  const policy = jsonSchemas().get("policy.schema.json") ?? "";
  expect(policy).toContain('"max_stale"');
  expect(policy).not.toContain("max_stale_ms");
  expect(policy).toContain("whole tree, ms");
});
