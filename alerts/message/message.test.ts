import type { Message } from "@plumbline/ports";
import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Detection, IncidentEvent, QualityDetection, RecoveryCause } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { type Changes, detection, streams } from "../detection.fixture.ts";
import { foldIncident, type IncidentState } from "../incident/lifecycle.ts";
import {
  PREVIEW_LENGTH_MAX,
  renderMessage,
  replySince,
  TITLE_LENGTH_MAX,
  RUNBOOKS,
  runbooksDir,
} from "./message.ts";
import { formatDifference, formatInterval, formatValue } from "../words/quantity.ts";
import { STORED_DETECTIONS, storedDetection } from "./stored-detections.fixture.ts";

const links = { runbooks_url: "https://example.com/runbooks", console_url: "https://plumbline.example.com" };
const numbered = {
  candidate: { ...detection().candidate, number: 15 },
  incumbent: { ...detection().incumbent!, number: 14 },
};

function incident(changes: Changes = {}, events: readonly IncidentEvent[] = []): IncidentState {
  const first = foldIncident(null, {
    type: "detected",
    incident_id: "inc_4f1c9a2b77d09be0",
    at: "2026-11-24T10:02:10.000Z",
    actor: "monitor",
    detection: detection(changes),
  });
  return events.reduce<IncidentState>((state, event) => foldIncident(state, event), first!);
}

const render = (changes: Changes = {}, events: readonly IncidentEvent[] = []): Message =>
  renderMessage(incident(changes, events), links);

/** What the registry tells of a rollback of the version that the fixture blames. */
const rolledBack: IncidentEvent = {
  type: "rolled_back",
  tenant: "",
  incident_id: "inc_0000000000000001",
  at: "2026-11-24T10:06:00.000Z",
  actor: "policy",
  env: "production",
  use_case: "ticket-summary",
  prompt_version: detection().candidate.prompt_version,
  number: 15,
  to: detection().incumbent!.prompt_version,
  to_number: 14,
  reason: "The canary got worse.",
  because_of: null,
};

const head = { incident_id: "inc_4f1c9a2b77d09be0", at: "2026-11-24T10:06:00.000Z", actor: "lee" };

describe("the message of a quality regression", () => {
  const message = render(numbered);

  test("the preview alone says severity, use case, metric, size, version and what to do", () => {
    expect(message.preview).toBe(
      "[SEV2] ticket-summary: faithfulness fell 15.2 pp on v15 (94.1% → 78.9%). Concentrated in mentions_money. Roll back to v14, or acknowledge.",
    );
  });

  test("says what got worse first, for whom second, and why third", () => {
    expect(message.title).toBe("ticket-summary: faithfulness down 15.2 pp on v15");
    expect(message.lines.slice(0, 3)).toEqual([
      "94.1% → 78.9% (Δ −15.2 pp, 95% always-valid interval −20.2 to −10.2 pp), 1,127 judged of 22,540 calls, 09:15 to 10:02 UTC.",
      "Concentrated, not uniform: mentions_money (18% of traffic) 94.4% → 9.9% (95% interval 6.5% to 14.8%, n = 203); it carries about 100% of the drop.",
      "Likely cause: the change to v15, first called 09:15 UTC, 47 min before the end of the window.",
    ]);
  });

  test("estimates how many answers were hit, with the effect's own interval", () => {
    expect(message.fields).toContainEqual({
      label: "Blast radius",
      value: "≈ 3,426 degraded answers (2,299 to 4,553) of 22,540",
    });
  });

  test("leads to the incident and to the runbook", () => {
    expect(message.links.map((each) => each.url)).toEqual([
      "https://plumbline.example.com/u/ticket-summary?env=production&incident=inc_4f1c9a2b77d09be0",
      "https://example.com/runbooks/quality-regression.md",
    ]);
  });
});

