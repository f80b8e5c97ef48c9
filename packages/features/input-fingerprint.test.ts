import { expect, test } from "vitest";
import { inputFingerprint } from "./input-fingerprint.ts";

test("white space and case make no other input; words and the scope do, and the text is not in it", () => {
  const fingerprint = inputFingerprint("triage", "Where is  my\ninvoice? ");
  expect(fingerprint).toHaveLength(16);
  expect(inputFingerprint("triage", " where is my INVOICE?")).toBe(fingerprint);
  expect(inputFingerprint("triage", "Where is my invoice now?")).not.toBe(fingerprint);
  expect(inputFingerprint("summary", "Where is my invoice?")).not.toBe(fingerprint);
  expect(fingerprint.toLowerCase()).not.toContain("invoice");
});
