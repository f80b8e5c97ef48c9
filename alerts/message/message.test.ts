import type { Message } from "@plumbline/ports";
import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Detection, IncidentEvent, QualityDetection, RecoveryCause } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { type Changes, detection, streams } from "../detection.fixture.ts";
import type { IncidentState } from "../incident/incident-state.ts";
import { foldIncident } from "../incident/lifecycle.ts";
import { PREVIEW_LENGTH_MAX, renderMessage, replySince, TITLE_LENGTH_MAX } from "./message.ts";
import { READING_PAGE, RUNBOOKS, runbooksDir } from "./next-steps.ts";
import { wordingProblems } from "./wording.fixture.ts";
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

const success = {
  name: "success rate",
  value: 0.9998,
  unit: "share" as const,
  interval: [0.9995, 0.9999] as const,
  n: 22_540,
};

describe("the message of a quality regression", () => {
  const change = {
    author: "ana",
    commit: "3fa9c1d0aa",
    is_same: false,
    fields: [],
    lines_added: 1,
    lines_removed: 0,
    lines: [{ op: "added" as const, text: "Be extra careful with financial information." }],
  };
  const message = render({ ...numbered, change, evidence: { normal: [success] } });

  test("the preview alone says severity, use case, effect, for whom, version and what to do", () => {
    expect(message.preview).toBe(
      "[SEV2] ticket-summary: faithfulness fell from 94.1% to 78.9% on v15, only requests that mention money. Roll back to v14.",
    );
  });

  test("says what to do first, then what got worse and for whom, how many, since when and by what, and what is as before", () => {
    expect(message.title).toBe("ticket-summary: faithfulness fell from 94.1% to 78.9% on v15");
    expect(message.command).toBe(
      "npx @plumbline/cli rollback ticket-summary --to v14 --reason inc_4f1c9a2b77d09be0",
    );
    expect(message.lines).toEqual([
      "Roll back to v14.",
      "Faithfulness fell by 15.2 points. Only requests that mention money got worse, from 94.4% to 9.9%. They are 18% of the calls and make up all of the fall.",
      "About 3,430 of 22,540 answers are worse than before (2,300 to 4,550).",
      "Since 24 Nov, 09:15 UTC, when v15 was first called. v15 is ana's change (commit 3fa9c1d): 1 line added.",
      "As before: success rate 99.98%.",
    ]);
    expect(message.quotes).toEqual([
      {
        title: "Prompt, v14 to v15",
        format: "diff",
        text: "+ Be extra careful with financial information.",
        call_ids: [],
        until: null,
      },
    ]);
  });

  test("small print says how sure, from what, and until when, in words", () => {
    expect(message.context).toEqual([
      "inc_4f1c9a2b77d09be0",
      "How sure: with 95% certainty the change is −20.2 to −10.2 points, however often one looks.",
      "1,127 of 22,540 answers were judged by faithfulness@3.",
      "Data until 24 Nov 2026, 10:02 UTC.",
    ]);
  });

  test("leads to the incident, to the runbook, and to how it is read", () => {
    expect(message.links.map((each) => each.url)).toEqual([
      "https://plumbline.example.com/u/ticket-summary?env=production&incident=inc_4f1c9a2b77d09be0",
      "https://example.com/runbooks/quality-regression.md",
      "https://example.com/runbooks/reading-an-alert.md",
    ]);
  });

  test("times are of the team's zone, and slices have the labels that the use case gives them", () => {
    const labels = { requests: "tickets", slices: { mentions_money: "about a payment" } };
    const { lines, context, preview } = renderMessage(incident({ ...numbered, labels }), {
      ...links,
      time_zone: "Europe/Berlin",
    });
    expect(lines.join(" ")).toContain("Since 24 Nov, 10:15 CET, when v15 was first called.");
    expect(lines.join(" ")).toContain("Only tickets about a payment got worse");
    expect(preview).toContain("only tickets about a payment");
    expect(context.at(-1)).toBe("Data until 24 Nov 2026, 11:02 CET.");
  });

  test("a command is printed only where the registry would take it, with names that a shell leaves alone", () => {
    expect(render().command).toBeNull();
    expect(render({ ...numbered, use_case: "it's", env: "staging" }).command).toBe(
      "npx @plumbline/cli rollback 'it'\\''s' --env staging --to v14 --reason inc_4f1c9a2b77d09be0",
    );
    expect(render(numbered, [rolledBack]).command).toBeNull();
  });

  test("what the registry does not know of the change is not said", () => {
    expect(render(numbered).quotes).toEqual([]);
    expect(render({ ...numbered, change: { ...change, is_same: true, lines: [] } }).lines.join()).toContain(
      "The prompt is the same.",
    );
  });
});

