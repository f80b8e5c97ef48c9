import type { LogRecord } from "@plumbline/ports";
import type { CanaryDecision, RegistryEvent } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import {
  admissible,
  promoted,
  quarantined,
  rolledBack,
  toRecords,
  USE_CASE,
  versionOf,
} from "../../test/registry/commands.ts";
import { foldRecord } from "./fold.ts";
import { createState, liveArms, stateFromJson, stateToJson, type EnvState, type Outcome } from "./state.ts";

const RAMP = [0.1, 0.5, 1];
let count = 0;

function fold(commands: readonly RegistryEvent[], state = createState()) {
  const records: readonly LogRecord[] = toRecords(commands, state.next_offset);
  const outcomes = records.map((record) => foldRecord(state, record)!.outcome);
  const useCase = state.use_cases.get(`default/${USE_CASE}`)!;
  const env = useCase.envs.get("production")!;
  const arms = liveArms(useCase, env).map(({ number, weight }) => [number, weight]);
  return { state, env, arms, useCase, last: outcomes.at(-1)! };
}

const ramped = (text: string, revision: number, ramp: readonly number[] = RAMP): RegistryEvent => {
  const event = promoted(text, revision, { weight: ramp[0]! });
  return { ...event, body: { ...event.body, ramp } };
};

function advanced(step: number, revision: number, more: Partial<RegistryEvent> = {}): RegistryEvent {
  count += 1;
  return {
    ...promoted("two", revision),
    event_id: `advance-${count}`,
    type: "rollout_advanced",
    reason: "looks good",
    body: { step, decision: null },
    ...more,
  };
}

function decided(state: CanaryDecision["state"], stepOffset: number): CanaryDecision {
  return {
    state,
    why: "because",
    waits_for: state === "WATCHING" ? "evidence" : null,
    step_offset: stepOffset,
    started_at: "2026-11-24T09:00:00.000Z",
    step_at: "2026-11-24T09:00:00.000Z",
    read_at: "2026-11-24T10:00:00.000Z",
    incumbent: versionOf("one"),
    share: 0.1,
    units: 400,
    units_needed: 0,
    margin: 0.03,
    delta: 0.01,
    incident_id: null,
    series: [],
  };
}

function read(text: string, decision: CanaryDecision): RegistryEvent {
  count += 1;
  return {
    ...promoted(text, 0),
    event_id: `read-${count}`,
    type: "canary_read",
    actor: "monitor",
    body: { decision },
  };
}

const code = (outcome: Outcome): string =>
  outcome.kind === "rejected"
    ? (outcome.failures[0]?.code ?? outcome.code)
    : outcome.changed
      ? "accepted"
      : "unchanged";
const step = ({ rollout }: EnvState): number | null => rollout?.step ?? null;

const V1_LIVE = [...admissible("one", null), promoted("one", 0)];
const RAMPING = [...V1_LIVE, ...admissible("two", "one"), ramped("two", 1)];
/** Offset of the command that began the rollout. */
const BEGUN = RAMPING.length - 1;

