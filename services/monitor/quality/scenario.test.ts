/** A use case in virtual time on the real engine: the founding incident, a provider's change, and silence. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { Store } from "@plumbline/ports";
import { HOUR_MS, IncidentEvent, LlmCall, type Verdict } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { promoted, registered, toNewRecord, versionOf } from "../../../test/registry/commands.ts";
import { MonitorConfig } from "../config.ts";
import { createMonitorJobs } from "../jobs.ts";
import { iso } from "../units/series.ts";
import { SIDE_BY_SIDE_METHOD } from "./finding/findings.ts";

const DAY = 24;
let path: string;
let store: Store;
/** Call ids go on from test to test. */
let offset = 0;
/** Scenarios share a store, so each has a month of its own: a monitor reads on from the newest call it saw. */
let beginsMs = Date.parse("2026-03-02T00:00:00Z");

vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-monitor-"));
  store = createClickHouseStore(await openEmbeddedClickHouse({ path }));
  await store.migrate();
});

afterAll(async () => {
  await store.close();
  await rm(path, { recursive: true });
});

const detections = (events: readonly IncidentEvent[]) =>
  events.flatMap((event) => (event.type === "detected" ? [event.detection] : []));

test("the money incident is paged within a day, named, seen as recovered after the rollback, and never doubled", async () => {
  const scenario = createScenario(store, "ticket-summary");
  await scenario.serve(15 * DAY, { version: "v1", quality: healthy, step: 24 });
  expect(await scenario.events()).toEqual([]);

  await scenario.serve(DAY, { version: "v2", quality: moneyBroken, step: 2 });
  const found = detections(await scenario.events());
  expect(found.find((detection) => detection.severity === "SEV2")).toMatchObject({
    kind: "quality",
    metric: { name: "faithfulness", unit: "share" },
    candidate: { prompt_version: "v2" },
    incumbent: { prompt_version: "v1" },
  });
  const newest = found.at(-1)!;
  expect(newest.verdict).toBe("DISTRIBUTIONAL");
  expect(newest.slices[0]).toMatchObject({ name: "mentions_money" });
  expect(newest.slices[0]!.share_of_drop).toBeGreaterThan(0.7);
  expect(newest.effect).toBeLessThan(-0.04);
  expect(newest.kind === "quality" && newest.evidence.snapshot_id).toMatch(/^[0-9a-f]{32}$/);
  expect(newest.evidence).toMatchObject({
    detector: { level: "page", origin: "deploy", start_weight: 168 },
    cause: { kind: "own_change" },
    normal: [{ name: "success rate" }],
  });

  const before = (await scenario.events()).length;
  scenario.restart();
  await scenario.look();
  await scenario.look();
  expect(await scenario.events()).toHaveLength(before);

  await scenario.serve(2 * DAY, { version: "v1", quality: healthy, step: 4 });
  const after = (await scenario.events()).slice(before);
  expect([...new Set(after.map((event) => event.type))]).toEqual(["recovered"]);
  const last = after.at(-1)!;
  if (last.type !== "recovered") throw new Error("unreachable");
  expect(last).toMatchObject({ cause: "rollback", current: { prompt_version: "v1" } });
  expect(last.current.units).toBeGreaterThanOrEqual(100);
  expect(last.current.units).toBeLessThan(400);

  const resolved = (await scenario.events()).length;
  scenario.restart();
  await scenario.serve(5 * DAY, { version: "v1", quality: healthy, step: 24 });
  expect(await scenario.events()).toHaveLength(resolved);
  const states = scenario.states().map(({ prompt_version, state }) => [prompt_version, state]);
  expect(states).toEqual(
    expect.arrayContaining([
      ["v1", "CLEARED"],
      ["v2", "REGRESSED"],
    ]),
  );
});

