import fc from "fast-check";
import type { IncidentEvent, RecoveryCause } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import {
  HISTORY_LINES_MAX,
  incidentId,
  incidentKey,
  type IncidentState,
  type IncidentStateName,
} from "./incident-state.ts";
import { foldIncident, policyText } from "./lifecycle.ts";
import { dueEvent } from "./people.ts";
import { type Changes, detection } from "../detection.fixture.ts";
import { storedDetection } from "../message/stored-detections.fixture.ts";

const START = Date.parse("2026-11-24T10:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Body<Each extends IncidentEvent = IncidentEvent> = Each extends IncidentEvent
  ? Omit<Each, "incident_id" | "at" | "actor"> & { actor?: string }
  : never;

/** An event `afterMs` after the first. */
function at(afterMs: number, body: Body): IncidentEvent {
  return {
    incident_id: "inc_1",
    at: new Date(START + afterMs).toISOString(),
    actor: "lee",
    ...body,
  } as IncidentEvent;
}

const detected = (afterMs: number, changes: Changes = {}): IncidentEvent =>
  at(afterMs, { type: "detected", actor: "monitor", detection: detection(changes) });

const recovered = (afterMs: number, cause: RecoveryCause, units: number): IncidentEvent =>
  at(afterMs, {
    type: "recovered",
    actor: "monitor",
    cause,
    current: { prompt_version: "sha256:a", units, calls: units * 20, mean: 0.938, interval: [0.9, 0.97] },
  });

function takenBack(
  afterMs: number,
  changes: Partial<Extract<IncidentEvent, { type: "rolled_back" }>> = {},
): IncidentEvent {
  const { tenant, env, use_case, candidate, incumbent } = detection();
  const rollback = {
    tenant,
    env,
    use_case,
    prompt_version: candidate.prompt_version,
    number: 15,
    to: incumbent!.prompt_version,
    to_number: 14,
    reason: "loses amounts",
    because_of: null,
  };
  return { ...at(afterMs, { type: "rolled_back", ...rollback }), ...changes } as IncidentEvent;
}

function fold(events: readonly IncidentEvent[]): IncidentState {
  const state = events.reduce<IncidentState | null>((before, event) => foldIncident(before, event), null);
  if (state === null) throw new Error("no incident");
  return state;
}

const BEFORE: Readonly<Record<IncidentStateName, readonly IncidentEvent[]>> = {
  firing: [detected(0)],
  acknowledged: [detected(0), at(MINUTE, { type: "acknowledged" })],
  snoozed: [detected(0), at(MINUTE, { type: "snoozed", until: new Date(START + 8 * HOUR).toISOString() })],
  watching: [detected(0), recovered(MINUTE, "rollback", 0)],
  resolved: [detected(0), recovered(MINUTE, "by_itself", 400)],
  dismissed: [detected(0), at(MINUTE, { type: "dismissed", why: "holiday" })],
};

const until = new Date(START + 10 * HOUR).toISOString();
const EVENTS = {
  "same detection": detected(2 * MINUTE),
  "new numbers": detected(2 * MINUTE, { effect: -0.2 }),
  "raised severity": detected(2 * MINUTE, { severity: "SEV1" }),
  "late detection": detected(3 * HOUR),
  "detection days later": detected(50 * HOUR),
  recovered: recovered(2 * MINUTE, "by_itself", 400),
  "rolled back, nothing judged": recovered(2 * MINUTE, "rollback", 0),
  "rolled back, judged": recovered(2 * MINUTE, "rollback", 100),
  acknowledged: at(2 * MINUTE, { type: "acknowledged" }),
  unacknowledged: at(2 * MINUTE, { type: "unacknowledged" }),
  snoozed: at(2 * MINUTE, { type: "snoozed", until }),
  "snoozed into the past": at(2 * MINUTE, { type: "snoozed", until: new Date(START).toISOString() }),
  dismissed: at(2 * MINUTE, { type: "dismissed", why: "wrong" }),
  reopened: at(2 * MINUTE, { type: "reopened" }),
  noted: at(2 * MINUTE, { type: "noted", text: "the upstream team is on it" }),
  "version taken back": takenBack(2 * MINUTE),
  "another version taken back": takenBack(2 * MINUTE, { prompt_version: "sha256:other" }),
  "taken back elsewhere": takenBack(2 * MINUTE, { env: "staging" }),
} as const satisfies Record<string, IncidentEvent>;

/** `=` nothing changes at all; `.` nothing that anybody sees; `~` new numbers, same state; else the state moved to. */
const TABLE: Readonly<Record<keyof typeof EVENTS, Readonly<Record<IncidentStateName, string>>>> = {
  "same detection": {
    firing: "=",
    acknowledged: "=",
    snoozed: "=",
    watching: "=",
    resolved: "firing",
    dismissed: "=",
  },
  "new numbers": {
    firing: "~",
    acknowledged: "~",
    snoozed: "~",
    watching: "=",
    resolved: "firing",
    dismissed: "=",
  },
  "raised severity": {
    firing: "firing",
    acknowledged: "firing",
    snoozed: "firing",
    watching: "=",
    resolved: "firing",
    dismissed: "=",
  },
  "late detection": {
    firing: "=",
    acknowledged: "=",
    snoozed: "=",
    watching: "firing",
    resolved: "firing",
    dismissed: "=",
  },
  "detection days later": {
    firing: "=",
    acknowledged: "=",
    snoozed: "=",
    watching: "firing",
    resolved: "firing",
    dismissed: "=",
  },
  recovered: {
    firing: "resolved",
    acknowledged: "resolved",
    snoozed: "resolved",
    watching: "resolved",
    resolved: "=",
    dismissed: ".",
  },
  "rolled back, nothing judged": {
    firing: "watching",
    acknowledged: "watching",
    snoozed: "watching",
    watching: "~",
    resolved: "=",
    dismissed: ".",
  },
  "rolled back, judged": {
    firing: "resolved",
    acknowledged: "resolved",
    snoozed: "resolved",
    watching: "resolved",
    resolved: "=",
    dismissed: ".",
  },
  acknowledged: {
    firing: "acknowledged",
    acknowledged: "=",
    snoozed: "acknowledged",
    watching: "=",
    resolved: "=",
    dismissed: "=",
  },
  unacknowledged: {
    firing: "=",
    acknowledged: "firing",
    snoozed: "firing",
    watching: "=",
    resolved: "=",
    dismissed: "firing",
  },
  snoozed: {
    firing: "snoozed",
    acknowledged: "snoozed",
    snoozed: "snoozed",
    watching: "=",
    resolved: "=",
    dismissed: "=",
  },
  "snoozed into the past": {
    firing: "=",
    acknowledged: "=",
    snoozed: "=",
    watching: "=",
    resolved: "=",
    dismissed: "=",
  },
  dismissed: {
    firing: "dismissed",
    acknowledged: "dismissed",
    snoozed: "dismissed",
    watching: "dismissed",
    resolved: "dismissed",
    dismissed: "=",
  },
  reopened: {
    firing: "=",
    acknowledged: "firing",
    snoozed: "firing",
    watching: "firing",
    resolved: "firing",
    dismissed: "firing",
  },
  noted: {
    firing: "~",
    acknowledged: "~",
    snoozed: "~",
    watching: "~",
    resolved: "~",
    dismissed: "~",
  },
  "version taken back": {
    firing: "watching",
    acknowledged: "watching",
    snoozed: "watching",
    watching: "watching",
    resolved: "=",
    dismissed: ".",
  },
  "another version taken back": {
    firing: "=",
    acknowledged: "=",
    snoozed: "=",
    watching: "=",
    resolved: "=",
    dismissed: "=",
  },
  "taken back elsewhere": {
    firing: "=",
    acknowledged: "=",
    snoozed: "=",
    watching: "=",
    resolved: "=",
    dismissed: "=",
  },
};

describe("the life of an incident", () => {
  const rows = Object.entries(TABLE).flatMap(([event, byState]) =>
    Object.entries(byState).map(([from, expected]) => ({
      name: `${from} + ${event} → ${expected === "=" || expected === "." ? "nothing" : expected === "~" ? "new numbers" : expected}`,
      from: from as IncidentStateName,
      event: EVENTS[event as keyof typeof EVENTS],
      expected,
    })),
  );
  test.each(rows)("$name", ({ from, event, expected }) => {
    const before = fold(BEFORE[from]);
    expect(before.state).toBe(from);
    const after = foldIncident(before, event);
    if (expected === "=") {
      expect(after).toBe(before);
      return;
    }
    if (expected === ".") {
      expect(after).toEqual({ ...before, dismissal_over_at: event.at });
      return;
    }
    expect(after.revision).toBe(before.revision + 1);
    expect(after.updated_at).toBe(event.at);
    if (expected === "~") {
      expect(after.state).toBe(from);
      expect(after.state_revision).toBe(before.state_revision);
    } else {
      expect(after.state).toBe(expected);
      expect(after.state_revision).toBe(after.revision);
      expect(after.history.at(-1)?.revision).toBe(after.revision);
    }
  });

  test("an incident that was never detected has no state", () => {
    expect(foldIncident(null, at(0, { type: "acknowledged" }))).toBeNull();
  });

  test("within a day of the resolve the same message is used again", () => {
    const before = fold([...BEFORE.resolved, at(2 * MINUTE, delivered("slack", 2))]);
    const again = foldIncident(before, detected(23 * HOUR));
    expect(again).toMatchObject({ state: "firing", episode: 1, opened_at: before.opened_at, recovery: null });
    expect(again.deliveries).toEqual(before.deliveries);
  });

  test("longer after the resolve it is a new episode with a new message", () => {
    const before = fold([...BEFORE.resolved, at(2 * MINUTE, delivered("slack", 2))]);
    const again = foldIncident(before, detected(26 * HOUR));
    expect(again).toMatchObject({
      state: "firing",
      episode: 2,
      deliveries: {},
      revision: 3,
      episode_revision: 3,
    });
    // A record of the old message that comes late does not become the new one.
    expect(foldIncident(again, at(26 * HOUR, delivered("slack", 2))).deliveries).toEqual({});
  });

  test("a delivery records handle and revision per channel and changes nothing visible", () => {
    const before = fold(BEFORE.firing);
    const after = foldIncident(
      foldIncident(before, at(1, delivered("slack", 1))),
      at(2, delivered("inbox", 1)),
    );
    expect(after.revision).toBe(before.revision);
    expect(after.deliveries).toEqual({
      slack: { message_ref: "slack:1", revision: 1 },
      inbox: { message_ref: "inbox:1", revision: 1 },
    });
  });

  test("a late record of an older revision does not hide a newer one", () => {
    const state = fold([...BEFORE.acknowledged, at(1, delivered("slack", 2)), at(2, delivered("slack", 1))]);
    expect(state.deliveries["slack"]?.revision).toBe(2);
  });

  test.each([
    { kind: "output_drift", state: "watching" },
    { kind: "latency", state: "watching" },
    { kind: "input_drift", state: "firing" },
    { kind: "coverage", state: "firing" },
    { kind: "judge_drift", state: "firing" },
  ] as const)("a rollback answers what a version can cause: $kind is $state", ({ kind, state }) => {
    const { env, use_case, candidate, window } = detection();
    const of = { ...storedDetection(kind), env, use_case, candidate, window };
    const fired = at(0, { type: "detected", actor: "monitor", detection: of });
    expect(fold([fired, takenBack(MINUTE)]).state).toBe(state);
  });

  test("a gap that closed is over, whether or not calls were counted for it", () => {
    const fired = at(0, { type: "detected", actor: "monitor", detection: storedDetection("coverage") });
    expect(fold([fired, recovered(MINUTE, "gap_closed", 0)]).state).toBe("resolved");
  });

  test("a rollback from before the version came back is no word on what it does now", () => {
    const window = { start: new Date(START).toISOString(), end: new Date(START + 9 * MINUTE).toISOString() };
    const fired = fold([detected(10 * MINUTE, { window })]);
    expect(foldIncident(fired, takenBack(MINUTE))).toBe(fired);
  });

  test("a lower severity on repetition does not take back what people were told", () => {
    expect(foldIncident(fold(BEFORE.firing), detected(MINUTE, { severity: "SEV3" })).severity).toBe("SEV2");
  });

  test("raised to another severity, an incident has been firing since it fired", () => {
    const state = foldIncident(fold(BEFORE.firing), detected(MINUTE, { severity: "SEV1" }));
    expect(state.state_changed_at).toBe(new Date(START).toISOString());
    expect(state.updated_at).toBe(new Date(START + MINUTE).toISOString());
  });

  test("the history is bounded", () => {
    const events = Array.from({ length: 200 }, (_, i) =>
      at(i * 1000, { type: i % 2 === 0 ? "acknowledged" : "unacknowledged" }),
    );
    expect(fold([detected(0), ...events]).history).toHaveLength(HISTORY_LINES_MAX);
  });

  test("revisions never fall, and every event twice is the same as once", () => {
    const pool = fc.constantFrom(
      ...Object.values(EVENTS),
      at(1, delivered("slack", 1)),
      at(2, delivered("slack", 3)),
    );
    fc.assert(
      fc.property(fc.array(pool, { maxLength: 30 }), (events) => {
        let state = fold(BEFORE.firing);
        for (const event of events) {
          const next = foldIncident(state, event);
          expect(next.revision).toBeGreaterThanOrEqual(state.revision);
          expect(next.revision).toBeGreaterThanOrEqual(next.state_revision);
          // Snoozing again, a note and progress of a rollback are visible each time.
          if (event.type !== "snoozed" && event.type !== "noted" && event.type !== "recovered")
            expect(foldIncident(next, event)).toEqual(next);
          state = next;
        }
      }),
      { seed: 7 },
    );
  });
});

describe("what the passing of time does", () => {
  test.each<{ name: string; events: readonly IncidentEvent[]; afterMs: number; isDue: boolean }>([
    {
      name: "a SEV2 acknowledgement holds for two hours",
      events: BEFORE.acknowledged,
      afterMs: 2 * HOUR,
      isDue: false,
    },
    { name: "then it fires again", events: BEFORE.acknowledged, afterMs: 2 * HOUR + MINUTE, isDue: true },
    {
      name: "a SEV1 acknowledgement runs out after 30 minutes",
      events: [detected(0, { severity: "SEV1" }), at(0, { type: "acknowledged" })],
      afterMs: 30 * MINUTE,
      isDue: true,
    },
    {
      name: "a SEV3 acknowledgement never runs out",
      events: [detected(0, { severity: "SEV3" }), at(0, { type: "acknowledged" })],
      afterMs: 9_000 * HOUR,
      isDue: false,
    },
    { name: "a snooze holds until its end", events: BEFORE.snoozed, afterMs: 8 * HOUR - 1, isDue: false },
    { name: "and ends then", events: BEFORE.snoozed, afterMs: 8 * HOUR, isDue: true },
    { name: "a firing incident just fires", events: BEFORE.firing, afterMs: 99 * HOUR, isDue: false },
    { name: "a resolved incident stays resolved", events: BEFORE.resolved, afterMs: 99 * HOUR, isDue: false },
  ])("$name", ({ events, afterMs, isDue }) => {
    const state = fold(events);
    const event = dueEvent(state, START + afterMs);
    expect(event !== null).toBe(isDue);
    if (event !== null) expect(foldIncident(state, event).state).toBe("firing");
  });
});

describe("the incident's identity", () => {
  test("is the same for repeated detections and differs in every part of the key", () => {
    const base = detection();
    const others: Changes[] = [
      { tenant: "b" },
      { env: "staging" },
      { use_case: "other" },
      { metric: { name: "tone", unit: "share", label: "tone" } as const },
      { candidate: { ...base.candidate, prompt_version: "sha256:other" } },
    ];
    const ids = [base, detection({ effect: -0.5 }), ...others.map((each) => detection(each))].map((each) =>
      incidentId(incidentKey(each)),
    );
    const latency = { ...storedDetection("latency"), ...base, kind: "latency" } as const;
    expect(ids).not.toContain(incidentId(incidentKey(latency)));
    expect(ids[0]).toMatch(/^inc_[0-9a-f]{16}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids.slice(1)).size).toBe(others.length + 1);
  });

  test("a slash in a name does not make two keys equal", () => {
    expect(incidentKey(detection({ env: "a/b", use_case: "c" }))).not.toBe(
      incidentKey(detection({ env: "a", use_case: "b/c" })),
    );
  });
});

