import type { RegistryEvent } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { admissible, promoted, rolledBack, toRecords, USE_CASE } from "../../test/registry/commands.ts";
import { fleetOf } from "./fleet.ts";
import { foldRecord } from "./fold.ts";
import { createState, stateFromJson, stateToJson, type Outcome } from "./state.ts";

const MODEL = "openai/gpt-5-mini";
const EVIDENCE = {
  window_ms: 60_000,
  attempts: 40,
  failures: 38,
  failure_rate: [0.8, 0.99],
  emitters: 4,
  emitters_failing: 4,
};
const INCIDENT = {
  incident_id: "inc_1",
  criterion: "faithfulness",
  effect: -0.1,
  interval: [-0.2, -0.05],
  judge: "lexical",
  labels: 60,
};
let count = 0;

function command(type: RegistryEvent["type"], body: object, revision: number): RegistryEvent {
  count += 1;
  return {
    ...promoted("one", revision),
    event_id: `fleet-${count}`,
    type,
    use_case: "",
    prompt_version: null,
    actor: "policy",
    reason: "because",
    body: { ...body },
  };
}

const switched = (state: "off" | "on", revision: number, evidence: object | null = EVIDENCE): RegistryEvent =>
  command("model_switched", { model: MODEL, is_off: state === "off", evidence }, revision);
const automation = (isPaused: boolean, revision: number): RegistryEvent =>
  command("automation_set", { is_paused: isPaused }, revision);

function fold(commands: readonly RegistryEvent[], state = createState()) {
  const outcomes = toRecords(commands, state.next_offset).map((record) => foldRecord(state, record)!.outcome);
  return { state, fleet: fleetOf(state, "default", "production"), codes: outcomes.map(codeOf) };
}

function codeOf(outcome: Outcome): string {
  return outcome.kind === "rejected" ? outcome.code : outcome.changed ? "done" : "was so";
}

describe("models of a fleet", () => {
  test("two replicas that saw the same switch one off once, and on once", () => {
    const { fleet, codes } = fold([
      switched("off", 0),
      switched("off", 0),
      switched("on", 1),
      switched("on", 1),
    ]);
    expect(codes).toEqual(["done", "was so", "done", "was so"]);
    expect(fleet).toMatchObject({ revision: 2, live_revision: 3, models_off: [] });
    expect(fleet.changes.map(({ state, is_automatic }) => [state, is_automatic])).toEqual([
      ["off", true],
      ["on", true],
    ]);
  });

  test("a command of who saw another fleet is stale", () => {
    expect(fold([switched("off", 0), switched("on", 0)]).codes).toEqual(["done", "stale_revision"]);
  });

  test("what a person switched off, automation does not switch on; a person does", () => {
    const { codes, fleet } = fold([switched("off", 0, null), switched("on", 1), switched("on", 1, null)]);
    expect(codes).toEqual(["done", "switched_by_person", "done"]);
    expect(fleet.models_off).toEqual([]);
  });

  test("tenants and envs do not see one another's", () => {
    const { state } = fold([switched("off", 0)]);
    expect(fleetOf(state, "other", "production").models_off).toEqual([]);
    expect(fleetOf(state, "default", "staging").models_off).toEqual([]);
  });

  test("a body that says something else is refused", () => {
    const codes = fold([
      command("model_switched", { model: "a b", is_off: true, evidence: null }, 0),
      command("model_switched", { model: MODEL, is_off: "yes", evidence: null }, 0),
      { ...switched("off", 0), env: "" },
    ]).codes;
    expect(codes).toEqual(["invalid_command", "invalid_command", "invalid_command"]);
  });
});

describe("automation that a person paused", () => {
  const live = [
    ...admissible("one", null),
    promoted("one", 0),
    ...admissible("two", "one"),
    promoted("two", 1),
  ];
  const automatic = (revision: number): RegistryEvent => {
    const event = rolledBack(revision);
    return { ...event, body: { ...event.body, incident: INCIDENT } };
  };

  test("takes nothing back and switches nothing, until it is resumed; people go on", () => {
    const { codes, state } = fold([
      ...live,
      automation(true, 0),
      automatic(2),
      switched("off", 1),
      switched("off", 1, null),
      automation(false, 2),
      automatic(2),
    ]);
    expect(codes.slice(live.length)).toEqual([
      "done",
      "automation_paused",
      "automation_paused",
      "done",
      "done",
      "done",
    ]);
    const { history } = state.use_cases.get(`default/${USE_CASE}`)!;
    expect(history.at(-1)).toMatchObject({ type: "rolled_back", incident: INCIDENT, decision: null });
  });

  test("does not stop a person's rollback", () => {
    expect(fold([...live, automation(true, 0), rolledBack(2)]).codes.at(-1)).toBe("done");
  });
});

test("a replica that begins with a snapshot goes on as one that folded everything", () => {
  const commands = [switched("off", 0), automation(true, 1), switched("on", 2, null), automation(false, 2)];
  const whole = fold(commands).state;
  for (let cut = 0; cut <= commands.length; cut++) {
    const before = fold(commands.slice(0, cut)).state;
    const restored = stateFromJson(JSON.parse(JSON.stringify(stateToJson(before))));
    const { state } = fold(commands.slice(cut), restored);
    expect(JSON.stringify(stateToJson(state))).toBe(JSON.stringify(stateToJson(whole)));
  }
});
