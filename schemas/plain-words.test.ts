import { expect, test } from "vitest";
import { z } from "zod";
import { plainWords, REQUIRED } from "./plain-words.ts";

test.each<[z.ZodType, unknown, string]>([
  [z.coerce.number(), "many", "must be a number"],
  [z.number(), undefined, REQUIRED],
  [z.int(), 1.5, "must be a whole number"],
  [z.number().int(), 1.5, "must be a whole number"],
  [z.number().min(1), 0, "must be at least 1"],
  [z.number().positive(), 0, "must be above 0"],
  [z.number().lt(5), 5, "must be below 5"],
  [z.string().min(1), "", "must not be empty"],
  [z.string().max(1), "ab", "must have at most 1 character"],
  [z.record(z.string().min(1), z.string()), { "": "x" }, "has a key that must not be empty"],
  [z.record(z.string().max(2), z.string()), { abc: "x" }, "has a key that must have at most 2 characters"],
  [z.array(z.string()).max(1), ["a", "b"], "must have at most 1 entry"],
  [z.enum(["a", "b"]), "c", "must be one of a, b"],
  [z.literal("a"), "c", "must be a"],
  [z.strictObject({}), { modle: 1 }, "has a key that nothing reads: modle"],
  [z.union([z.string(), z.number()]), true, "fits none of the forms that it may have"],
  [z.iso.datetime(), "yesterday", "must be a time such as 2026-11-24T09:00:00Z"],
  [z.string().regex(/^a$/, "must be a, and only that"), "b", "must be a, and only that"],
])("case %#: what is wrong is said without the schema library's words", (schema, value, says) => {
  const { error } = schema.safeParse(value, { error: plainWords });
  expect(error!.issues.map(({ message }) => message)).toEqual([says]);
});