test.each<{ verdict: Detection["verdict"]; line: RegExp; preview: string }>([
  {
    verdict: "DISTRIBUTIONAL",
    line: /Only requests that mention money got worse/,
    preview: "only requests that mention money.",
  },
  {
    verdict: "MIXED",
    line: /Everybody got worse answers, requests that mention money the most/,
    preview: "most for requests that mention money.",
  },
  { verdict: "UNIFORM", line: /All kinds of requests got worse alike/, preview: "for everybody alike." },
  { verdict: "INCONCLUSIVE", line: /1,127 judged answers are too few to tell/, preview: "not known yet." },
  { verdict: null, line: /still being computed/, preview: "not known yet." },
])("verdict $verdict claims no more than it knows", ({ verdict, line, preview }) => {
  const message = render({ verdict });
  expect(message.lines.filter((each) => line.test(each))).toHaveLength(1);
  expect(message.preview).toContain(preview);
});

test("without evidence a sentence is left out, not guessed", () => {
  const { candidate } = detection();
  expect(render({ candidate: { ...candidate, units: 0 } }).lines.join()).not.toContain("fell by");
  expect(render({ interval: [Number.NaN, Number.NaN] }).lines.join()).not.toContain("fell by");
  expect(render({ interval: [Number.NaN, Number.NaN] }).context.join()).not.toContain("How sure");
  expect(render({ version_started_at: null }).lines.join()).not.toContain("Since");
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
    line: "What users send changed, not the prompt. Requests that mention money went from 18% to 41% of the calls, which explains 3.1 of the 3.4 points lost. Within each kind of request the answers are as good as before.",
  },
  {
    name: "it would have fallen further",
    changes: { mix: -0.04, within: 0.006 },
    line: "What users send changed, not the prompt. Requests that mention money went from 18% to 41% of the calls, which explains more than the whole fall of 3.4 points. Within each kind of request the answers are as good as before.",
  },
  {
    name: "something fell inside the slices too",
    changes: { mix: -0.02, within: -0.014, se_within: 0.002 },
    line: "What users send changed, not the prompt. Requests that mention money went from 18% to 41% of the calls, which explains 2.0 of the 3.4 points lost. Within each kind of request the answers fell a little as well.",
  },
  { name: "quality fell within", changes: { mix: -0.003, within: -0.031, input_shift: false }, line: null },
  { name: "chance may have mixed it", changes: { se_mix: 0.02 }, line: null },
  { name: "the mix made it better", changes: { mix: 0.031, within: 0.003, total: 0.034 }, line: null },
])("inputs that shifted are the cause only with numbers: $name", ({ changes, line }) => {
  const { lines, preview } = render({ evidence: { explanation: explained({ ...mix, ...changes }) } });
  const said = lines.find((each) => each.includes("What users send changed"));
  expect(said?.slice(said.indexOf("What users send")) ?? null).toBe(line);
  // A rollback is no answer to other inputs.
  expect(preview.includes("Look at what users send")).toBe(line !== null);
});