test.each<{ verdict: Detection["verdict"]; line: RegExp; preview: string | null }>([
  {
    verdict: "DISTRIBUTIONAL",
    line: /^Concentrated, not uniform: mentions_money/,
    preview: "Concentrated in mentions_money.",
  },
  { verdict: "MIXED", line: /^Mixed: .*mentions_money/, preview: "Strongest in mentions_money." },
  { verdict: "UNIFORM", line: /^Uniform: no slice explains/, preview: "Uniform." },
  { verdict: "INCONCLUSIVE", line: /unclear \(n too small: 1,127 judged\)/, preview: null },
  { verdict: null, line: /still computing/, preview: null },
])("verdict $verdict claims no more than it knows", ({ verdict, line, preview }) => {
  const message = render({ verdict });
  expect(message.lines.filter((each) => line.test(each))).toHaveLength(1);
  if (preview === null) expect(message.preview).not.toMatch(/oncentrated|niform|trongest/);
  else expect(message.preview).toContain(preview);
});

test("without evidence a line is left out, not guessed", () => {
  const { candidate } = detection();
  expect(render({ candidate: { ...candidate, units: 0 } }).lines.join()).not.toContain("Δ");
  expect(render({ interval: [Number.NaN, Number.NaN] }).lines.join()).not.toContain("Δ");
  expect(render({ version_started_at: null }).lines.join()).not.toContain("cause");
});

const mix = {
  total: -0.034,
  mix: -0.031,
  within: -0.003,
  se_mix: 0.004,
  se_within: 0.01,
  input_shift: true,
  shifts: [{ name: "mentions_money", before: 0.18, after: 0.41 }],
};

const explained = (of: typeof mix | null, units_needed: number | null = null) => ({
  expected_mean: 0.84,
  seed: 1,
  p_heterogeneity: 0.4,
  explained_share: 0,
  units_needed,
  mix: of,
});

test.each<{ name: string; changes: Partial<typeof mix>; line: string | null }>([
  {
    name: "another mix explains the fall",
    changes: {},
    line: "Inputs shifted, quality per slice did not: mentions_money 18% → 41% of calls explains 3.1 of 3.4 points.",
  },
  {
    name: "it would have fallen further",
    changes: { mix: -0.04, within: 0.006 },
    line: "Inputs shifted, quality per slice did not: mentions_money 18% → 41% of calls explains more than the whole fall of 3.4 points.",
  },
  {
    name: "something fell inside the slices too",
    changes: { mix: -0.02, within: -0.014, se_within: 0.002 },
    line: "Inputs shifted more than quality per slice: mentions_money 18% → 41% of calls explains 2.0 of 3.4 points.",
  },
  { name: "quality fell within", changes: { mix: -0.003, within: -0.031, input_shift: false }, line: null },
  { name: "chance may have mixed it", changes: { se_mix: 0.02 }, line: null },
  { name: "the mix made it better", changes: { mix: 0.031, within: 0.003, total: 0.034 }, line: null },
])("inputs that shifted are the cause only with numbers: $name", ({ changes, line }) => {
  const { lines, preview } = render({ evidence: { explanation: explained({ ...mix, ...changes }) } });
  expect(lines.find((each) => each.startsWith("Inputs shifted")) ?? null).toBe(line);
  expect(lines.some((each) => each.startsWith("Likely cause"))).toBe(line === null);
  // A rollback is no answer to other inputs.
  expect(preview.includes("Look at what users send")).toBe(line !== null);
});

test("a fall that the old version shares, called at the same time, is not blamed on the new one", () => {
  const silent = render({ evidence: { detector: streams({ paired_silent: true }) } });
  expect(silent.lines.join("\n")).toMatch(/Coincides with the deploy, not caused by it: the old version/);
  expect(silent.lines.join("\n")).not.toContain("Likely cause");
  expect(silent.preview).toContain("Look upstream");
  const speaking = render({ evidence: { detector: streams() } });
  expect(speaking.lines.join("\n")).toContain("Likely cause");
  expect(speaking.preview).toContain("Roll back to");
});

const { prompt_version: v14 } = detection().incumbent!;
const beside = {
  incumbent: v14,
  pairs: 180,
  weight: 0,
  log_detector: null,
  log_deploy_e: -1.2,
  difference: 0.004,
};

