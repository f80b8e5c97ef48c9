import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { DETECTION_KINDS, type Detection, type IncidentEvent } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { detection } from "./detection.fixture.ts";
import { foldIncident, type IncidentState } from "./lifecycle.ts";
import {
  PREVIEW_LENGTH_MAX,
  renderMessage,
  replySince,
  TITLE_LENGTH_MAX,
  type IncidentMessage,
} from "./message.ts";
import { formatDifference, formatValue } from "./quantity.ts";
import { RUNBOOKS, runbooksDir } from "./runbook.ts";
import { sliceInterval } from "./slice-interval.ts";

const links = { runbooks_url: "https://example.com/runbooks", console_url: "https://plumbline.example.com" };
const labels = { candidate_label: "v15", incumbent_label: "v14" };

function incident(changes: Partial<Detection> = {}, events: readonly IncidentEvent[] = []): IncidentState {
  const first = foldIncident(null, {
    type: "detected",
    incident_id: "inc_4f1c9a2b77d09be0",
    at: "2026-11-24T10:02:10.000Z",
    actor: "monitor",
    detection: detection(changes),
  });
  return events.reduce<IncidentState>((state, event) => foldIncident(state, event), first!);
}

const render = (changes: Partial<Detection> = {}, events: readonly IncidentEvent[] = []): IncidentMessage =>
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
};

const head = { incident_id: "inc_4f1c9a2b77d09be0", at: "2026-11-24T10:06:00.000Z", actor: "lee" };

describe("the message of a quality regression", () => {
  const message = render({ evidence: labels });

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
  expect(
    render({ evidence: { normal: [{ name: "success rate", value: 0.99 }] } }).lines.join(),
  ).not.toContain("Normal");
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
  const { lines, preview } = render({ evidence: { explanation: { mix: { ...mix, ...changes } } } });
  expect(lines.find((each) => each.startsWith("Inputs shifted")) ?? null).toBe(line);
  expect(lines.some((each) => each.startsWith("Likely cause"))).toBe(line === null);
  // A rollback is no answer to other inputs.
  expect(preview.includes("Look at what users send")).toBe(line !== null);
});

test("a fall that the old version shares, called at the same time, is not blamed on the new one", () => {
  const silent = render({ evidence: { detector: { paired_silent: true } } });
  expect(silent.lines.join("\n")).toMatch(/Coincides with the deploy, not caused by it: the old version/);
  expect(silent.lines.join("\n")).not.toContain("Likely cause");
  expect(silent.preview).toContain("Look upstream");
  const speaking = render({ evidence: { detector: { paired_silent: false } } });
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
  const { lines } = render({ evidence: { ...labels, detector: { paired_silent: false, paired } } });
  expect(lines.slice(2, 4)).toEqual([
    "Likely cause: the change to v15, first called 09:15 UTC, 47 min before the end of the window.",
    "Side by side with v14: 4.2 points worse in 180 pairs of conversations from the same hours, more than chance explains.",
  ]);
});

test("pairs without a difference keep the deploy from being blamed, also where other inputs are the cause", () => {
  const detector = { paired_silent: true, paired: beside };
  const { lines } = render({ evidence: { ...labels, detector } });
  expect(lines.slice(2, 4)).toEqual([
    "Coincides with the deploy, not caused by it: the old version, called beside v15, fell as well. Look upstream: model, provider, inputs.",
    "Side by side with v14: 0.4 points worse in 180 pairs of conversations from the same hours, which chance may explain.",
  ]);
  const shifted = render({ evidence: { detector, explanation: { mix } } });
  expect(shifted.lines).toContain(
    "Coincides with the deploy, not caused by it. Inputs shifted, quality per slice did not: mentions_money 18% → 41% of calls explains 3.1 of 3.4 points.",
  );
  expect(shifted.preview).toContain("Look at what users send");
});