test("an alarm says what the measures find normal", async () => {
  const scenario = createScenario(store, "measured");
  await scenario.serve(5 * DAY, { version: "v1", quality: healthy, step: 24 });
  await scenario.serve(4, { version: "v2", quality: healthy, step: 4 });
  await scenario.measure();
  await scenario.serve(8, { version: "v2", quality: () => 0.4, step: 8 });
  const newest = detections(await scenario.events()).at(-1)!;
  expect(newest).toMatchObject({ kind: "quality", candidate: { prompt_version: "v2" } });
  expect(newest.evidence).toHaveProperty("normal");
  const { normal } = newest.evidence as { readonly normal: readonly { readonly name: string }[] };
  expect(normal.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      "success rate",
      "answers from the primary model",
      expect.stringMatching(/^calls within \d+ ms$/),
    ]),
  );
});

test("a fall without a deploy is found, blamed on the model that the provider changed, and compared with the version's own past", async () => {
  const scenario = createScenario(store, "prime-check");
  await scenario.serve(8 * DAY, { version: "v1", quality: healthy, step: 24, responseModel: "gpt-0314" });
  expect(await scenario.events()).toEqual([]);
  await scenario.serve(2 * DAY, { version: "v1", quality: () => 0.6, step: 4, responseModel: "gpt-0613" });
  const newest = detections(await scenario.events()).at(-1)!;
  expect(newest).toMatchObject({
    kind: "quality",
    severity: "SEV1",
    candidate: { prompt_version: "v1" },
    incumbent: { prompt_version: "v1" },
    evidence: {
      detector: { origin: "later" },
      cause: { kind: "provider_change", models_before: ["gpt-0314"], models_since: ["gpt-0613"] },
    },
  });
  expect(newest.effect).toBeLessThan(-0.25);
  expect(newest.interval[1]).toBeLessThan(0);
});

test("a judge that stopped is a gap in coverage and never a fall of quality, and ends by itself", async () => {
  const scenario = createScenario(store, "silent-judge");
  await scenario.serve(5 * DAY, { version: "v1", quality: healthy, step: 12 });
  await scenario.serve(6, { version: "v1", quality: healthy, isJudged: false });
  const found = await scenario.events();
  expect(found).toHaveLength(1);
  expect(detections(found)).toMatchObject([
    {
      kind: "coverage",
      severity: "SEV3",
      metric: { name: "judged_share" },
      incumbent: null,
      evidence: { cannot_judge: 0 },
    },
  ]);
  // A day later the calls that nobody judged are no longer looked at.
  await scenario.serve(26, { version: "v1", quality: healthy, step: 2 });
  const [, ...more] = await scenario.events();
  expect(more).toMatchObject([{ type: "recovered", cause: "gap_closed" }]);
});

test("a use case whose traffic stopped is a gap in coverage, and ends when calls arrive", async () => {
  const scenario = createScenario(store, "quiet-app");
  await scenario.serve(9 * DAY, { version: "v1", quality: healthy, step: 12 });
  await scenario.wait(4);
  expect(detections(await scenario.events())).toMatchObject([
    { kind: "coverage", evidence: { measure: "traffic", silent_minutes: 121 } },
  ]);
  await scenario.serve(2, { version: "v1", quality: healthy });
  expect((await scenario.events()).map((event) => event.type)).toEqual(["detected", "recovered"]);
});

