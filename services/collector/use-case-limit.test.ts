import { expect, test } from "vitest";
import type { ReadEvent } from "./read-call.ts";
import { Warnings } from "./warnings.ts";
import { UseCaseLimit } from "./use-case-limit.ts";

const SENDER = {
  tenant: "t",
  name: "app",
  key_id: "k1",
  scopes: new Set(["ingest"] as const),
  isOperator: false,
};

function event(use_case: string): ReadEvent {
  return { kind: "accepted", key: "k", value: new Uint8Array(), warnings: new Warnings(), use_case };
}

test("a key names so many use cases a day; those it named go on, others are refused with what to do", () => {
  const limit = new UseCaseLimit(2);
  const kinds = ["a", "b", "c", "a"].map((name) => limit.check(event(name), SENDER, 0).kind);
  expect(kinds).toEqual(["accepted", "accepted", "rejected", "accepted"]);
  expect(limit.check(event("c"), SENDER, 0)).toMatchObject({
    field: "use_case",
    message: expect.stringMatching(/2 use cases/),
  });
  expect(limit.check(event("c"), { ...SENDER, key_id: "k2" }, 0).kind).toBe("accepted");
  expect(limit.check(event("c"), SENDER, 86_400_000).kind).toBe("accepted");
});