test("evidence that does not parse takes nothing else with it", () => {
  const detector = { paired_silent: true, affected: "all", paired: { pairs: "many" } };
  const explanation = { mix: null, units_needed: 305 };
  const { lines } = render({ verdict: "INCONCLUSIVE", evidence: { detector, explanation } });
  expect(lines.join("\n")).toContain("Coincides with the deploy, not caused by it");
  expect(lines.join("\n")).toContain("about 305 more judged units to say where");
  expect(lines.join("\n")).not.toMatch(/ffected|Side by side/);
  const shift = render({ evidence: { explanation: { mix, units_needed: "many" } } });
  expect(shift.lines.join("\n")).toContain("Inputs shifted, quality per slice did not");
});

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
    ...labels,
    detector: { affected: names, paired: { ...beside, difference: 0.042 } },
    normal: [{ name: "success rate", value: 0.9998, unit: "share", interval: [0.9995, 0.9999], n: 22_540 }],
  };
  const { lines } = render({ slices: [money!, english!, german], evidence }, [rolledBack]);
  expect(lines).toHaveLength(7);
  // Ten lines and 3,000 characters a section, shared evenly; a character less for the line's end, two for bold.
  for (const line of lines) {
    const escaped = line.replaceAll("&", "&amp;");
    expect(escaped.length, line).toBeLessThanOrEqual(Math.floor(3_000 / lines.length) - 3);
  }
});

test("a difference on the same inputs says that both versions were judged on them", () => {
  const message = JSON.stringify(render({ evidence: { same_inputs: 84 } }));
  expect(message).toContain("84 inputs judged under both versions, of 22,540 calls");
  expect(JSON.stringify(render({ evidence: { same_inputs: -1 } }))).toContain("1,127 judged of 22,540 calls");
});

test("inputs that moved say which share of calls, and what it did to quality when that is known", () => {
  const moved = { names: ["no", "yes"], reference: [820, 180], current: [59, 41] };
  const drift = { kind: "input_drift", metric: "mentions_money", verdict: null } as const;
  expect(render({ ...drift, evidence: moved }).lines).toContain(
    "The inputs moved, not the prompt: mentions_money 18% → 41% of calls. This says nothing about quality yet.",
  );
  expect(render({ ...drift, evidence: { ...moved, explanation: { mix } } }).lines).toContain(
    "Inputs shifted, quality per slice did not: mentions_money 18% → 41% of calls explains 3.1 of 3.4 points.",
  );
  expect(
    render({ ...drift, metric: "in_words", evidence: { names: ["0"], reference: [1], current: [1] } }).lines,
  ).toContain("The inputs moved, not the prompt. This says nothing about quality yet.");
});

test("what is normal is said with interval and n", () => {
  const normal = [
    { name: "success rate", value: 0.9998, unit: "share", interval: [0.9995, 0.9999], n: 22_540 },
  ];
  expect(render({ evidence: { normal } }).lines).toContain(
    "Normal: success rate 99.98% (95% interval 99.95% to 99.99%, n = 22,540).",
  );
});

test("the judge is named with its agreement with people, or with what is missing for it", () => {
  const calibration = { reasons: [], labels: 120, labels_min: 50, kappa: 0.812 };
  const corrected = { effect: -0.183, interval: [-0.222, -0.144] };
  const calibrated = { ...calibration, state: "calibrated", corrected };
  const context = (judge_calibration: object): string =>
    render({ judge: "faithfulness@3", evidence: { judge_calibration } }).context.join("\n");
  expect(context(calibrated)).toContain("judge faithfulness@3 (κ 0.81 vs humans, n = 120)");
  expect(context(calibrated)).toContain("corrected for the judge's errors -18.3 points [-22.2, -14.4]");
  const few = {
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
    kind: "own_change",
    changed_at: "2026-11-20T08:00:00.000Z",
    models_before: [],
    models_since: [],
  };
  const message = render({ version_started_at: "2026-11-20T08:00:00.000Z", evidence: { cause } });
  expect(message.lines[2]).toMatch(/^Likely cause: the change to .*, first called 2026-11-20 08:00 UTC, 4 d/);
});

