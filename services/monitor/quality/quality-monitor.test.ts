/** What the monitor asserts and what it leaves alone, on rows in memory. */
import { type Detection, HOUR_MS } from "@plumbline/schemas";
import { describe, expect, test } from "vitest";
import { storedDetection } from "../../../alerts/message/stored-detections.fixture.ts";
import { BAD, GOOD, type Served, setUp } from "./quality-world.fixture.ts";
import type { QualityOptions } from "./quality-monitor.ts";
import { iso } from "../units/series.ts";

const DAY = 24;

test("a fall on a guardrail is a SEV2 of one incident, asserted again as its evidence grows and not for every unit", async () => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve(BAD);
  const events = await monitor.detected();
  expect(new Set(events.map((event) => event.incident_id)).size).toBe(1);
  expect(events.at(-1)!.detection).toMatchObject({ severity: "SEV2", candidate: { prompt_version: "v2" } });
  expect(events.length).toBeLessThan(12);
  const units = events.map((event) => event.detection.candidate.units);
  expect(units).toEqual(units.toSorted((a, b) => a - b));
  await monitor.run();
  expect(await monitor.detected()).toHaveLength(events.length);
});

test("a fall on a signal criterion never wakes anybody", async () => {
  const monitor = setUp();
  await monitor.serve({ ...GOOD, is_guardrail: false });
  await monitor.serve({ ...BAD, is_guardrail: false });
  expect(new Set((await monitor.detected()).map((event) => event.detection.severity))).toEqual(
    new Set(["SEV3"]),
  );
});

test("a fall of a guardrail that protects personal data is a SEV1", async () => {
  const monitor = setUp();
  await monitor.serve({ ...GOOD, protects: "personal_data" });
  await monitor.serve({ ...BAD, protects: "personal_data" });
  const found = await monitor.found();
  expect(found.at(-1)).toMatchObject({ severity: "SEV1", evidence: { protects: "personal_data" } });
  // A ticket wakes nobody, whatever it is about.
  for (const { severity, evidence } of found)
    expect(severity).toBe(evidence.detector?.level === "page" ? "SEV1" : "SEV3");
});

test("a fall that hits more than 5% of the day's calls is a SEV1, and is raised to it when it comes to that", async () => {
  const monitor = setUp({ callsPerUnit: 20 });
  await monitor.serve({ ...GOOD, perHour: 40 });
  await monitor.serve({ ...BAD, perHour: 40, quality: 0.78 });
  const found = await monitor.found();
  const pages = found.filter(({ evidence }) => evidence.detector?.level === "page");
  const shares = pages.map(({ evidence: { impact } }) => impact!.degraded_calls / impact!.day_calls);
  expect(pages.map(({ severity }) => severity)).toEqual(
    shares.map((share) => (share > 0.05 ? "SEV1" : "SEV2")),
  );
  expect(new Set(pages.map(({ severity }) => severity))).toEqual(new Set(["SEV2", "SEV1"]));
  // A seventh fewer good answers, all day long: no more than that part of the day is hit.
  expect(Math.max(...shares)).toBeLessThan(0.2);
});

test("without tickets nothing is asserted below the evidence of a page", async () => {
  const monitor = setUp({ tickets: false });
  await monitor.serve(GOOD);
  await monitor.serve(BAD);
  const [first] = await monitor.detected();
  expect(first!.detection).toMatchObject({ severity: "SEV2", evidence: { detector: { level: "page" } } });
});

test("a version that a person dismissed is not asserted again", async () => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve({ ...BAD, hours: 12 });
  const events = await monitor.detected();
  const { incident_id } = events[0]!;
  await monitor.append({
    type: "dismissed",
    incident_id,
    at: iso(monitor.clock.now()),
    actor: "ann",
    why: "expected",
  });
  await monitor.serve({ ...BAD, hours: 2 * DAY });
  expect(await monitor.detected()).toHaveLength(events.length);
});

