import type { CanaryDecision } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { nextCommand } from "./next-command.ts";

const HASH = `sha256:${"a".repeat(64)}`;
const AT = "2026-11-24T09:00:00.000Z";
const NOW = Date.parse(AT) + 60_000;
const mark = (offset: number) => ({ offset, at: AT, actor: "ann", reason: "" });

type Rollout = Parameters<typeof nextCommand>[0];

function view(state: CanaryDecision["state"] | null, more: Partial<Rollout> = {}, stepOffset = 9): Rollout {
  const decision: CanaryDecision = {
    state: state ?? "WATCHING",
    why: "because",
    waits_for: null,
    step_offset: stepOffset,
    started_at: AT,
    step_at: AT,
    read_at: AT,
    incumbent: null,
    share: 0.1,
    units: 0,
    units_needed: 0,
    margin: 0.03,
    delta: 0.01,
    incident_id: null,
    series: [],
  };
  return {
    revision: 4,
    rollout: {
      prompt_version: HASH,
      number: 2,
      steps: [0.1, 0.5, 1],
      step: 1,
      started: mark(5),
      stepped: mark(9),
    },
    canary: state === null ? null : { ...mark(12), prompt_version: HASH, decision },
    ...more,
  };
}

describe("the next command", () => {
  test.each([
    ["CLEARED", "advance"],
    ["REGRESSED", "roll_back"],
    ["WATCHING", "hold"],
  ] as const)("%s: %s", (state, kind) => {
    expect(nextCommand(view(state), null, NOW)).toMatchObject({ kind, step: 1, share: 0.5, why: "because" });
  });

  test("is none without a rollout: a canary by hand is a person's", () => {
    expect(nextCommand(view("REGRESSED", { rollout: null }), null, NOW)).toBeNull();
  });

  test("holds on a reading of an earlier step", () => {
    expect(nextCommand(view("CLEARED", {}, 8), null, NOW)).toMatchObject({ kind: "hold", decision: null });
  });

  test("is none while a person has paused automation, and says who and why", () => {
    const paused = { actor: "ann", reason: "we debug the judge" };
    for (const state of ["CLEARED", "REGRESSED"] as const) {
      expect(nextCommand(view(state), paused, NOW)).toMatchObject({
        kind: "hold",
        why: "Automation is paused by ann (we debug the judge); because",
      });
    }
  });

  test("says it when the monitor is silent", () => {
    expect(nextCommand(view(null), null, NOW)!.why).toContain("has just begun");
    expect(nextCommand(view(null), null, NOW + 3_600_000)!.why).toContain(
      "61 minutes ago. Check that it runs",
    );
  });

  test("is one command for every replica, and another one after every change", () => {
    const key = (given: Rollout): string => nextCommand(given, null, NOW)!.idempotencyKey;
    expect(key(view("CLEARED"))).toBe(key(view("CLEARED")));
    const others = [view("CLEARED"), view("REGRESSED"), view("CLEARED", { revision: 5 })];
    expect(new Set(others.map(key)).size).toBe(3);
  });
});