test("a fall that the old version shares, called at the same time, is not blamed on the new one", () => {
  const silent = render({ evidence: { detector: streams({ paired_silent: true }) } });
  expect(silent.lines.join("\n")).toContain(
    "The version before got worse in the same hours, so the deploy is not the cause.",
  );
  expect(silent.preview).toContain("Look at the model and its provider; a rollback does not help.");
  expect(render({ evidence: { detector: streams() } }).preview).toContain("Roll back to");
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

test("pairs without a difference keep the deploy from being blamed, also where other inputs are the cause", () => {
  const detector = streams({ paired_silent: true, paired: beside });
  expect(render({ ...numbered, evidence: { detector } }).lines.join("\n")).toContain(
    "v14 got worse in the same hours, so the deploy is not the cause. In the same hours it answers 0.4 points worse than v14, which may be chance.",
  );
  const shifted = render({ ...numbered, evidence: { detector, explanation: explained(mix) } });
  expect(shifted.lines.join("\n")).toContain("The deploy is not the cause. What users send changed");
  expect(shifted.preview).toContain("Look at what users send");
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
  expect(message).toContain(
    "84 requests were answered and judged under the version before and under the new version alike.",
  );
});

test("what a guardrail protects, and how much of the day was hit, stand with the severity", () => {
  const { fields, lines } = render({
    severity: "SEV1",
    evidence: {
      protects: "personal_data",
      impact: { degraded_calls: 3_426, day_calls: 31_000 },
      people: 1_204,
    },
  });
  expect(fields).toContainEqual({ label: "Protects", value: "personal data" });
  expect(lines.join("\n")).toContain(
    "About 3,430 of 22,540 answers are worse than before (2,300 to 4,550). That is 11% of the last day's 31,000 calls. 1,204 users sent requests that mention money since then.",
  );
});

test("the judge is named with its agreement with people, or with what is missing for it", () => {
  type Calibration = NonNullable<QualityDetection["evidence"]["judge_calibration"]>;
  const calibration = { reasons: [], labels: 120, labels_min: 50, kappa: 0.812, youden: 0.8 };
  const corrected = { effect: -0.183, interval: [-0.222, -0.144] as const };
  const calibrated: Calibration = { ...calibration, state: "calibrated", corrected };
  const context = (judge_calibration: Calibration): string =>
    render({ judge: "faithfulness@3", evidence: { judge_calibration } }).context.join("\n");
  expect(context(calibrated)).toContain(
    "It agrees with people at 0.81, where 1 is always and 0 is chance (120 labels).",
  );
  expect(context(calibrated)).toContain(
    "Without the judge's own errors the change is −18.3 points (−22.2 to −14.4).",
  );
  const few: Calibration = {
    ...calibration,
    state: "uncalibrated",
    labels: 12,
    reasons: ["too_few_labels"],
    corrected: null,
  };
  expect(context(few)).toContain("This judge was not compared with people yet: 12 of 50 labels.");
  const blind = { ...few, labels: 60, reasons: ["judge_uninformative"] };
  expect(context(blind)).toContain("does not match people's labels well enough: judge uninformative.");
});

test("a deploy of days ago is blamed where the detector says that it carries the alarm", () => {
  const cause = {
    kind: "own_change" as const,
    changed_at: "2026-11-20T08:00:00.000Z",
    models_before: [],
    models_since: [],
  };
  const message = render({ version_started_at: "2026-11-20T08:00:00.000Z", evidence: { cause } });
  expect(message.lines.join("\n")).toContain(
    "Since 20 Nov, 08:00 UTC, when the new version was first called.",
  );
});

test("a change that was no deploy is not blamed on the prompt, and a rollback is not offered for it", () => {
  const cause = {
    kind: "provider_change" as const,
    changed_at: "2026-11-24T08:00:00.000Z",
    models_before: ["gpt-0314"],
    models_since: ["gpt-0613"],
  };
  const message = render({ evidence: { cause } });
  expect(message.lines.join("\n")).toContain(
    "Since about 24 Nov, 08:00 UTC, when nobody deployed. The prompt is the same. The provider answers with gpt-0613 in place of gpt-0314.",
  );
  expect(message.preview).toContain("Look at the model and its provider");
  expect(render({ evidence: { cause: { ...cause, kind: "unknown" } } }).lines.join("\n")).toContain(
    "Same prompt, and the provider names the same model as before. Nobody deployed",
  );
  expect(render({ evidence: { cause: { ...cause, kind: "own_change" } } }).preview).toContain("Roll back to");
});

test("lexical scores are named as such", () => {
  expect(render({ judge: "lexical-faithfulness@3" }).context.join()).toContain(
    "The judge checks words and numbers; no language model reads the answers.",
  );
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
      "Rolled back to v14: 93.8% (91.5% to 96.1%, from 412 judged answers) on v14.",
    );
    expect(message.preview).toBe(
      "[SEV2 resolved] ticket-summary: faithfulness is 93.8% on v14, rolled back to v14. Nothing to do.",
    );
  });

  test("watching shows its progress", () => {
    expect(render({}, [rolledBack(37)]).lines[0]).toContain(
      "watching: 37 of 100 judged answers so far, at 93.8%",
    );
    expect(render({}, [rolledBack(0)]).lines[0]).toBe(
      "Rolled back to v14, watching: 0 of 100 judged answers so far.",
    );
  });

  test("the reply of an edit tells what happened since the last one", () => {
    const state = incident({}, [{ ...head, type: "acknowledged" }, rolledBack(412)]);
    expect(replySince(state, 1)).toBe(
      "24 Nov, 10:06 UTC · Acknowledged by lee.\n24 Nov, 10:06 UTC · Resolved: rolled back to v14.",
    );
    expect(replySince(state, state.revision)).toBe("");
  });

  test("a version without a number is called by its part", () => {
    const { prompt_version } = detection().incumbent!;
    const event: IncidentEvent = {
      ...head,
      type: "recovered",
      cause: "rollback",
      current: { prompt_version, units: 412, calls: 412, mean: 0.938, interval: [0.915, 0.961] },
    };
    const message = render({}, [event]);
    expect(message.lines[0]).toMatch(/^Rolled back to the version before: 93.8%/);
    expect(JSON.stringify(message)).not.toContain("sha256:");
    expect(replySince(incident({}, [event]), 1)).toBe(
      "24 Nov, 10:06 UTC · Resolved: rolled back to the version before.",
    );
  });

  test.each<{ cause: RecoveryCause; line: string }>([
    { cause: "rollback", line: "Rolled back to v16" },
    { cause: "new_version", line: "Fixed by v16" },
    { cause: "by_itself", line: "Recovered without a change of version" },
  ])("the way out is said by its cause: $cause", ({ cause, line }) => {
    const current = { ...detection().incumbent!, prompt_version: "sha256:ab", number: 16, units: 412 };
    const message = render(numbered, [{ ...head, type: "recovered", cause, current }]);
    expect(message.lines[0]).toBe(`${line}: 94.1% (93.6% to 94.6%, from 412 judged answers) on v16.`);
  });

  test("no number is claimed of what was not measured again", () => {
    const current = { ...detection().incumbent!, units: 412, mean: null, interval: null };
    const message = render(numbered, [{ ...head, type: "recovered", cause: "rollback", current }]);
    expect(message.title).toBe("ticket-summary: over, rolled back to v14 (faithfulness)");
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
  expect(render({ use_case: "u".repeat(300) }).preview).toMatch(/Roll back to the version before\.$/);
});

test("every kind of detection has a runbook", () => {
  for (const name of [...Object.values(RUNBOOKS), READING_PAGE]) {
    expect(existsSync(join(runbooksDir(), `${name}.md`)), name).toBe(true);
  }
});

test.each([
  { text: formatValue(0.9998, "share"), expected: "99.98%" },
  { text: formatValue(1, "share"), expected: "100%" },
  { text: formatValue(0, "share"), expected: "0%" },
  { text: formatValue(0.0031, "share"), expected: "0.31%" },
  { text: formatValue(0.5, "share"), expected: "50.0%" },
  { text: formatDifference(-0.152, "share"), expected: "−15.2 points" },
  { text: formatDifference(0.0001, "share"), expected: "0.0 points" },
  { text: formatDifference(-0.0012, "usd"), expected: "−$0.00120" },
  { text: formatInterval([0.216, 0.317], "psi"), expected: "0.216 to 0.317" },
  { text: formatValue(0.356, "auc"), expected: "0.86" },
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
      "[SEV2 watching] ticket-summary: faithfulness fell from 94.1% to 78.9% on v15. Rolled back to v14 by policy (24 Nov, 10:06 UTC), watching.",
    );
    expect(message.lines[0]).toBe("Rolled back to v14 by policy (24 Nov, 10:06 UTC), watching.");
    expect(JSON.stringify(message)).not.toMatch(/roll back/i);
  });

  test("tells the thread once, with the reason", () => {
    const before = incident(numbered);
    expect(replySince(foldIncident(before, rolledBack), before.revision)).toBe(
      "24 Nov, 10:06 UTC · Rolled back to v14 by policy: The canary got worse.",
    );
  });

  test("then shows the progress, and at the end that the rollback did it", () => {
    expect(render(numbered, [rolledBack, back(20)]).lines[0]).toBe(
      "Rolled back to v14 by policy (24 Nov, 10:06 UTC), watching: 20 of 100 judged answers so far, at 93.8% (90.0% to 97.0%, from 20 judged answers).",
    );
    const resolved = render(numbered, [rolledBack, back(20), back(400)]);
    expect(resolved.state).toBe("resolved");
    expect(resolved.lines[0]).toBe(
      "Rolled back to v14 by policy (24 Nov, 10:06 UTC): 93.8% (90.0% to 97.0%, from 400 judged answers) on v14.",
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
  expect(renderMessage(state!, links).lines.join("\n")).toContain(
    "The provider answers with gpt-0613 (90%), gpt-0314 (10%); the day before, with gpt-0314 (100%).",
  );
});

test("why nothing was rolled back by itself stands on the card, and what was, with the quarantine", () => {
  const head = { incident_id: "inc_4f1c9a2b77d09be0", at: "2026-11-24T10:05:00.000Z", actor: "policy" };
  const why = "people's labels do not calibrate the judge yet, 12 of 50 labels.";
  expect(render({}, [{ ...head, type: "policy_noted", did: "holds", why }]).lines[1]).toBe(
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
  expect(how).toMatch(/^Rolled back to v14 by policy/);
  expect(byItself).toBe(
    "By itself: the judge of this guardrail is calibrated by 61 labels of people. v15 is quarantined until it passes a new evaluation.",
  );
});

test("no alert of any kind has a name of code, an unexplained term, a lone hash or a long sentence", () => {
  const events: readonly (readonly IncidentEvent[])[] = [
    [],
    [{ ...head, type: "acknowledged" }],
    [{ ...head, type: "snoozed", until: "2026-11-25T08:00:00.000Z" }],
    [{ ...head, type: "dismissed", why: "wanted" }],
    [{ ...head, type: "recovered", cause: "by_itself", current: { ...detection().candidate, units: 500 } }],
  ];
  for (const stored of STORED_DETECTIONS) {
    for (const later of events) {
      const first = foldIncident(null, { ...head, type: "detected", detection: stored });
      const state = later.reduce<IncidentState>((all, event) => foldIncident(all, event), first!);
      const message = renderMessage(state, links);
      // The label of an old record.
      const names = [stored.use_case, stored.judge ?? "", ", the p95 before"];
      expect(wordingProblems(message, names)).toEqual([]);
    }
  }
});

test("a card of what is over orders nothing", () => {
  const over: IncidentEvent = { ...head, type: "dismissed", why: "wanted." };
  const { lines, command, quotes } = render(numbered, [over]);
  expect(lines[0]).toBe("Not a regression, says lee: wanted. Recorded as a false alarm.");
  expect(lines.join(" ")).not.toMatch(/roll back|look at|check|run /i);
  expect({ command, quotes }).toEqual({ command: null, quotes: [] });
});