function delivered(channel: string, revision: number): Body {
  return { type: "delivered", actor: "notifier", channel, revision, message_ref: `${channel}:${revision}` };
}

describe("what automation did is said on the incident", () => {
  const held = (afterMs: number, why: string): IncidentEvent =>
    at(afterMs, { type: "policy_noted", actor: "policy", did: "holds", why });
  const INCIDENT = {
    incident_id: "inc_1",
    criterion: "faithfulness",
    effect: -0.152,
    interval: [-0.202, -0.102] as [number, number],
    judge: "faithfulness@3",
    labels: 61,
  };

  test("two replicas that say the same are shown once, without a change of state", () => {
    const before = fold([detected(0)]);
    const state = fold([detected(0), held(MINUTE, "12 of 50 labels."), held(2 * MINUTE, "12 of 50 labels.")]);
    expect(state).toMatchObject({
      state: "firing",
      revision: before.revision + 1,
      state_revision: before.state_revision,
      policy: { did: "holds", why: "12 of 50 labels." },
    });
    expect(policyText(state)).toBe("Nothing is rolled back by itself: 12 of 50 labels.");
  });

  test("a rollback by itself replaces why there was none, and names the quarantine and the labels", () => {
    const state = fold([
      detected(0),
      held(MINUTE, "12 of 50 labels."),
      takenBack(2 * MINUTE, { actor: "policy", because_of: INCIDENT }),
    ]);
    expect(state).toMatchObject({ state: "watching", policy: null });
    expect(policyText(state)).toBe(
      "By itself: the judge of this guardrail is calibrated by 61 labels of people. v15 is quarantined until it passes a new evaluation.",
    );
  });

  test("a person's rollback is a person's, and an incident that is over is told nothing more", () => {
    expect(policyText(fold([detected(0), takenBack(MINUTE)]))).toBeNull();
    const over = [detected(0), recovered(MINUTE, "gap_closed", 100)];
    expect(fold([...over, held(2 * MINUTE, "late")])).toEqual(fold(over));
  });
});
