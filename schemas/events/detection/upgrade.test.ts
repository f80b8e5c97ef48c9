import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { IncidentEvent } from "./incident-event.ts";

/** As the code of November 2026 wrote them: what the tests of its jobs appended. */
const LINES = readFileSync(new URL("./before-contract.fixture.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n");
const stored = LINES.map((line) => JSON.parse(line) as Record<string, unknown>);
const read = stored.map((event) => IncidentEvent.parse(event));

test("every incident that was stored before the contract is read, with its numbers, under the same id", () => {
  expect(read).toHaveLength(LINES.length);
  for (const [i, event] of read.entries()) {
    if (event.type !== "detected") continue;
    const old = stored[i]!["detection"] as Record<string, unknown>;
    const { metric, evidence: _, ...kept } = event.detection;
    const { metric: name, evidence: __, ...before } = old;
    expect(kept).toEqual(before);
    expect(metric.name).toBe(name);
    expect(event.incident_id).toBe(stored[i]!["incident_id"]);
  }
});

test("each gets the measure and the unit that the old name stood for", () => {
  const found = read.flatMap((event) =>
    event.type === "detected" && event.detection.kind !== "quality"
      ? [
          `${event.detection.evidence.measure} ${event.detection.metric.unit}: ${event.detection.metric.label}`,
        ]
      : [],
  );
  expect(found).toEqual([
    "job_runs share: job_runs",
    "job_runs share: job_runs",
    "stored_share share: stored_share",
    "success_rate share: success rate",
    "primary_share share: answers from the primary model",
    "share_within share: calls within 939 ms",
    "cached_prefix_share share: calls with a cached prefix",
    "cost_per_call usd: cost per call",
    "input_slice psi: mentions_money",
    "input_number psi: in_chars",
    "input_text auc: in_text",
    "output_feature psi: out_masks",
    "output_feature psi: out_masks",
    "judge_agreement share: faithfulness",
    "judged_share share: judged_share",
    "scored_share share: scored_share",
    "verdict_count share: verdict_count",
    "sampled_calls share: sampled_calls",
    "known_versions share: known_versions",
    "traffic calls: traffic",
  ]);
});

test("evidence of quality keeps everything that decides, and what it says of the cause", () => {
  const [concentrated, , , beside, pairs, provider] = read.map((event) =>
    event.type === "detected" && event.detection.kind === "quality" ? event.detection.evidence : null,
  );
  expect(concentrated).toMatchObject({
    detector: { kind: "streams", level: "page" },
    explanation: { mix: { total: expect.any(Number) } },
    damage: { drop: expect.any(Number) },
    reference: { units: expect.any(Number) },
  });
  expect(concentrated?.snapshot_id).toMatch(/^[0-9a-f]{32}$/);
  expect(beside?.detector).toMatchObject({ paired: { pairs: expect.any(Number) } });
  expect(pairs?.detector).toMatchObject({ kind: "same_input_pairs", level: "ticket" });
  expect(provider?.cause?.kind).toBe("provider_change");
});

test("the sentence of an old recovery becomes its cause", () => {
  const causes = read.flatMap((event, i) =>
    event.type === "recovered" ? [`${String(stored[i]!["how"]).slice(0, 24)}: ${event.cause}`] : [],
  );
  expect(causes).toEqual([
    "the judge agrees with it: by_itself",
    "replaced by the judge b: new_version",
    "it is looked at again: gap_closed",
    "every record of the last: gap_closed",
    "rolled back to v1: rollback",
    "the shift is gone: by_itself",
    "calls are judged again: gap_closed",
    "calls arrive again: gap_closed",
    "rolled back to sha256:d7: rollback",
    "recovered: by_itself",
    "recovered without a chan: by_itself",
    "fixed by v3: new_version",
    "replaced by v3: new_version",
    "the outputs are as befor: by_itself",
    "calls are scored again: gap_closed",
  ]);
});

test("a part of the evidence that makes no sense takes nothing else with it", () => {
  const [quality] = stored;
  const detection = quality!["detection"] as { evidence: Record<string, unknown> };
  const evidence = { ...detection.evidence, cause: "ours", explanation: { units_needed: "many" }, normal: 7 };
  const event = IncidentEvent.parse({ ...quality, detection: { ...detection, evidence } });
  const upgraded = event.type === "detected" && event.detection.kind === "quality" ? event.detection : null;
  expect(upgraded?.evidence).toMatchObject({ cause: null, explanation: null, normal: [] });
  expect(upgraded?.evidence.detector?.level).toBe("page");
});

test("an event of today is read as it is", () => {
  for (const event of read) expect(IncidentEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
});