test("what the pairs of a canary say stands under the cause", () => {
  const paired = { ...beside, log_deploy_e: 9, difference: 0.042 };
  const { lines } = render({ ...numbered, evidence: { detector: streams({ paired }) } });
  expect(lines.slice(2, 4)).toEqual([
    "Likely cause: the change to v15, first called 09:15 UTC, 47 min before the end of the window.",
    "Side by side with v14: 4.2 points worse in 180 pairs of conversations from the same hours, more than chance explains.",
  ]);
});

test("pairs without a difference keep the deploy from being blamed, also where other inputs are the cause", () => {
  const detector = streams({ paired_silent: true, paired: beside });
  const { lines } = render({ ...numbered, evidence: { detector } });
  expect(lines.slice(2, 4)).toEqual([
    "Coincides with the deploy, not caused by it: the old version, called beside v15, fell as well. Look upstream: model, provider, inputs.",
    "Side by side with v14: 0.4 points worse in 180 pairs of conversations from the same hours, which chance may explain.",
  ]);
  const shifted = render({ ...numbered, evidence: { detector, explanation: explained(mix) } });
  expect(shifted.lines).toContain(
    "Coincides with the deploy, not caused by it. Inputs shifted, quality per slice did not: mentions_money 18% → 41% of calls explains 3.1 of 3.4 points.",
  );
  expect(shifted.preview).toContain("Look at what users send");
});

const success = {
  name: "success rate",
  value: 0.9998,
  unit: "share" as const,
  interval: [0.9995, 0.9999] as const,
  n: 22_540,
};

test("with everything that there is to say no line is cut in Slack", () => {
  const names = [
    "input_tokens=over_4k",
    "tier=enterprise",
    "lang=en",
    "channel=email",
    "has_attachment",
    "a",
    "b",
  ];
  const [english, money] = detection().slices;
  const german = { ...english!, name: "tier=enterprise & lang=de", share_of_drop: 0.12 };
  const evidence = {
    detector: streams({ affected: names, paired: { ...beside, difference: 0.042 } }),
    normal: [success],
  };
  const { lines } = render({ ...numbered, slices: [money!, english!, german], evidence }, [rolledBack]);
  expect(lines).toHaveLength(7);
  // Ten lines and 3,000 characters a section, shared evenly; a character less for the line's end, two for bold.
  for (const line of lines) {
    const escaped = line.replaceAll("&", "&amp;");
    expect(escaped.length, line).toBeLessThanOrEqual(Math.floor(3_000 / lines.length) - 3);
  }
});

test("a difference on the same inputs says that both versions were judged on them", () => {
  const pairs = {
    kind: "same_input_pairs",
    level: "ticket",
    pairs: 84,
    log_e: 4,
    log_e_max: 4,
    pairs_at_max: 84,
    worse: 60,
    better: 24,
    difference_sum: 5,
    difference_square_sum: 1,
    log_threshold: 3.95,
    delta: 0.01,
    bets: [0.8],
    tempering: 1,
    from: "2026-11-24T09:00:00.000Z",
    start_weight: 168,
  } as const;
  const message = JSON.stringify(render({ evidence: { detector: pairs } }));
  expect(message).toContain("84 inputs judged under both versions, of 22,540 calls");
});

test("what is normal is said with interval and n", () => {
  expect(render({ evidence: { normal: [success] } }).lines).toContain(
    "Normal: success rate 99.98% (95% interval 99.95% to 99.99%, n = 22,540).",
  );
});

test("what a guardrail protects, and how much of the day was hit, stand with the severity", () => {
  const { fields } = render({
    severity: "SEV1",
    evidence: { protects: "personal_data", impact: { degraded_calls: 3_426, day_calls: 31_000 } },
  });
  expect(fields).toContainEqual({ label: "Protects", value: "personal data" });
  expect(fields).toContainEqual({
    label: "Blast radius",
    value: "≈ 3,426 degraded answers (2,299 to 4,553) of 22,540; about 11% of the day's 31,000",
  });
});