describe("a canary beside the old version", () => {
  const begin = (useCase: string) => {
    const [old, canary] = [versionOf("one", useCase), versionOf("two", useCase)];
    const history: Hour = { version: old, quality: () => 0.85, step: 24 };
    const beside = (quality: number): Hour["beside"] => ({ version: old, quality: () => quality });
    return { scenario: createScenario(store, useCase), old, canary, history, beside };
  };

  test("is paged by the pairs where easier inputs hide its drop from the history", async () => {
    const { scenario, old, canary, history, beside } = begin("easier-inputs");
    await scenario.serve(15 * DAY, history);
    await scenario.giveShare("one", "two");
    const hours = { version: canary, quality: () => 0.86, beside: beside(0.97), calls: 40 };
    await scenario.serve(36, { ...hours, step: 2 });
    const newest = detections(await scenario.events()).at(-1)!;
    expect(newest).toMatchObject({
      severity: "SEV2",
      method: SIDE_BY_SIDE_METHOD,
      candidate: { prompt_version: canary },
      incumbent: { prompt_version: old },
      evidence: {
        detector: {
          level: "page",
          origin: "deploy",
          paired_silent: false,
          paired: { incumbent: old, weight: 0.2 },
        },
      },
    });
    expect(newest.effect).toBeGreaterThan(-0.16);
    expect(newest.effect).toBeLessThan(-0.06);
    expect(newest.interval[1]).toBeLessThan(0);
    expect(newest.incumbent!.mean).toBeGreaterThan(0.94);

    const before = (await scenario.events()).length;
    scenario.restart();
    await scenario.look();
    expect(await scenario.events()).toHaveLength(before);

    await scenario.serve(2 * DAY, { version: old, quality: () => 0.97, step: 4 });
    expect((await scenario.events()).at(-1)).toMatchObject({
      type: "recovered",
      cause: "rollback",
    });
  });

  test("without a share of the registry the pairs decide nothing", async () => {
    const { scenario, canary, history, beside } = begin("no-share");
    await scenario.serve(15 * DAY, history);
    await scenario.serve(36, {
      version: canary,
      quality: () => 0.86,
      beside: beside(0.97),
      calls: 40,
      step: 2,
    });
    expect(await scenario.events()).toEqual([]);
  });

  test("is not blamed for what hits both", async () => {
    const { scenario, canary, history, beside } = begin("both-arms");
    await scenario.serve(15 * DAY, history);
    await scenario.giveShare("one", "two");
    await scenario.serve(12, { version: canary, quality: () => 0.6, beside: beside(0.6), calls: 40 });
    const pages = detections(await scenario.events()).filter(({ severity }) => severity !== "SEV3");
    const ofCanary = pages.filter(({ candidate }) => candidate.prompt_version === canary).at(-1)!;
    expect(ofCanary.method).not.toBe(SIDE_BY_SIDE_METHOD);
    expect(ofCanary.evidence).toMatchObject({ detector: { paired_silent: true, paired: { weight: 0.2 } } });
  });
});

const LANGUAGES = ["lang=en", "lang=de", "lang=fr"];

interface Hour {
  readonly version: string;
  /** Chance that an answer passes, by whether the input mentions money. */
  readonly quality: (mentionsMoney: boolean) => number;
  readonly calls?: number;
  /** Whether the judge answers. */
  readonly isJudged?: boolean;
  readonly responseModel?: string;
  /** Serves every second conversation. */
  readonly beside?: Pick<Hour, "version" | "quality"> | undefined;
  /** Hours between two looks of the monitors; default 1. */
  readonly step?: number;
}

const healthy = (): number => 0.92;
const moneyBroken = (mentionsMoney: boolean): number => (mentionsMoney ? 0.45 : 0.92);

