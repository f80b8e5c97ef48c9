/** What the monitor asserts and what it leaves alone, on rows in memory. */
import { IncidentFold } from "@plumbline/alerts";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import type { BaselineRow, EvidenceRow, JudgedUnitRow, QualityStateRow } from "@plumbline/ports";
import { IncidentEvent } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { createQualityMonitor, type QualityOptions, type QualityStore } from "./quality-monitor.ts";
import { groupBy, HOUR_MS, hourOf, iso } from "./series.ts";

const DAY = 24;

interface Served {
  readonly version: string;
  readonly hours: number;
  readonly quality: number;
  readonly is_guardrail?: boolean;
  readonly perHour?: number;
  /** A report of the same inputs, one after the other, some harder than others; scores instead of verdicts. */
  readonly inputs?: number;
}

function setUp(options: Partial<QualityOptions> = {}, holds: (useCase: string) => boolean = () => true) {
  const clock = new VirtualClock("2026-03-02T00:00:00Z");
  const log = createMemoryEventLog({ clock });
  const random = createRandom(17);
  const units: JudgedUnitRow[] = [];
  const baselines: BaselineRow[] = [];
  const states: QualityStateRow[] = [];
  const evidence: EvidenceRow[] = [];
  const versions = () => [...new Set(units.map((row) => row.prompt_version))];
  const key = { tenant: "default", env: "production", use_case: "ticket-summary" };
  const store: QualityStore = {
    judgedUnits: async ({ start, end, use_cases = [] }) =>
      units.filter(
        (row) =>
          row.judged_at >= start &&
          row.judged_at < end &&
          (use_cases.length === 0 || use_cases.some(({ use_case }) => row.use_case === use_case)),
      ),
    judgedUnitCounts: async ({ start, end }) => {
      const own = units.filter((row) => row.judged_at >= start && row.judged_at < end);
      const hours = groupBy(own, (row) => JSON.stringify([row.prompt_version, hourOf(row.judged_at)]));
      return [...hours.values()].map((group) => ({
        ...group[0]!,
        hour: iso(hourOf(group[0]!.judged_at) * HOUR_MS),
        units: group.length,
      }));
    },
    versionActivity: async () =>
      versions().map((prompt_version) => {
        const own = units.filter((row) => row.prompt_version === prompt_version);
        const last = own.at(-1)!.judged_at;
        return {
          ...key,
          prompt_version,
          calls: own.length,
          sampled: own.length,
          first_started_at: own[0]!.judged_at,
          last_started_at: last,
          last_ingested_at: last,
        };
      }),
    versionTraffic: async () => [],
    sliceMix: async () => [],
    responseModels: async () => [],
    judgeLabels: async () => [],
    baselines: async () => baselines,
    insertBaselines: async (rows) => void baselines.push(...rows),
    insertEvidence: async (rows) => void evidence.push(...rows),
    insertQualityStates: async (rows) => void states.push(...rows),
    qualityStates: async () => states,
  };
  const create = () =>
    createQualityMonitor({
      store,
      log,
      clock,
      logger: pino({ level: "silent" }),
      incidents: new IncidentFold(log),
      holds,
      options: { alpha: 0.05, tickets: true, ...options },
    });
  let monitor = create();
  return {
    store,
    evidence,
    states,
    run: () => monitor.run(),
    restart: () => (monitor = create()),
    async serve({ version, hours, quality, is_guardrail = true, perHour = 10, inputs }: Served) {
      let next = 0;
      for (let hour = 0; hour < hours; hour += 3) {
        const count = 3 * perHour;
        for (let i = 0; i < count; i++) {
          units.push({
            ...key,
            criterion: "faithfulness",
            is_guardrail,
            rubric_hash: "sha256:r",
            judge: "judge-a",
            prompt_version: version,
            judged_at: iso(clock.now() + Math.floor((i / count) * 3 * HOUR_MS)),
            call_id: `call-${units.length}`,
            ...(inputs === undefined
              ? { score: random.uniform() < quality ? 1 : 0 }
              : onInput(next++ % inputs, quality, random.uniform())),
            slices: random.uniform() < 0.3 ? ["lang=de"] : ["lang=en"],
            sample_rate: 0.05,
          });
        }
        await clock.advance(3 * HOUR_MS);
        await monitor.run();
      }
    },
    async append(event: IncidentEvent): Promise<void> {
      const value = new TextEncoder().encode(JSON.stringify(event));
      await log.append("plumbline.incidents", [{ key: event.incident_id, value }]);
    },
    clock,
    units,
    statesNow: () => monitor.states(),
    async detected() {
      const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 10_000 });
      return records
        .map((record) => IncidentEvent.parse(JSON.parse(new TextDecoder().decode(record.value))))
        .flatMap((event) => (event.type === "detected" ? [event] : []));
    },
  };
}

/** The score of an input is how easy it is, times the version's quality, give or take a tenth. */
function onInput(input: number, quality: number, noise: number): Partial<JudgedUnitRow> & { score: number } {
  const ease = 0.3 + 0.6 * ((input * 0.618) % 1);
  return { input_fingerprint: `input-${input}`, score: ease * quality + 0.1 * noise };
}

const GOOD: Served = { version: "v1", hours: 8 * DAY, quality: 0.92 };
const BAD: Served = { version: "v2", hours: 30, quality: 0.6 };

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
    detection: { ...event!.detection, kind: "judge_drift" },
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
  const frozen = (await monitor.store.baselines("")).length;
  monitor.restart();
  await monitor.serve({ ...GOOD, version: "v2", hours: DAY });
  const baselines = await monitor.store.baselines("");
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
