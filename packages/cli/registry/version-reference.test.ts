import { expect, test } from "vitest";
import { CommandFailure, UsageError } from "../shell/failure.ts";
import { UseCaseAnswer } from "./answers.ts";
import { findVersion, readTarget } from "./version-reference.ts";

const HASHES = ["a", "b"].map((digit) => `sha256:${"0".repeat(11)}${digit.repeat(53)}`);
const MARK = { at: "2026-11-24T09:00:00.000Z", actor: "ann", reason: "", offset: 0 };
const KNOWN = UseCaseAnswer.parse({
  use_case: "ticket-summary",
  settings: { owner: null, eval_set: null, rubrics: {}, gate: {} },
  envs: {},
  versions: HASHES.map((prompt_version, i) => ({
    prompt_version,
    short: `ticket-summary@${prompt_version.slice(7, 19)}`,
    number: i + 1,
    author: "ann",
    commit: null,
    registered: MARK,
    approvals: [],
    eval_count: 0,
    latest_eval: null,
    quarantined: null,
  })),
});

test.each([
  { name: "number", given: ["ticket-summary", "v3"], expected: { useCase: "ticket-summary", version: "v3" } },
  {
    name: "short form alone",
    given: ["ticket-summary@00000000000a", undefined],
    expected: { useCase: "ticket-summary", version: "00000000000a" },
  },
  {
    name: "short form beside its use case",
    given: ["ticket-summary", "ticket-summary@00000000000a"],
    expected: { useCase: "ticket-summary", version: "00000000000a" },
  },
] as const)("a version is named by $name", ({ given: [first, second], expected }) => {
  expect(readTarget(first, second)).toEqual(expected);
});

test("a use case alone, and a version of another use case, are usage errors", () => {
  expect(() => readTarget("ticket-summary", undefined)).toThrow(UsageError);
  expect(() => readTarget("greeting", "ticket-summary@00000000000a")).toThrow("not of greeting");
});

test.each(["v2", "00000000000b", "ticket-summary@00000000000b", HASHES[1]!])("%s finds v2", (reference) => {
  expect(findVersion(KNOWN, reference).number).toBe(2);
});

test("what no version fits is refused with the newest there is, digits that are too few as well", () => {
  expect(() => findVersion(KNOWN, "v3")).toThrow(CommandFailure);
  expect(() => findVersion(KNOWN, "00000000000")).toThrow("the newest is v1");
});
