/** Rollouts in virtual time on real parts: registry over HTTP, memory log, the embedded engine, the monitor's jobs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { Clock, Store } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { IncidentEvent, LlmCall, LiveArm, RolloutView, CanaryView } from "@plumbline/schemas";
import { createRandom } from "@plumbline/stats";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { documentOf, recordOf, SETTINGS, versionOf } from "../../test/registry/commands.ts";
import { MonitorConfig } from "../monitor/config.ts";
import { createMonitorJobs } from "../monitor/jobs.ts";
import { createRegistry } from "../registry/service.ts";
import { createPolicyService, type PolicyService } from "./service.ts";

const HOUR_MS = 3_600_000;
/** The machine may be busy with other tests. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 60_000 });
const logger = createLogger("test", "silent");
let path: string;
let store: Store;
let made = 0;

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), "plumbline-rollout-"));
  store = createClickHouseStore(await openEmbeddedClickHouse({ path }));
  await store.migrate();
});

afterAll(async () => {
  await store.close();
  await rm(path, { recursive: true });
});

const healthy = (): number => 0.92;
/** Summaries that lose the amounts. */
const losing = (mentionsMoney: boolean): number => (mentionsMoney ? 0.2 : 0.92);

test("an equal candidate is cleared at every step and reaches everybody, once, though two controllers race and restart", async () => {
  const world = await createWorld("equal");
  await world.begin([0.1, 0.5, 1]);
  const first = await world.startPolicy();
  await world.startPolicy();
  await world.serveUntil(1, { one: healthy, two: healthy });
  await first.stop();
  await world.startPolicy();
  await world.serveUntil(2, { one: healthy, two: healthy });

  expect(await world.live()).toEqual([[2, 1]]);
  const advances = (await world.history()).filter((entry) => entry.type === "rollout_advanced");
  expect(advances.filter(({ outcome }) => outcome.kind === "accepted" && outcome.changed)).toMatchObject([
    { weight: null, live: [{ weight: 1 }], actor: "policy", decision: { state: "CLEARED" } },
    {
      weight: null,
      live: [{ weight: 0.5 }, { weight: 0.5 }],
      actor: "policy",
      decision: { state: "CLEARED" },
    },
  ]);
  // Every step by evidence of its own.
  for (const { decision } of advances) {
    expect(decision!.series[0]!.pairs).toBeGreaterThan(30);
    expect(decision!.series[0]!.log_e_cleared).toBeGreaterThanOrEqual(Math.log(20));
  }
});

test("a candidate that loses the figures is taken back at the first step and quarantined, with the numbers", async () => {
  const world = await createWorld("losing");
  await world.begin([0.1, 0.5, 1]);
  const policy = await world.startPolicy();
  await world.serveUntil("over", { one: healthy, two: losing });

  expect(await world.live()).toEqual([[1, 1]]);
  expect(await world.quarantined("two")).toMatch(/Worse|worse/);
  const [last] = await world.history();
  expect(last).toMatchObject({ type: "rolled_back", actor: "policy", decision: { state: "REGRESSED" } });
  expect(last!.decision!.series[0]!.difference).toBeGreaterThan(0.03);
  await eventually(() => expect(policy.service.status().rollouts).toEqual([]));
});

test("an outage that hits both arms pages, is told from the deploy, and takes nothing back", async () => {
  const world = await createWorld("outage");
  await world.serve(72, { one: healthy }, 24, 20);
  await world.begin([0.25, 1]);
  await world.startPolicy();
  const down = (): number => 0.5;
  for (let hour = 0; hour < 5; hour++) {
    await world.serve(1, { one: down, two: down }, 1, 300);
    await world.settled();
  }
  const { rollout, canary } = await world.env();
  expect(rollout?.step).toBe(0);
  expect(canary?.decision).toMatchObject({ state: "WATCHING", waits_for: "person" });
  expect(canary?.decision.why).toContain("coincides with the deploy, not caused by it");
  expect(canary?.decision.incident_id).toMatch(/^inc_/);
  expect(await world.quarantined("two")).toBeNull();
  const pages = (await world.incidents()).flatMap((event) =>
    event.type === "detected" &&
    event.detection.kind === "quality" &&
    event.detection.candidate.prompt_version === world.version("two")
      ? [event.detection.evidence.detector]
      : [],
  );
  expect(pages.at(-1)).toMatchObject({ level: "page", paired_silent: true });
});

test("a step without traffic never advances, and says so", async () => {
  const world = await createWorld("quiet");
  await world.begin([0.1, 1]);
  const policy = await world.startPolicy();
  for (let hour = 0; hour < 4; hour++) {
    await world.serve(1, { one: healthy }, 1, 50);
    await world.settled();
  }
  expect((await world.env()).rollout?.step).toBe(0);
  await eventually(() =>
    expect(policy.service.status().rollouts).toMatchObject([
      { doing: "hold", why: expect.stringContaining("a step without traffic never advances") },
    ]),
  );
});