test("a change that was no deploy is not blamed on the prompt, and a rollback is not offered for it", () => {
  const cause = {
    kind: "provider_change",
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

test.each<{ name: string; changes: Partial<Detection>; title: string; line: RegExp }>([
  {
    name: "coverage says that nothing is known, and counts exactly",
    changes: {
      kind: "coverage",
      metric: "judged_share",
      incumbent: null,
      verdict: null,
      candidate: { ...detection().candidate, units: 0, calls: 0, mean: 0, interval: [0, 0] },
    },
    title: "ticket-summary: judged_share at 0% on 4f1c9a2b77d0",
    line: /^0 judged of 0 calls/,
  },
  {
    name: "coverage of versions names the application and what to do",
    changes: {
      kind: "coverage",
      metric: "known_versions",
      incumbent: null,
      verdict: null,
      candidate: { ...detection().candidate, units: 0, calls: 1_000, mean: 0.1, interval: [0.1, 0.1] },
      evidence: { apps: ["support-desk"] },
    },
    title: "ticket-summary: 90% of calls have one prompt version too many",
    line: /App support-desk sends more than 100 prompt versions a day/,
  },
  {
    name: "coverage of use cases names the application and what to do",
    changes: {
      kind: "coverage",
      use_case: "_overflow",
      metric: "known_use_cases",
      incumbent: null,
      verdict: null,
      candidate: { ...detection().candidate, units: 0, calls: 1_000, mean: 0, interval: [0, 0] },
      evidence: { apps: ["support-desk"] },
    },
    title: "_overflow: calls have one use case too many",
    line: /App support-desk sends more than 1000 use cases a day/,
  },
  {
    name: "coverage of jobs quotes the error",
    changes: {
      kind: "coverage",
      metric: "job_runs",
      incumbent: null,
      verdict: null,
      candidate: { ...detection().candidate, units: 0, calls: 0, mean: 0, interval: [0, 0] },
      evidence: { jobs: [{ job: "measures", error: "too many rows" }] },
    },
    title: "ticket-summary: not looked at by job measures",
    line: /The monitor could not look: too many rows/,
  },
  {
    name: "latency is in milliseconds",
    changes: {
      kind: "latency",
      metric: "latency_ms_p95",
      verdict: null,
      effect: 1280,
      interval: [900, 1660],
      candidate: { ...detection().candidate, mean: 3120 },
      incumbent: { ...detection().incumbent!, mean: 1840 },
    },
    title: "ticket-summary: latency_ms_p95 up 1,280 ms on 4f1c9a2b77d0",
    line: /^1,840 ms → 3,120 ms \(Δ \+1,280 ms, 95% always-valid interval \+900 ms to \+1,660 ms\), 22,540 calls/,
  },
  {
    name: "cost keeps small amounts readable",
    changes: {
      kind: "cost",
      metric: "cost_usd",
      verdict: null,
      effect: 0.0012,
      interval: [0.001, 0.0014],
      candidate: { ...detection().candidate, mean: 0.0053 },
      incumbent: { ...detection().incumbent!, mean: 0.0041 },
    },
    title: "ticket-summary: cost_usd up $0.00120 on 4f1c9a2b77d0",
    line: /^\$0\.00410 → \$0\.00530/,
  },
  {
    name: "input drift claims nothing about quality",
    changes: { kind: "input_drift", metric: "psi", verdict: null, effect: 0.31, interval: [0.27, 0.36] },
    title: "ticket-summary: psi moved 0.310 on 4f1c9a2b77d0",
    line: /This says nothing about quality yet/,
  },
])("$name", ({ changes, title, line }) => {
  const message = render(changes);
  expect(message.title).toBe(title);
  expect(message.lines.filter((each) => line.test(each))).toHaveLength(1);
});

describe("an incident that moved on", () => {
  const rolledBack = (units: number): IncidentEvent => ({
    ...head,
    type: "recovered",
    how: "rolled back to v14 by lee",
    current: { ...detection().incumbent!, units, mean: 0.938, interval: [0.915, 0.961] },
  });

  test("resolved says how, the recovered number with interval and n, and asks for nothing", () => {
    const message = render({ evidence: labels }, [rolledBack(412)]);
    expect(message.title).toBe("ticket-summary: faithfulness back to 93.8% on v14");
    expect(message.lines[0]).toBe(
      "Rolled back to v14 by lee: 93.8% (interval 91.5% to 96.1%, n = 412 judged) on v14.",
    );
    expect(message.preview).toBe(
      "[SEV2 resolved] ticket-summary: faithfulness is 93.8% on v14, rolled back to v14 by lee. Nothing to do.",
    );
  });

  test("watching shows its progress", () => {
    expect(render({}, [rolledBack(37)]).lines[0]).toContain(
      "watching: 37 of 100 judged conversations so far, at 93.8%",
    );
    expect(render({}, [rolledBack(0)]).lines[0]).toBe(
      "Rolled back to v14 by lee, watching: 0 of 100 judged conversations so far.",
    );
  });

  test("the reply of an edit tells what happened since the last one", () => {
    const state = incident({}, [{ ...head, type: "acknowledged" }, rolledBack(412)]);
    expect(replySince(state, 1)).toBe(
      "10:06 UTC · Acknowledged by lee.\n10:06 UTC · Resolved: rolled back to v14 by lee.",
    );
    expect(replySince(state, state.revision)).toBe("");
  });

  test("a version in the cause of the recovery is shortened like everywhere else", () => {
    const { prompt_version } = detection().incumbent!;
    const event: IncidentEvent = {
      ...rolledBack(412),
      how: `rolled back to ${prompt_version}`,
    } as IncidentEvent;
    const message = render({ evidence: labels }, [event]);
    expect(message.lines[0]).toMatch(/^Rolled back to v14: 93.8%/);
    expect(JSON.stringify(message)).not.toContain("sha256:");
    expect(replySince(incident({ evidence: labels }, [event]), 1)).toBe(
      "10:06 UTC · Resolved: rolled back to v14.",
    );
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

test("limits hold for any names, and the preview still says what to do", () => {
  const name = fc.string({ minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(name, name, fc.constantFrom(...DETECTION_KINDS), (use_case, metric, kind) => {
      const message = render({ use_case, metric, kind });
      expect(message.preview.length).toBeLessThanOrEqual(PREVIEW_LENGTH_MAX);
      expect(message.title.length).toBeLessThanOrEqual(TITLE_LENGTH_MAX);
      expect(message.preview.startsWith("[SEV2] ")).toBe(true);
    }),
    { seed: 7 },
  );
  expect(render({ use_case: "u".repeat(300) }).preview).toMatch(
    /Roll back to 9be07d1c3f42, or acknowledge\.$/,
  );
});

test("every kind of detection has a runbook", () => {
  for (const kind of DETECTION_KINDS) {
    expect(existsSync(join(runbooksDir(), `${RUNBOOKS[kind]}.md`)), kind).toBe(true);
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
  { text: formatDifference(-420, "ms"), expected: "−420 ms" },
  { text: formatValue(12.5, "usd"), expected: "$12.50" },
])("a number reads $expected", ({ text, expected }) => {
  expect(text).toBe(expected);
});

test("the slice interval equals statsmodels' proportion_confint(20, 203, method='wilson')", () => {
  const [low, high] = sliceInterval(20 / 203, 203)!;
  expect(low).toBeCloseTo(0.0647, 3);
  expect(high).toBeCloseTo(0.1472, 3);
  expect(sliceInterval(0.5, 0)).toBeNull();
});

describe("after a rollback", () => {
  const back = (units: number): IncidentEvent => ({
    type: "recovered",
    incident_id: "inc_4f1c9a2b77d09be0",
    at: "2026-11-24T10:20:00.000Z",
    actor: "monitor",
    how: `rolled back to ${detection().incumbent!.prompt_version}`,
    current: { ...detection().incumbent!, units, calls: units, mean: 0.938, interval: [0.9, 0.97] },
  });

  test("says who took the version back and when, and advises no rollback any more", () => {
    const message = render({ evidence: labels }, [rolledBack]);
    expect(message.state).toBe("watching");
    expect(message.preview).toBe(
      "[SEV2 watching] ticket-summary: faithfulness fell 15.2 pp on v15 (94.1% → 78.9%). Rolled back to v14 by policy at 10:06 UTC, watching.",
    );
    expect(message.lines[0]).toBe("Rolled back to v14 by policy at 10:06 UTC, watching.");
    expect(JSON.stringify(message)).not.toMatch(/roll back/i);
  });

  test("tells the thread once, with the reason", () => {
    const before = incident({ evidence: labels });
    expect(replySince(foldIncident(before, rolledBack), before.revision)).toBe(
      "10:06 UTC · Rolled back to v14 by policy: The canary got worse.",
    );
  });

  test("then shows the progress, and at the end that the rollback did it", () => {
    expect(render({ evidence: labels }, [rolledBack, back(20)]).lines[0]).toBe(
      "Rolled back to v14 by policy at 10:06 UTC, watching: 20 of 100 judged conversations so far, at 93.8% (interval 90.0% to 97.0%, n = 20 judged).",
    );
    const resolved = render({ evidence: labels }, [rolledBack, back(20), back(400)]);
    expect(resolved.state).toBe("resolved");
    expect(resolved.lines[0]).toBe(
      "Rolled back to v14 by policy at 10:06 UTC: 93.8% (interval 90.0% to 97.0%, n = 400 judged) on v14.",
    );
  });
});