test("the judge is named with its agreement with people, or with what is missing for it", () => {
  type Calibration = NonNullable<QualityDetection["evidence"]["judge_calibration"]>;
  const calibration = { reasons: [], labels: 120, labels_min: 50, kappa: 0.812, youden: 0.8 };
  const corrected = { effect: -0.183, interval: [-0.222, -0.144] as const };
  const calibrated: Calibration = { ...calibration, state: "calibrated", corrected };
  const context = (judge_calibration: Calibration): string =>
    render({ judge: "faithfulness@3", evidence: { judge_calibration } }).context.join("\n");
  expect(context(calibrated)).toContain("judge faithfulness@3 (κ 0.81 vs humans, n = 120)");
  expect(context(calibrated)).toContain("corrected for the judge's errors -18.3 points [-22.2, -14.4]");
  const few: Calibration = {
    ...calibration,
    state: "uncalibrated",
    labels: 12,
    reasons: ["too_few_labels"],
    corrected: null,
  };
  expect(context(few)).toContain("judge faithfulness@3 (uncalibrated: 12 of 50 labels)");
  const blind = { ...few, labels: 60, reasons: ["judge_uninformative"] };
  expect(context(blind)).toContain("(uncalibrated: judge uninformative)");
});

test("an old version is not blamed", () => {
  const message = render({ version_started_at: "2026-11-01T08:00:00.000Z" });
  expect(message.lines[2]).toMatch(
    /^No deploy in the last 24 h: .* live since 2026-11-01 08:00 UTC\. Look upstream/,
  );
});

test("a deploy of days ago is blamed where the detector says that it carries the alarm", () => {
  const cause = {
    kind: "own_change" as const,
    changed_at: "2026-11-20T08:00:00.000Z",
    models_before: [],
    models_since: [],
  };
  const message = render({ version_started_at: "2026-11-20T08:00:00.000Z", evidence: { cause } });
  expect(message.lines[2]).toMatch(/^Likely cause: the change to .*, first called 2026-11-20 08:00 UTC, 4 d/);
});

test("a change that was no deploy is not blamed on the prompt, and a rollback is not offered for it", () => {
  const cause = {
    kind: "provider_change" as const,
    changed_at: "2026-11-24T08:00:00.000Z",
    models_before: ["gpt-0314"],
    models_since: ["gpt-0613"],
  };
  const message = render({ evidence: { cause } });
  expect(message.lines.join("\n")).toMatch(
    /No deploy then, but the provider's model changed: gpt-0613 instead of gpt-0314/,
  );
  expect(message.preview).toContain("Look upstream");
  expect(render({ evidence: { cause: { ...cause, kind: "unknown" } } }).lines.join("\n")).toMatch(
    /No deploy then: .* fell about/,
  );
  expect(render({ evidence: { cause: { ...cause, kind: "own_change" } } }).preview).toContain("Roll back to");
});

test("lexical scores are named as such wherever they appear", () => {
  const message = render({ judge: "lexical-faithfulness@3" });
  expect(message.lines[0]).toContain("lexical, no LLM");
  expect(message.context.join()).toContain("lexical, no LLM");
});