function createScenario(store: Store, useCase: string) {
  const clock = new VirtualClock(beginsMs);
  beginsMs += 31 * DAY * HOUR_MS;
  const log = createMemoryEventLog({ clock });
  const logger = pino({ level: "silent" });
  const random = createRandom(7);
  let made = offset;
  let monitors = createMonitors();

  function createMonitors() {
    const config = MonitorConfig.parse({});
    const holds = (name: string): boolean => name === useCase;
    return createMonitorJobs({ store, log, clock, logger, config, holds, settleMs: 0 });
  }

  async function look(): Promise<void> {
    await monitors.quality.run();
    await monitors.coverage.run();
  }

  return {
    clock,
    log,
    look,
    states: () => monitors.quality.states(),
    /** The measures look as well, which the other scenarios do without. */
    measure: () => monitors.measures.run(),
    /** Forgets everything in memory. */
    restart: () => (monitors = createMonitors()),

    /** Serves hour after hour; the monitors look at the end of each step. */
    async serve(hours: number, options: Hour): Promise<void> {
      const { version, quality, calls = 10, isJudged = true, responseModel, step = 1, beside } = options;
      for (let hour = 0; hour < hours; hour += step) {
        const startMs = clock.now();
        const rows = Array.from({ length: calls * step }, (_, i) => {
          made += 1;
          offset = made;
          const share = (i + random.uniform()) / (calls * step);
          const startedMs = startMs + Math.floor(share * (step * HOUR_MS - 60_000));
          const mentionsMoney = random.uniform() < 0.18;
          const slices = [...(mentionsMoney ? ["mentions_money"] : []), LANGUAGES[random.integer(3)]!];
          const arm = beside !== undefined && i % 2 === 0 ? beside : { version, quality };
          const passes = random.uniform() < arm.quality(mentionsMoney);
          return { id: made, version: arm.version, startedMs, slices, passes };
        });
        await store.insertCalls(
          rows.map(({ id, version: prompt_version, startedMs, slices }) => {
            const call = LlmCall.parse({
              call_id: callId(id),
              started_at: iso(startedMs),
              app: "helpdesk",
              use_case: useCase,
              prompt_version,
              model: "model-a",
              response_model: responseModel,
              status: "ok",
              latency_ms: 900,
            });
            return {
              log_partition: 0,
              log_offset: id,
              ingested_at: iso(startedMs),
              tenant: "default",
              call,
              prompt_version,
              conversation_id: `conversation-${id}`,
              started_at: iso(startedMs),
              clock_skew_ms: 0,
              cost_usd: null,
              slices,
              features: {},
              is_sampled: true,
              sample_rate: 0.05,
              flags: [],
            };
          }),
        );
        if (isJudged) {
          await store.insertVerdicts(
            rows.map(({ id, version: own, startedMs, slices, passes }) => ({
              log_partition: 0,
              log_offset: id,
              ingested_at: iso(startedMs + 30_000),
              verdict: { ...verdict(id, own, startedMs, slices, passes), use_case: useCase },
            })),
          );
        }
        await clock.advance(step * HOUR_MS);
        await look();
      }
    },

    /** The registry gives `text` half of the conversations, beside `live`. */
    async giveShare(live: string, text: string): Promise<void> {
      const own = { use_case: useCase };
      const bypass = { ...own, isBypass: true, reason: "scenario" };
      const commands = [
        registered(live, own),
        promoted(live, 0, { ...bypass, prompt_version: versionOf(live, useCase) }),
        registered(text, own),
        promoted(text, 1, { ...bypass, weight: 0.5, prompt_version: versionOf(text, useCase) }),
      ];
      for (const command of commands) await log.append("plumbline.registry", [toNewRecord(command)]);
    },

    /** No traffic. */
    async wait(hours: number): Promise<void> {
      for (let hour = 0; hour < hours; hour++) {
        await clock.advance(HOUR_MS);
        await look();
      }
    },

    async events(): Promise<readonly IncidentEvent[]> {
      const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 10_000 });
      return records.map((record) => IncidentEvent.parse(JSON.parse(new TextDecoder().decode(record.value))));
    },
  };
}

function verdict(
  id: number,
  version: string,
  startedMs: number,
  slices: readonly string[],
  passes: boolean,
): Verdict {
  return {
    call_id: callId(id),
    tenant: "default",
    env: "production",
    use_case: "ticket-summary",
    prompt_version: version,
    model: "model-a",
    conversation_id: `conversation-${id}`,
    started_at: iso(startedMs),
    criterion: "faithfulness",
    is_guardrail: true,
    rubric_hash: "sha256:r",
    judge: "judge-a",
    state: "scored",
    label: passes ? "pass" : "fail",
    score: passes ? 1 : 0,
    reason: "",
    failure_type: null,
    judged_at: iso(startedMs + 30_000),
    latency_ms: 10,
    cost_usd: null,
    slices: [...slices],
    sample_rate: 0.05,
  };
}

function callId(i: number): string {
  return `01935b2e-7c4e-7000-8000-${i.toString(16).padStart(12, "0")}`;
}