test("a dismissal ends with what it dismissed: the version that comes back and falls again is asserted anew", async () => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve({ ...BAD, hours: 12 });
  const { incident_id } = (await monitor.detected())[0]!;
  const dismissed = { type: "dismissed", incident_id, actor: "ann", why: "expected" } as const;
  await monitor.append({ ...dismissed, at: iso(monitor.clock.now()) });
  await monitor.serve({ ...GOOD, hours: 4 * DAY });
  const before = (await monitor.detected()).length;
  await monitor.serve({ ...BAD, hours: 3 * DAY });
  const after = await monitor.detected();
  expect(after.length).toBeGreaterThan(before);
  expect(after.at(-1)!.incident_id).toBe(incident_id);
});

test("a successor of a regressed version is held against the last good one, not against the damage", async () => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve(BAD);
  await monitor.serve({ ...BAD, version: "v3" });
  expect((await monitor.detected()).at(-1)!.detection).toMatchObject({
    candidate: { prompt_version: "v3" },
    incumbent: { prompt_version: "v1" },
  });
});

test.each([
  { name: "an unchanged version", served: { ...GOOD, version: "v2", hours: 6 * DAY } },
  { name: "a better version", served: { ...GOOD, version: "v2", quality: 0.98, hours: 6 * DAY } },
  { name: "no version, of untagged calls", served: { ...BAD, version: "" } },
])("$name is no regression", async ({ served }) => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve(served);
  expect(await monitor.detected()).toEqual([]);
});

test("too little history is no baseline, and nothing is asserted about it", async () => {
  const monitor = setUp();
  await monitor.serve({ ...GOOD, hours: 6 });
  await monitor.serve({ ...BAD, hours: 24 });
  expect(await monitor.detected()).toEqual([]);
});

test("a version that is a little worse is neither paged nor cleared, and says how much more it needs than was planned", async () => {
  const world = setUp();
  await world.serve(GOOD);
  await world.serve({ ...GOOD, version: "v2", quality: 0.895, hours: 10 * DAY });
  expect(await world.detected()).toEqual([]);
  const state = world.statesNow().find(({ prompt_version }) => prompt_version === "v2")!;
  expect(state).toMatchObject({ state: "WATCHING", units: 2400 });
  expect(state.units_needed).toBeGreaterThan(100);
});

test("a use case of another replica is left alone", async () => {
  const monitor = setUp({}, () => false);
  await monitor.serve(GOOD);
  await monitor.serve(BAD);
  expect(await monitor.detected()).toEqual([]);
});

test("a judge under suspicion suspends the alarms of its use case", async () => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve({ ...BAD, hours: 12 });
  const [event] = await monitor.detected();
  const other = setUp();
  await other.serve(GOOD);
  await other.append({
    ...event!,
    incident_id: "inc_judge",
    detection: { ...storedDetection("judge_drift"), ...useCaseOf(event!.detection) },
  });
  await other.serve(BAD);
  expect((await other.detected()).map((each) => each.detection.kind)).toEqual(["judge_drift"]);
});

test("verdicts that come late, after their hour was closed, are counted in it", async () => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve({ ...GOOD, version: "v2", hours: DAY });
  const template = monitor.units.at(-1)!;
  const late = Array.from({ length: 25 }, (_, i) => ({
    ...template,
    judged_at: iso(monitor.clock.now() - 12 * HOUR_MS + i),
    call_id: `late-${i}`,
  }));
  monitor.units.splice(
    monitor.units.findIndex((row) => row.judged_at > late[0]!.judged_at),
    0,
    ...late,
  );
  await monitor.serve({ ...GOOD, version: "v2", hours: 3 });
  const state = monitor.statesNow().find((each) => each.prompt_version === "v2");
  expect(state?.units).toBe((DAY + 3) * 10 + 25);
});