describe("an incident that moved on", () => {
  const rolledBack = (units: number): IncidentEvent => ({
    ...head,
    type: "recovered",
    cause: "rollback",
    current: { ...numbered.incumbent, units, mean: 0.938, interval: [0.915, 0.961] },
  });

  test("resolved says how, the recovered number with interval and n, and asks for nothing", () => {
    const message = render(numbered, [rolledBack(412)]);
    expect(message.title).toBe("ticket-summary: faithfulness back to 93.8% on v14");
    expect(message.lines[0]).toBe(
      "Rolled back to v14: 93.8% (interval 91.5% to 96.1%, n = 412 judged) on v14.",
    );
    expect(message.preview).toBe(
      "[SEV2 resolved] ticket-summary: faithfulness is 93.8% on v14, rolled back to v14. Nothing to do.",
    );
  });

  test("watching shows its progress", () => {
    expect(render({}, [rolledBack(37)]).lines[0]).toContain(
      "watching: 37 of 100 judged conversations so far, at 93.8%",
    );
    expect(render({}, [rolledBack(0)]).lines[0]).toBe(
      "Rolled back to v14, watching: 0 of 100 judged conversations so far.",
    );
  });

  test("the reply of an edit tells what happened since the last one", () => {
    const state = incident({}, [{ ...head, type: "acknowledged" }, rolledBack(412)]);
    expect(replySince(state, 1)).toBe(
      "10:06 UTC · Acknowledged by lee.\n10:06 UTC · Resolved: rolled back to v14.",
    );
    expect(replySince(state, state.revision)).toBe("");
  });

  test("a version without a number is shortened like everywhere else", () => {
    const { prompt_version } = detection().incumbent!;
    const event: IncidentEvent = {
      ...head,
      type: "recovered",
      cause: "rollback",
      current: { prompt_version, units: 412, calls: 412, mean: 0.938, interval: [0.915, 0.961] },
    };
    const message = render({}, [event]);
    expect(message.lines[0]).toMatch(/^Rolled back to 9be07d1c3f42: 93.8%/);
    expect(JSON.stringify(message)).not.toContain("sha256:");
    expect(replySince(incident({}, [event]), 1)).toBe("10:06 UTC · Resolved: rolled back to 9be07d1c3f42.");
  });

  test.each<{ cause: RecoveryCause; line: string }>([
    { cause: "rollback", line: "Rolled back to v16" },
    { cause: "new_version", line: "Fixed by v16" },
    { cause: "by_itself", line: "Recovered without a change of version" },
  ])("the way out is said by its cause: $cause", ({ cause, line }) => {
    const current = { ...detection().incumbent!, prompt_version: "sha256:ab", number: 16, units: 412 };
    const message = render(numbered, [{ ...head, type: "recovered", cause, current }]);
    expect(message.lines[0]).toBe(`${line}: 94.1% (interval 93.6% to 94.6%, n = 412 judged) on v16.`);
  });

  test("no number is claimed of what was not measured again", () => {
    const current = { ...detection().incumbent!, units: 412, mean: null, interval: null };
    const message = render(numbered, [{ ...head, type: "recovered", cause: "rollback", current }]);
    expect(message.title).toBe("ticket-summary: faithfulness over: rolled back to v14");
    expect(message.lines[0]).toBe("Rolled back to v14.");
  });

  test("a new episode is a new message", () => {
    const again: IncidentEvent = {
      ...head,
      type: "detected",
      at: "2026-11-27T10:00:00.000Z",
      detection: detection(),
    };
    expect(render({}, [rolledBack(412), again]).incident_id).toBe("inc_4f1c9a2b77d09be0-2");
  });
});