const History = z.array(
  z.looseObject({
    type: z.string(),
    actor: z.string(),
    outcome: z.looseObject({ kind: z.string(), changed: z.boolean().optional() }),
    decision: CanaryView.shape.decision.nullable(),
  }),
);
const Env = z.object({
  revision: z.number(),
  live: z.array(LiveArm),
  rollout: RolloutView.nullable(),
  canary: CanaryView.nullable(),
});
const UseCaseAnswer = z.object({
  envs: z.record(z.string(), Env),
  versions: z.array(
    z.object({ prompt_version: z.string(), quarantined: z.object({ reason: z.string() }).nullable() }),
  ),
});

type Qualities = Readonly<Record<string, (mentionsMoney: boolean) => number>>;

async function createWorld(useCase: string) {
  const clock = new VirtualClock(Math.floor(Date.now() / HOUR_MS) * HOUR_MS);
  /** Virtual time, but waiting is real: HTTP does not stand still. */
  const wallPaced: Clock = {
    now: () => clock.now(),
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
  /** How often each controller that runs has looked: it sleeps after every look. */
  const controllers = new Set<{ count: number }>();
  const log = createMemoryEventLog({ clock });
  const random = createRandom(11);
  const version = (text: string): string => versionOf(text, useCase);
  const registry = await start(createRegistry({ log, clock: wallPaced, logger, port: 0, followMs: 20 }));
  const url = await registry.service.url;
  const config = MonitorConfig.parse({ PLUMBLINE_MONITOR_CANARY_MARGIN: "0.1" });
  const jobs = createMonitorJobs({ log, store, clock, logger, config, holds: (name) => name === useCase });
  await admit("one", null);
  await post("promote", { prompt_version: version("one"), expected_revision: 0 });

  async function post(path: string, body: unknown, actor = "ann"): Promise<void> {
    const response = await fetch(`${url}/v1/use-cases/${useCase}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-plumbline-actor": actor },
      body: JSON.stringify(body),
    });
    expect([path, response.status, await response.text()]).toEqual([
      path,
      expect.toBeOneOf([200, 201]),
      expect.anything(),
    ]);
  }

  async function get(path: string): Promise<unknown> {
    return (await fetch(`${url}/v1/use-cases/${useCase}${path}`)).json();
  }

  async function admit(text: string, incumbent: string | null): Promise<void> {
    const at = new Date(clock.now() - 60_000).toISOString();
    const settings = { ...SETTINGS, eval_set: { ...SETTINGS.eval_set!, newest_added: at.slice(0, 10) } };
    const record = recordOf(text, incumbent);
    const named = <Results extends { prompt_version: string } | null>(
      results: Results,
      of: string | null,
    ): Results => (results === null || of === null ? results : { ...results, prompt_version: version(of) });
    await post("versions", {
      prompt_version: version(text),
      document: documentOf(text, useCase),
      author: "ann",
      settings,
    });
    await post("evals", {
      record: {
        ...record,
        candidate: named(record.candidate, text),
        incumbent: named(record.incumbent, incumbent),
        finished_at: at,
      },
    });
    await post("approvals", { prompt_version: version(text) }, "bob");
  }

  const world = {
    version,
    /** A rollout of version two. */
    async begin(ramp: readonly number[]): Promise<void> {
      await admit("two", "one");
      await post("promote", { prompt_version: version("two"), ramp, expected_revision: 1 });
    },
    async startPolicy() {
      const looks = { count: 0 };
      const counted: Clock = {
        ...wallPaced,
        sleep: (ms, signal) => {
          looks.count += 1;
          return wallPaced.sleep(ms, signal);
        },
      };
      const started = await start<PolicyService>(
        createPolicyService({ log, clock: counted, logger, registryUrl: url, pollMs: 20 }),
      );
      controllers.add(looks);
      return {
        ...started,
        stop: () => {
          controllers.delete(looks);
          return started.stop();
        },
      };
    },
    async env(): Promise<z.infer<typeof Env>> {
      return UseCaseAnswer.parse(await get("")).envs["production"]!;
    },
    async live(): Promise<readonly (readonly [number, number])[]> {
      return (await world.env()).live.map(({ number, weight }) => [number, weight]);
    },
    async quarantined(text: string): Promise<string | null> {
      const { versions } = UseCaseAnswer.parse(await get(""));
      return versions.find((each) => each.prompt_version === version(text))!.quarantined?.reason ?? null;
    },
    async history(): Promise<z.infer<typeof History>> {
      return History.parse(z.object({ entries: z.unknown() }).parse(await get("/history")).entries);
    },
    async incidents(): Promise<readonly IncidentEvent[]> {
      const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 10_000 });
      return records.map(({ value }) => IncidentEvent.parse(JSON.parse(Buffer.from(value).toString())));
    },

    /** Conversations by the weights that are live, all judged; the monitor looks after each stretch. */
    async serve(hours: number, qualities: Qualities, stretch = 1, callsAnHour = 500): Promise<void> {
      for (let hour = 0; hour < hours; hour += stretch) {
        const arms = (await world.env()).live;
        const startMs = clock.now();
        const rows = Array.from({ length: callsAnHour * stretch }, () => {
          made += 1;
          const startedMs = startMs + Math.floor(random.uniform() * (stretch * HOUR_MS - 60_000));
          const arm = random.uniform() < arms[0]!.weight ? arms[0]! : arms[1]!;
          const text = arm.prompt_version === version("one") ? "one" : "two";
          const mentionsMoney = random.uniform() < 0.18;
          const chance = qualities[text]?.(mentionsMoney);
          const passes = chance !== undefined && random.uniform() < chance;
          return { id: made, startedMs, text, mentionsMoney, passes, isServed: chance !== undefined };
        }).filter(({ isServed }) => isServed);
        await insert(rows);
        await clock.advance(stretch * HOUR_MS + 6 * 60_000);
        await jobs.quality.run();
        await jobs.canary.run();
        // To the next full hour, so that hours stay whole.
        await clock.advance(HOUR_MS - (clock.now() % HOUR_MS));
      }
    },

    /** Until every controller has looked, from beginning to end, at what the monitor read last. */
    async settled(): Promise<void> {
      const records = await log.read("plumbline.registry", 0, 0, { recordsMax: 10_000 });
      await eventually(async () => {
        expect(registry.service.state().next_offset).toBeGreaterThanOrEqual(records.length);
      });
      for (const looks of controllers) {
        // A look that is under way ends with the first.
        const until = looks.count + 2;
        await eventually(() => expect(looks.count).toBeGreaterThanOrEqual(until));
      }
    },

    async serveUntil(step: number | "over", qualities: Qualities): Promise<void> {
      for (let hour = 0; hour < 24; hour++) {
        const { rollout } = await world.env();
        if (rollout === null || (step !== "over" && rollout.step >= step)) return;
        await world.serve(1, qualities);
        await world.settled();
      }
      throw new Error(`not there after a day: ${JSON.stringify(await world.env(), null, 1)}`);
    },
  };
  return world;

  async function insert(
    rows: readonly { id: number; startedMs: number; text: string; mentionsMoney: boolean; passes: boolean }[],
  ): Promise<void> {
    const iso = (ms: number): string => new Date(ms).toISOString();
    const at = (id: number, startedMs: number) => ({
      log_partition: 0,
      log_offset: id,
      ingested_at: iso(startedMs),
    });
    const callId = (id: number): string => `01935b2e-7c4e-7000-8000-${id.toString(16).padStart(12, "0")}`;
    await store.insertCalls(
      rows.map(({ id, startedMs, text, mentionsMoney }) => ({
        ...at(id, startedMs),
        tenant: "default",
        call: LlmCall.parse({
          call_id: callId(id),
          started_at: iso(startedMs),
          app: "helpdesk",
          use_case: useCase,
          prompt_version: version(text),
          model: "model-a",
          status: "ok",
          latency_ms: 900,
        }),
        prompt_version: version(text),
        conversation_id: `conversation-${id}`,
        started_at: iso(startedMs),
        clock_skew_ms: 0,
        cost_usd: null,
        slices: mentionsMoney ? ["mentions_money"] : [],
        features: {},
        is_sampled: true,
        sample_rate: 0.05,
        flags: [],
      })),
    );
    await store.insertVerdicts(
      rows.map(({ id, startedMs, text, mentionsMoney, passes }) => ({
        ...at(id, startedMs + 30_000),
        verdict: {
          call_id: callId(id),
          tenant: "default",
          env: "production",
          use_case: useCase,
          prompt_version: version(text),
          model: "model-a",
          conversation_id: `conversation-${id}`,
          started_at: iso(startedMs),
          criterion: "faithfulness",
          is_guardrail: true,
          rubric_hash: "sha256:r",
          judge: "judge-a",
          state: "scored" as const,
          label: passes ? ("pass" as const) : ("fail" as const),
          score: passes ? 1 : 0,
          reason: "",
          failure_type: null,
          judged_at: iso(startedMs + 30_000),
          latency_ms: 10,
          cost_usd: null,
          slices: mentionsMoney ? ["mentions_money"] : [],
          sample_rate: 0.05,
        },
      })),
    );
  }
}

async function start<Started extends { run(signal: AbortSignal): Promise<void> }>(service: Started) {
  const abort = new AbortController();
  const running = service.run(abort.signal);
  running.catch(() => undefined);
  const stop = (): Promise<void> => {
    abort.abort();
    return running;
  };
  onTestFinished(() => stop().catch(() => undefined));
  return { service, stop };
}
