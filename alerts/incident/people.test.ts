import type { IncidentEvent } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { type Changes, detection } from "../detection.fixture.ts";
import { storedDetection } from "../message/stored-detections.fixture.ts";
import { actionsOf, commandsOf, type IncidentState, rollbackTarget } from "./incident-state.ts";
import { foldIncident } from "./lifecycle.ts";
import { dueEvent } from "./people.ts";
import { precisionOf } from "./precision.ts";

const START = Date.parse("2026-11-24T10:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ID = "inc_00000000000000aa";

function at(afterMs: number, body: object): IncidentEvent {
  const common = { incident_id: ID, at: new Date(START + afterMs).toISOString(), actor: "lee" };
  return { ...common, ...body } as IncidentEvent;
}

/** A command given to an incident that stood at `seen`. */
const command = (key: string, seen: number) => ({ command: { key, expected_revision: seen, via: "slack" } });
const detected = (afterMs: number, changes: Changes = {}): IncidentEvent =>
  at(afterMs, { type: "detected", actor: "monitor", detection: detection(changes) });
const recovered = (afterMs: number, cause = "by_itself"): IncidentEvent =>
  at(afterMs, {
    type: "recovered",
    actor: "monitor",
    cause,
    current: { prompt_version: "sha256:a", units: 400, calls: 8_000, mean: 0.938, interval: [0.9, 0.97] },
  });

function fold(...events: readonly IncidentEvent[]): IncidentState {
  const state = events.reduce<IncidentState | null>((before, event) => foldIncident(before, event), null);
  if (state === null) throw new Error("no incident");
  return state;
}

describe("a command of a person", () => {
  test("is one, however often its key comes", () => {
    const given = at(MINUTE, { type: "noted", text: "looking", ...command("k1", 1) });
    const once = fold(detected(0), given);
    const twice = foldIncident(once, { ...given, at: new Date(START + 2 * MINUTE).toISOString() });
    expect(twice).toBe(once);
    expect(once.history.map(({ text }) => text)).toEqual(["Fired as SEV2.", "Note by lee: looking"]);
  });

  test("does nothing once the state it was given in is gone, and says so", () => {
    const resolved = fold(detected(0), recovered(MINUTE));
    const late = foldIncident(resolved, at(2 * MINUTE, { type: "acknowledged", ...command("k1", 1) }));
    expect(late).toEqual({ ...resolved, commands: [{ key: "k1", outcome: "stale" }] });

    // The same incident fired again meanwhile: the person saw the time before.
    const again = foldIncident(resolved, detected(3 * MINUTE));
    const older = foldIncident(again, at(4 * MINUTE, { type: "acknowledged", ...command("k2", 1) }));
    expect(older).toMatchObject({ state: "firing", commands: [{ key: "k2", outcome: "stale" }] });
  });

  test("new numbers do not make it stale, a raised severity does", () => {
    const acknowledge = at(2 * MINUTE, { type: "acknowledged", ...command("k1", 1) });
    const numbers = fold(detected(0), detected(MINUTE, { effect: -0.2 }), acknowledge);
    expect(numbers).toMatchObject({ state: "acknowledged", commands: [{ outcome: "done" }] });
    const raised = fold(detected(0), detected(MINUTE, { severity: "SEV1" }), acknowledge);
    expect(raised).toMatchObject({ state: "firing", commands: [{ outcome: "stale" }] });
  });

  test("a note is written in any state, whatever changed since", () => {
    const noted = fold(
      detected(0),
      recovered(MINUTE),
      at(2 * MINUTE, { type: "noted", text: "was the holiday", ...command("k1", 1) }),
    );
    expect(noted).toMatchObject({ state: "resolved", commands: [{ outcome: "done" }] });
    expect(noted.history.at(-1)).toMatchObject({ text: "Note by lee: was the holiday" });
  });

  test("what means nothing in the state is kept as such", () => {
    const state = fold(detected(0), at(MINUTE, { type: "reopened", ...command("k1", 1) }));
    expect(state).toMatchObject({
      state: "firing",
      revision: 1,
      commands: [{ key: "k1", outcome: "no_effect" }],
    });
  });

  test("a snooze that was made longer is not ended by the end of the shorter one", () => {
    const until = (ms: number) => new Date(START + ms).toISOString();
    const short = fold(detected(0), at(MINUTE, { type: "snoozed", until: until(HOUR) }));
    const end = dueEvent(short, START + HOUR)!;
    const longer = foldIncident(short, at(59 * MINUTE, { type: "snoozed", until: until(4 * HOUR) }));
    expect(foldIncident(longer, end)).toBe(longer);
    expect(foldIncident(longer, dueEvent(longer, START + 4 * HOUR)!).state).toBe("firing");
  });
});

describe("a dismissal", () => {
  const dismissed = at(MINUTE, { type: "dismissed", why: "Expected, a holiday." });

  test("holds while what was dismissed lasts", () => {
    const state = fold(detected(0), dismissed);
    expect(foldIncident(state, detected(50 * HOUR, { effect: -0.3 }))).toBe(state);
    expect(state.history.at(-1)?.text).toBe("Marked as not a regression by lee: Expected, a holiday.");
  });

  test("ends with it: a later silence of the same use case is a new alert with a message of its own", () => {
    const silence = storedDetection("coverage");
    const fired = (afterMs: number) =>
      at(afterMs, { type: "detected", actor: "monitor", detection: silence });
    const shown = at(2, {
      type: "delivered",
      actor: "notifier",
      channel: "slack",
      revision: 1,
      message_ref: "1",
    });
    const over = fold(fired(0), shown, dismissed, recovered(2 * HOUR, "gap_closed"));
    expect(over).toMatchObject({
      state: "dismissed",
      dismissal_over_at: new Date(START + 2 * HOUR).toISOString(),
    });
    const later = foldIncident(over, fired(3 * HOUR));
    expect(later).toMatchObject({ state: "firing", episode: 2, deliveries: {}, dismissals: 1 });
  });

  test("of what had recovered already does not swallow the next one", () => {
    const state = fold(detected(0), recovered(MINUTE), at(2 * MINUTE, { type: "dismissed", why: "noise" }));
    expect(foldIncident(state, detected(3 * MINUTE))).toMatchObject({ state: "firing", episode: 2 });
  });

  test("counts against its rule until it is undone", () => {
    const rule = { kind: "quality", metric: "faithfulness" };
    const state = fold(detected(0), dismissed);
    expect(precisionOf([state])).toEqual([{ ...rule, alerts: 1, dismissed: 1, precision: 0 }]);
    const undone = foldIncident(state, at(2 * MINUTE, { type: "reopened" }));
    expect(precisionOf([undone, fold(detected(0))])).toEqual([
      { ...rule, alerts: 2, dismissed: 0, precision: 1 },
    ]);
  });
});

describe("the buttons of a message", () => {
  const both = detection();
  const known: Changes = {
    candidate: { ...both.candidate, number: 15 },
    incumbent: { ...both.incumbent!, number: 14 },
  };
  const firing = fold(detected(0, known));

  test("a rollback stands first, and its question names both versions", () => {
    const [first] = actionsOf(firing);
    expect(first).toMatchObject({ id: "pl.rollback", label: "Roll back to v14", style: "danger" });
    expect(first?.confirm?.title).toBe("Roll back ticket-summary?");
    expect(first?.confirm?.text).toMatch(/production will serve v14 instead of v15/);
    expect(JSON.parse(first!.value)).toEqual({
      incident_id: ID,
      command: "rollback",
      expected_revision: 1,
      from: both.candidate.prompt_version,
      to: both.incumbent!.prompt_version,
    });
  });

  test("nobody is offered a rollback that can't be: unknown to the registry, not the version's doing, done already", () => {
    expect(commandsOf(fold(detected(0)))).not.toContain("rollback");
    const drift = at(0, { type: "detected", actor: "monitor", detection: storedDetection("input_drift") });
    expect(rollbackTarget(fold(drift))).toBeNull();
    const { tenant, env, use_case, candidate } = firing.detection;
    const rollback = at(MINUTE, {
      type: "rolled_back",
      tenant,
      env,
      use_case,
      prompt_version: candidate.prompt_version,
      number: 15,
      to: both.incumbent!.prompt_version,
      to_number: 14,
      reason: "",
      because_of: null,
    });
    const back = foldIncident(firing, rollback);
    expect(back.state).toBe("watching");
    expect(commandsOf(back)).toEqual(["dismiss", "note"]);
  });

  test("what is over orders nothing, and every value fits Slack's button", () => {
    const states = {
      firing,
      acknowledged: fold(detected(0, known), at(MINUTE, { type: "acknowledged" })),
      resolved: fold(detected(0, known), recovered(MINUTE)),
      dismissed: fold(detected(0, known), at(MINUTE, { type: "dismissed", why: "no" })),
    };
    const ids = Object.fromEntries(
      Object.entries(states).map(([name, state]) => [name, commandsOf(state).join(" ")]),
    );
    expect(ids).toEqual({
      firing: "rollback acknowledge snooze dismiss note",
      acknowledged: "rollback reopen snooze dismiss note",
      resolved: "reopen dismiss note",
      dismissed: "reopen note",
    });
    for (const state of Object.values(states)) {
      for (const { value, choices, label } of actionsOf(state)) {
        expect(label.length).toBeLessThanOrEqual(75);
        for (const each of [value, ...choices.map((choice) => choice.value)])
          expect(each.length).toBeLessThanOrEqual(2_000);
      }
    }
  });
});
