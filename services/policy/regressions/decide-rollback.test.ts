import { foldIncident, type IncidentState } from "@plumbline/alerts";
import { type Changes, detection, streams } from "../../../alerts/detection.fixture.ts";
import type { IncidentEvent, JudgeCalibration, QualityDetection } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { decideRollback, type RollbackQuestion } from "./decide-rollback.ts";

const BAD = detection().candidate.prompt_version;
const GOOD = detection().incumbent!.prompt_version;
const AT = "2026-11-24T10:02:10.000Z";
const mark = { offset: 3, at: "2026-11-24T09:15:00.000Z", actor: "ann", reason: "" };

const VIEW: RollbackQuestion["view"] = {
  revision: 4,
  live: [{ prompt_version: BAD, number: 15, weight: 1 }],
  rollout: null,
  canary: null,
  moved: mark,
  previous_good: GOOD,
};
const CALIBRATED: JudgeCalibration = {
  state: "calibrated",
  reasons: [],
  labels: 61,
  labels_min: 50,
  kappa: 0.8,
  youden: 0.7,
  corrected: { effect: -0.2, interval: [-0.28, -0.12] },
};
const UNCALIBRATED: JudgeCalibration = {
  ...CALIBRATED,
  state: "uncalibrated",
  reasons: ["too_few_labels"],
  labels: 12,
  youden: null,
  corrected: null,
};

function incident(
  changes: Changes = {},
  events: readonly IncidentEvent[] = [],
): IncidentState<QualityDetection> {
  const { evidence, ...others } = changes;
  const first = foldIncident(null, {
    type: "detected",
    incident_id: "inc_1",
    at: AT,
    actor: "monitor",
    detection: detection({
      ...others,
      evidence: { detector: streams(), judge_calibration: CALIBRATED, ...evidence },
    }),
  });
  const state = events.reduce<IncidentState>((before, event) => foldIncident(before, event), first!);
  return state as IncidentState<QualityDetection>;
}

function decide(given: IncidentState<QualityDetection>, more: Partial<RollbackQuestion> = {}) {
  return decideRollback({
    incident: given,
    view: VIEW,
    paused: null,
    limits: { rollbacks: "act", rollbacksPerDay: 2 },
    rollbacksToday: 0,
    ...more,
  });
}

test("a page about a guardrail by a calibrated judge takes its version back, with the numbers", () => {
  expect(decide(incident())).toEqual({
    kind: "roll_back",
    why: "inc_1: faithfulness changed by -15.2 points (interval -20.2 to -10.2).",
    incident: {
      incident_id: "inc_1",
      criterion: "faithfulness",
      effect: -0.152,
      interval: [-0.202, -0.102],
      judge: "faithfulness@3",
      labels: 61,
    },
  });
});

describe("it holds, and says why", () => {
  const later = streams({ origin: "later" });
  const cause = { changed_at: AT, models_before: [], models_since: [] };
  test.each<[string, Changes, Partial<RollbackQuestion>]>([
    ["12 of 50 labels", { evidence: { judge_calibration: UNCALIBRATED } }, {}],
    [
      "too few answers that people call bad",
      { evidence: { judge_calibration: { ...UNCALIBRATED, reasons: ["too_few_human_fails"], labels: 60 } } },
      {},
    ],
    ["do not calibrate the judge", { evidence: { judge_calibration: null } }, {}],
    [
      "the fall may be none",
      {
        evidence: {
          judge_calibration: { ...CALIBRATED, corrected: { effect: -0.1, interval: [-0.3, 0.01] } },
        },
      },
      {},
    ],
    ["the provider changed the model", { evidence: { cause: { ...cause, kind: "provider_change" } } }, {}],
    ["fell as well", { evidence: { detector: streams({ paired_silent: true }) } }, {}],
    [
      "long after the version went live",
      { evidence: { detector: later, cause: { ...cause, kind: "unknown" } } },
      {},
    ],
    [
      "ann changed what is live",
      {},
      { view: { ...VIEW, moved: { ...mark, at: "2026-11-24T11:00:00.000Z" } } },
    ],
    ["no good version", {}, { view: { ...VIEW, previous_good: null } }],
    ["2 versions were taken back", {}, { rollbacksToday: 2 }],
    ["paused by ann (a game day)", {}, { paused: { ...mark, reason: "a game day" } }],
  ])("%s", (words, changes, more) => {
    expect(decide(incident(changes), more)).toMatchObject({
      kind: "hold",
      why: expect.stringContaining(words),
    });
  });

  test("that it only tries itself out", () => {
    const limits = { rollbacks: "dry_run", rollbacksPerDay: 2 } as const;
    expect(decide(incident(), { limits })).toMatchObject({ kind: "would_roll_back" });
  });
});

describe("it is none of its business", () => {
  const head = { incident_id: "inc_1", at: "2026-11-24T10:05:00.000Z", actor: "lee" };
  test.each<[string, IncidentState<QualityDetection>, Partial<RollbackQuestion>]>([
    ["a signal", incident({ is_guardrail: false }), {}],
    ["a ticket", incident({ evidence: { detector: streams({ level: "ticket" }) } }), {}],
    ["an alarm without a detector", incident({ evidence: { detector: null } }), {}],
    ["that a person took", incident({}, [{ type: "acknowledged", ...head }]), {}],
    ["that a person dismissed", incident({}, [{ type: "dismissed", ...head, why: "known" }]), {}],
    ["a version that serves nobody", incident(), { view: { ...VIEW, live: [] } }],
    ["switched off", incident(), { limits: { rollbacks: "off", rollbacksPerDay: 2 } }],
  ])("%s", (_what, given, more) => {
    expect(decide(given, more)).toBeNull();
  });
});