describe("a rollout", () => {
  test("begins with its first share, goes step by step, and ends with everybody", () => {
    const { state, env, arms } = fold(RAMPING);
    expect([arms, step(env)]).toEqual([
      [
        [2, 0.1],
        [1, 0.9],
      ],
      0,
    ]);
    const second = fold([advanced(1, 2)], state);
    expect([second.arms, step(second.env)]).toEqual([
      [
        [2, 0.5],
        [1, 0.5],
      ],
      1,
    ]);
    expect(second.env.rollout).toMatchObject({ started: { offset: BEGUN }, stepped: { offset: BEGUN + 1 } });
    const last = fold([advanced(2, 3)], state);
    expect([last.arms, last.env.rollout, last.env.stack]).toEqual([
      [[2, 1]],
      null,
      [versionOf("one"), versionOf("two")],
    ]);
    expect(last.useCase.history.at(-1)).toMatchObject({
      type: "rollout_advanced",
      number: 2,
      live: [{ weight: 1 }],
    });
  });

  test.each<{ name: string; commands: readonly RegistryEvent[]; expected: string }>([
    {
      name: "a version that the gate refuses",
      commands: [...V1_LIVE, ramped("two", 1)],
      expected: "version_unknown",
    },
    {
      name: "a weight that is not the first step",
      commands: [
        ...RAMPING.slice(0, -1),
        { ...ramped("two", 1), body: { weight: 0.2, is_bypass: false, ramp: RAMP } },
      ],
      expected: "invalid_command",
    },
    {
      name: "a ramp that falls",
      commands: [...RAMPING.slice(0, -1), ramped("two", 1, [0.5, 0.1, 1])],
      expected: "invalid_command",
    },
    { name: "the next step", commands: [...RAMPING, advanced(1, 2)], expected: "accepted" },
    {
      name: "the same step twice, as two replicas give it",
      commands: [...RAMPING, advanced(1, 2), advanced(1, 2)],
      expected: "unchanged",
    },
    { name: "a step left out", commands: [...RAMPING, advanced(2, 2)], expected: "step_skipped" },
    {
      name: "a step beyond the last",
      commands: [...RAMPING, advanced(1, 2), advanced(2, 3), advanced(3, 4)],
      expected: "no_rollout",
    },
    { name: "a stale revision", commands: [...RAMPING, advanced(1, 1)], expected: "stale_revision" },
    {
      name: "neither decision nor reason",
      commands: [...RAMPING, advanced(1, 2, { reason: " " })],
      expected: "reason_missing",
    },
    {
      name: "a decision that holds",
      commands: [...RAMPING, advanced(1, 2, { body: { step: 1, decision: decided("WATCHING", BEGUN) } })],
      expected: "not_cleared",
    },
    {
      name: "a decision that clears",
      commands: [
        ...RAMPING,
        advanced(1, 2, { reason: "", body: { step: 1, decision: decided("CLEARED", BEGUN) } }),
      ],
      expected: "accepted",
    },
    {
      name: "a version in quarantine",
      commands: [...RAMPING, quarantined("two"), advanced(1, 2)],
      expected: "quarantined",
    },
    {
      name: "after a rollback",
      commands: [...RAMPING, rolledBack(2), advanced(1, 3)],
      expected: "no_rollout",
    },
    {
      name: "after a share given by hand",
      commands: [...RAMPING, promoted("two", 2, { weight: 0.2 }), advanced(1, 3)],
      expected: "no_rollout",
    },
    {
      name: "the same share by hand ends the ramp",
      commands: [...RAMPING, promoted("two", 2, { weight: 0.1 })],
      expected: "accepted",
    },
    {
      name: "another version's",
      commands: [...RAMPING, advanced(1, 2, { prompt_version: versionOf("one") })],
      expected: "no_rollout",
    },
  ])("$name: $expected", ({ commands, expected }) => {
    expect(code(fold(commands).last)).toBe(expected);
  });

  test("is over after a rollback, which quarantines the version and keeps the decision", () => {
    const decision = decided("REGRESSED", BEGUN);
    const back = rolledBack(2, { from: "two" });
    const { arms, env, useCase } = fold([...RAMPING, { ...back, body: { ...back.body, decision } }]);
    expect([arms, env.rollout]).toEqual([[[1, 1]], null]);
    expect(useCase.versions.get(versionOf("two"))!.quarantined).not.toBeNull();
    expect(useCase.history.at(-1)!.decision).toEqual(decision);
  });

  test("survives a snapshot at every record", () => {
    const commands = [...RAMPING, read("two", decided("CLEARED", BEGUN)), advanced(1, 2), advanced(2, 3)];
    let state = createState();
    for (const command of commands)
      state = stateFromJson(JSON.parse(JSON.stringify(stateToJson(fold([command], state).state))));
    expect(stateToJson(state)).toEqual(stateToJson(fold(commands).state));
  });
});

describe("what the monitor reads", () => {
  test("is shown while its step lasts, changes no revision and fills no history", () => {
    const { state, env, useCase } = fold([...RAMPING, read("two", decided("CLEARED", BEGUN))]);
    expect([env.reading?.decision.state, env.revision]).toEqual(["CLEARED", 2]);
    expect(useCase.history.at(-1)!.type).toBe("promoted");
    expect(fold([advanced(1, 2)], state).env.reading).toBeNull();
  });

  test.each([
    {
      name: "of an earlier step",
      commands: [...RAMPING, advanced(1, 2), read("two", decided("CLEARED", BEGUN))],
      expected: "reading_stale",
    },
    {
      name: "of a version that serves everybody",
      commands: [...V1_LIVE, read("one", decided("CLEARED", 3))],
      expected: "no_canary",
    },
    {
      name: "of a version that was rolled back",
      commands: [...RAMPING, rolledBack(2), read("two", decided("CLEARED", 99))],
      expected: "no_canary",
    },
  ])("is refused when it is $name", ({ commands, expected }) => {
    const { last, env } = fold(commands);
    expect([code(last), env.reading]).toEqual([expected, null]);
  });
});
