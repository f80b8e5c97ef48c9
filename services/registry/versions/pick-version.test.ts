import { expect, test } from "vitest";
import { pickVersion } from "./pick-version.ts";

const CANARY = `sha256:${"a".repeat(64)}`;
const TOP = `sha256:${"b".repeat(64)}`;

/**
 * From Python: int.from_bytes(hashlib.sha256(f"ticket-summary/{canary}/{id}".encode()).digest()[:8], "big") / 2**64
 */
const VECTORS: readonly (readonly [string, number])[] = [
  ["c1", 0.475045298785],
  ["conversation-42", 0.102486561254],
  ["", 0.893610927187],
  ["ümlaut", 0.829774876954],
];

test.each(VECTORS)("conversation %s is at %d", (conversation, u) => {
  const arms = (weight: number) => [
    { prompt_version: CANARY, number: 2, weight },
    { prompt_version: TOP, number: 1, weight: 1 - weight },
  ];
  expect(pickVersion("ticket-summary", arms(u + 1e-9), conversation)?.number).toBe(2);
  expect(pickVersion("ticket-summary", arms(u - 1e-9), conversation)?.number).toBe(1);
});

test("one arm gets everything, no arm nothing", () => {
  const only = { prompt_version: TOP, number: 1, weight: 1 };
  expect(pickVersion("ticket-summary", [only], "c1")).toBe(only);
  expect(pickVersion("ticket-summary", [], "c1")).toBe(null);
});