test("limits hold for any names and every kind, and the preview still says what to do", () => {
  const name = fc.string({ minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(name, name, fc.constantFrom(...STORED_DETECTIONS), (use_case, label, stored) => {
      const of = { ...stored, use_case, metric: { ...stored.metric, label } } as Detection;
      const state = foldIncident(null, { ...head, type: "detected", detection: of });
      const message = renderMessage(state!, links);
      expect(message.preview.length).toBeLessThanOrEqual(PREVIEW_LENGTH_MAX);
      expect(message.title.length).toBeLessThanOrEqual(TITLE_LENGTH_MAX);
      expect(message.preview.startsWith(`[${stored.severity}] `)).toBe(true);
    }),
    { seed: 7 },
  );
  expect(render({ use_case: "u".repeat(300) }).preview).toMatch(
    /Roll back to 9be07d1c3f42, or acknowledge\.$/,
  );
});

test("every kind of detection has a runbook", () => {
  for (const name of Object.values(RUNBOOKS)) {
    expect(existsSync(join(runbooksDir(), `${name}.md`)), name).toBe(true);
  }
});

test.each([
  { text: formatValue(0.9998, "share"), expected: "99.98%" },
  { text: formatValue(1, "share"), expected: "100%" },
  { text: formatValue(0, "share"), expected: "0%" },
  { text: formatValue(0.0031, "share"), expected: "0.31%" },
  { text: formatValue(0.5, "share"), expected: "50.0%" },
  { text: formatDifference(-0.152, "share"), expected: "−15.2 pp" },
  { text: formatDifference(0.0001, "share"), expected: "0.0 pp" },
  { text: formatDifference(-0.0012, "usd"), expected: "−$0.00120" },
  { text: formatInterval([0.216, 0.317], "psi"), expected: "PSI 0.216 to 0.317" },
  { text: formatValue(0.356, "auc"), expected: "AUC 0.86" },
  { text: formatValue(1, "calls"), expected: "1 call" },
  { text: formatValue(12.5, "usd"), expected: "$12.50" },
])("a number reads $expected", ({ text, expected }) => {
  expect(text).toBe(expected);
});

describe("after a rollback", () => {
  const back = (units: number): IncidentEvent => ({
    type: "recovered",
    incident_id: "inc_4f1c9a2b77d09be0",
    at: "2026-11-24T10:20:00.000Z",
    actor: "monitor",
    cause: "rollback",
    current: { ...detection().incumbent!, units, calls: units, mean: 0.938, interval: [0.9, 0.97] },
  });

  test("says who took the version back and when, and advises no rollback any more", () => {
    const message = render(numbered, [rolledBack]);
    expect(message.state).toBe("watching");
    expect(message.preview).toBe(
      "[SEV2 watching] ticket-summary: faithfulness fell 15.2 pp on v15 (94.1% → 78.9%). Rolled back to v14 by policy at 10:06 UTC, watching.",
    );
    expect(message.lines[0]).toBe("Rolled back to v14 by policy at 10:06 UTC, watching.");
    expect(JSON.stringify(message)).not.toMatch(/roll back/i);
  });

  test("tells the thread once, with the reason", () => {
    const before = incident(numbered);
    expect(replySince(foldIncident(before, rolledBack), before.revision)).toBe(
      "10:06 UTC · Rolled back to v14 by policy: The canary got worse.",
    );
  });

  test("then shows the progress, and at the end that the rollback did it", () => {
    expect(render(numbered, [rolledBack, back(20)]).lines[0]).toBe(
      "Rolled back to v14 by policy at 10:06 UTC, watching: 20 of 100 judged conversations so far, at 93.8% (interval 90.0% to 97.0%, n = 20 judged).",
    );
    const resolved = render(numbered, [rolledBack, back(20), back(400)]);
    expect(resolved.state).toBe("resolved");
    expect(resolved.lines[0]).toBe(
      "Rolled back to v14 by policy at 10:06 UTC: 93.8% (interval 90.0% to 97.0%, n = 400 judged) on v14.",
    );
  });
});

test("a model that changed behind the answers is named", () => {
  const drift = storedDetection("output_drift");
  const response_models = {
    before: { "gpt-0314": 1 },
    after: { "gpt-0613": 0.9, "gpt-0314": 0.1 },
    moved_share: 0.9,
    has_changed: true,
  };
  const moved = { ...drift, evidence: { ...drift.evidence, response_models } };
  const state = foldIncident(null, { ...head, type: "detected", detection: moved });
  expect(renderMessage(state!, links).lines).toContain(
    "The provider's model changed: gpt-0613 90%, gpt-0314 10% of the last day's calls, gpt-0314 100% of the day before. This says nothing about quality yet.",
  );
});

test("why nothing was rolled back by itself stands on the card, and what was, with the quarantine", () => {
  const head = { incident_id: "inc_4f1c9a2b77d09be0", at: "2026-11-24T10:05:00.000Z", actor: "policy" };
  const why = "people's labels do not calibrate the judge yet, 12 of 50 labels.";
  expect(render({}, [{ ...head, type: "policy_noted", did: "holds", why }]).lines[0]).toBe(
    `Nothing is rolled back by itself: ${why}`,
  );
  const because_of = {
    incident_id: head.incident_id,
    criterion: "faithfulness",
    effect: -0.152,
    interval: [-0.202, -0.102] as [number, number],
    judge: null,
    labels: 61,
  };
  const [how, byItself] = render({}, [{ ...rolledBack, because_of }]).lines;
  expect(how).toMatch(/^Rolled back to v14 by policy at/);
  expect(byItself).toBe(
    "By itself: the judge of this guardrail is calibrated by 61 labels of people. v15 is quarantined until it passes a new evaluation.",
  );
});