test("a restart freezes no second baseline, and every hour of evidence is stored with its snapshot", async () => {
  const monitor = setUp();
  await monitor.serve(GOOD);
  await monitor.serve({ ...GOOD, version: "v2", hours: DAY });
  const frozen = (await monitor.store.baselines({ since: "" })).length;
  monitor.restart();
  await monitor.serve({ ...GOOD, version: "v2", hours: DAY });
  const baselines = await monitor.store.baselines({ since: "" });
  expect(baselines).toHaveLength(frozen);
  const snapshot = baselines.find((row) => row.prompt_version === "v2")!.snapshot_id;
  const hours = new Set(
    monitor.evidence
      .filter((row) => row.snapshot_id === snapshot && row.stream === "all")
      .map((row) => row.hour),
  );
  expect(hours.size).toBeGreaterThanOrEqual(2 * DAY - 6);
});

describe("the same inputs under both versions", () => {
  const OLD: Served = { version: "v1", hours: 24, quality: 1, inputs: 200 };
  const WORSE: Served = { version: "v2", hours: 21, quality: 0.9, inputs: 200 };

  test("answered a little worse make a ticket of the pairs, asserted once, also over a restart", async () => {
    const monitor = setUp();
    await monitor.serve(OLD);
    await monitor.serve(WORSE);
    const events = await monitor.detected();
    const { detection } = events.at(-1)!;
    expect(detection).toMatchObject({
      kind: "quality",
      severity: "SEV3",
      method: "paired by identical input, betting e-process",
      candidate: { prompt_version: "v2" },
      incumbent: { prompt_version: "v1", units: detection.candidate.units },
      evidence: { detector: { level: "ticket", pairs: detection.candidate.units, tempering: 1 } },
    });
    expect(detection.effect).toBeCloseTo(-0.1 * 0.6, 2);
    expect(detection.interval[1]).toBeLessThan(-0.01);
    expect(detection.interval[0]).toBeLessThan(detection.effect);
    expect(new Set(events.map((event) => event.incident_id)).size).toBe(1);
    monitor.restart();
    await monitor.run();
    expect(await monitor.detected()).toHaveLength(events.length);
    expect(monitor.states.map(({ state }) => state)).not.toContain("REGRESSED");
  });

  test("a page that comes later raises the same incident", async () => {
    const monitor = setUp();
    await monitor.serve(OLD);
    await monitor.serve(WORSE);
    const [ticket] = await monitor.detected();
    await monitor.serve({ ...WORSE, hours: 48, quality: 0.3 });
    const last = (await monitor.detected()).at(-1)!;
    expect(last.incident_id).toBe(ticket!.incident_id);
    expect(last.detection).toMatchObject({ severity: "SEV2", evidence: { detector: { level: "page" } } });
    expect(last.detection.method).not.toBe(ticket!.detection.method);
  });

  test.each<{ name: string; served: Served; options?: Partial<QualityOptions> }>([
    { name: "an unchanged version", served: { ...WORSE, quality: 1 } },
    { name: "a worse version on other inputs", served: { version: "v2", quality: 0.6, hours: 3 } },
    { name: "a worse version, while tickets are off", served: WORSE, options: { tickets: false } },
  ])("$name: no ticket", async ({ served, options }) => {
    const monitor = setUp(options);
    await monitor.serve(OLD);
    await monitor.serve(served);
    expect(await monitor.detected()).toEqual([]);
    expect(monitor.statesNow().find((each) => each.prompt_version === "v2")?.state).toBe("WATCHING");
  });

  test("a dismissed ticket is not asserted again", async () => {
    const monitor = setUp();
    await monitor.serve(OLD);
    await monitor.serve(WORSE);
    const events = await monitor.detected();
    const { incident_id } = events[0]!;
    const at = iso(monitor.clock.now());
    await monitor.append({ type: "dismissed", incident_id, at, actor: "ann", why: "shorter on purpose" });
    await monitor.serve({ ...WORSE, inputs: 400, hours: 42 });
    expect(await monitor.detected()).toHaveLength(events.length);
  });
});

function useCaseOf({ tenant, env, use_case }: Detection): Pick<Detection, "tenant" | "env" | "use_case"> {
  return { tenant, env, use_case };
}
