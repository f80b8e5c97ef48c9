/** Automation on real parts: registry, collector, log, clients over HTTP. Only the passing of minutes is told. */
import { IncidentFold, policyText } from "@plumbline/alerts";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createClient, type Client } from "@plumbline/client";
import type { Clock } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import type { IncidentEvent, RegistryEvent } from "@plumbline/schemas";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Changes, detection, streams } from "../../alerts/detection.fixture.ts";
import { admissible, promoted, toNewRecord, USE_CASE, versionOf } from "../../test/registry/commands.ts";
import { createCollector } from "../collector/service.ts";
import { createRegistry } from "../registry/service.ts";
import { DEFAULT_LIMITS, type AutomationLimits } from "./automation.ts";
import { createPolicyService } from "./service.ts";

const logger = createLogger("test", "silent");
const MODEL = "openai/gpt-5-mini";
const WAIT = { timeout: 60_000 };

/** Real time, but for minutes that a test lets pass, and a time of day that it sets. */
function createTime() {
  let passed = 0;
  let step = 0;
  const clock: Clock = {
    now: () => systemClock.now() + step,
    monotonic: () => systemClock.monotonic() + passed,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  };
  return { clock, pass: (ms: number) => void (passed += ms), set: (ms: number) => void (step += ms) };
}

function start<Started extends { run(signal: AbortSignal): Promise<void> }>(service: Started): Started {
  const abort = new AbortController();
  const running = service.run(abort.signal);
  running.catch(() => undefined);
  onTestFinished(async () => {
    abort.abort();
    await running;
  });
  return service;
}

async function createWorld(
  commands: readonly RegistryEvent[] = [...admissible("one", null), promoted("one", 0)],
) {
  const log = createMemoryEventLog({ clock: systemClock });
  const now = new Date().toISOString();
  await log.append(
    "plumbline.registry",
    commands.map((each) => toNewRecord({ ...each, at: now })),
  );
  const registry = start(createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 10 }));
  const collector = start(createCollector({ log, clock: systemClock, logger, port: 0 }));
  const [url, collectorUrl] = await Promise.all([registry.url, collector.url]);
  const fleet = () => registry.state().fleets.get("default/production") ?? null;
  const useCase = () => [...registry.state().use_cases.values()][0]!;

  return {
    log,
    fleet,
    useCase,
    policy: (clock: Clock = systemClock, limits: Partial<AutomationLimits> = {}) =>
      start(
        createPolicyService({
          log,
          clock,
          logger,
          registryUrl: url,
          pollMs: 50,
          followMs: 20,
          limits: { ...DEFAULT_LIMITS, ...limits },
        }),
      ),
    application(): Client {
      const client = createClient({
        url: collectorUrl,
        registryUrl: url,
        app: "desk",
        useCases: [USE_CASE],
        onWarning: () => undefined,
        telemetry: { flushIntervalMs: 20 },
      });
      onTestFinished(async () => void (await client.close(1_000)));
      return client;
    },
    async command(path: string, body: object): Promise<void> {
      const response = await fetch(`${url}/v1/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-plumbline-actor": "ann" },
        body: JSON.stringify(body),
      });
      expect([path, response.status, await response.text()]).toEqual([path, 200, expect.anything()]);
    },
    async incidents() {
      const fold = new IncidentFold(log);
      await fold.refresh();
      return fold.states;
    },
  };
}

/** So many calls of an application with one outcome, arrived. */
async function call(client: Client, count: number, status: "ok" | "timeout"): Promise<void> {
  for (let i = 0; i < count; i++) {
    client.emit({
      use_case: USE_CASE,
      provider: "openai",
      model: "gpt-5-mini",
      status,
      latency_ms: 1,
      path: "primary",
    });
  }
  await client.emitter.flush(10_000);
}

describe("a provider that fails", () => {
  test("is left out by the whole fleet, and asked again once the trials are answered; two replicas act once", async () => {
    const world = await createWorld();
    const time = createTime();
    const first = world.policy(time.clock);
    const second = world.policy(time.clock);
    const [a, b] = [world.application(), world.application()];
    for (const policy of [first, second])
      await expect.poll(() => policy.health.readiness["registry"]!(), WAIT).toMatchObject({ ok: true });
    await expect.poll(() => a.stats().is_connected && b.stats().is_connected, WAIT).toBe(true);
    // Counted from the end of the log on: wait until both have found it.
    await counted([first, second], a, world);

    // Too few to tell, and then enough of both.
    await call(b, 15, "timeout");
    await call(a, 30, "timeout");
    await expect.poll(() => world.fleet()?.models_off.map(({ model }) => model), WAIT).toEqual([MODEL]);
    for (const client of [a, b]) await expect.poll(() => client.stats().switched_off, WAIT).toEqual([MODEL]);
    expect(world.fleet()!.models_off[0]!.evidence).toMatchObject({ emitters: 2, emitters_failing: 2 });

    await call(a, 40, "ok");
    await expect.poll(() => first.status().models[0]?.why, WAIT).toContain("for at least 30 s");
    time.pass(31_000);
    await call(b, 60, "ok");
    await expect.poll(() => world.fleet()!.models_off, WAIT).toEqual([]);
    for (const client of [a, b]) await expect.poll(() => client.stats().switched_off, WAIT).toEqual([]);
    expect(world.fleet()!.changes.map(({ state, actor }) => [state, actor])).toEqual([
      ["off", "policy"],
      ["on", "policy"],
    ]);
  });

  test("is left to people while automation is paused, and acted on when it is resumed", async () => {
    const world = await createWorld();
    const policy = world.policy();
    const a = world.application();
    await counted([policy], a, world);
    await world.command("fleets/production/automation", { state: "paused", reason: "a game day" });
    await call(a, 40, "timeout");
    await expect
      .poll(() => policy.status().models, WAIT)
      .toMatchObject([
        { model: MODEL, doing: "paused", why: expect.stringContaining("ann paused automation") },
      ]);
    expect(world.fleet()!.models_off).toEqual([]);
    await world.command("fleets/production/automation", { state: "running", reason: "it is over" });
    await expect.poll(() => world.fleet()!.models_off.length, WAIT).toBe(1);
  });

  test("is only told of in a dry run", async () => {
    const world = await createWorld();
    const policy = world.policy(systemClock, { models: "dry_run" });
    const a = world.application();
    await counted([policy], a, world);
    await call(a, 40, "timeout");
    await expect.poll(() => policy.status().models, WAIT).toMatchObject([{ doing: "would_off" }]);
    expect(world.fleet()).toBeNull();
  });

  test("a clock that is set forward makes its calls late, which is no evidence", async () => {
    const world = await createWorld();
    const time = createTime();
    const policy = world.policy(time.clock);
    const a = world.application();
    await counted([policy], a, world);
    time.set(3_600_000);
    await call(a, 40, "timeout");
    await expect.poll(() => policy.status().calls.late, WAIT).toBeGreaterThanOrEqual(40);
    expect(policy.status().models.every(({ doing }) => doing === "hold")).toBe(true);
    expect(world.fleet()).toBeNull();
  });
});

/** Waits until each policy service counts what an application emits. */
async function counted(
  policies: readonly ReturnType<typeof createPolicyService>[],
  client: Client,
  { fleet }: { readonly fleet: () => unknown },
): Promise<void> {
  for (const policy of policies) {
    await expect
      .poll(async () => {
        await call(client, 1, "ok");
        return policy.status().calls.calls;
      }, WAIT)
      .toBeGreaterThan(0);
  }
  expect(fleet()).toBeNull();
}

describe("a guardrail that regressed", () => {
  const BAD = versionOf("two");
  const live = [
    ...admissible("one", null),
    promoted("one", 0),
    ...admissible("two", "one"),
    promoted("two", 1),
  ];
  const calibration = {
    state: "calibrated" as const,
    reasons: [],
    labels: 61,
    labels_min: 50,
    kappa: 0.8,
    youden: 0.7,
    corrected: null,
  };

  function detected(more: Changes = {}): IncidentEvent {
    const { evidence, ...others } = more;
    return {
      type: "detected",
      incident_id: "inc_0000000000000001",
      at: new Date(Date.now() + 1_000).toISOString(),
      actor: "monitor",
      detection: detection({
        tenant: "default",
        candidate: { ...detection().candidate, prompt_version: BAD },
        ...others,
        evidence: { detector: streams(), judge_calibration: calibration, ...evidence },
      }),
    };
  }

  async function detect(world: Awaited<ReturnType<typeof createWorld>>, event: IncidentEvent): Promise<void> {
    const record = { key: event.incident_id, value: Buffer.from(JSON.stringify(event)) };
    await world.log.append("plumbline.incidents", [record]);
  }

  test("is taken back once, quarantined, and the incident says so", async () => {
    const world = await createWorld(live);
    world.policy();
    world.policy();
    await detect(world, detected());
    await expect.poll(() => world.useCase().versions.get(BAD)?.quarantined?.actor, WAIT).toBe("policy");
    expect(world.useCase().envs.get("production")!.stack).toEqual([versionOf("one")]);
    await expect
      .poll(async () => [...(await world.incidents()).values()].map(({ state }) => state), WAIT)
      .toEqual(["watching"]);
    const [incident] = (await world.incidents()).values();
    expect(policyText(incident!)).toContain("calibrated by 61 labels of people. v2 is quarantined");
    const rollbacks = world.useCase().history.filter(({ type }) => type === "rolled_back");
    expect(rollbacks.filter(({ outcome }) => outcome.kind === "accepted" && outcome.changed)).toHaveLength(1);
    expect(rollbacks[0]).toMatchObject({ incident: { incident_id: "inc_0000000000000001", labels: 61 } });
  });

  test.each<[string, Partial<AutomationLimits>, Changes, string]>([
    [
      "by a judge that nobody calibrated stays, and the incident says what is missing",
      {},
      {
        evidence: {
          judge_calibration: {
            ...calibration,
            state: "uncalibrated",
            reasons: ["too_few_labels"],
            labels: 12,
          },
        },
      },
      "Nothing is rolled back by itself: people's labels do not calibrate the judge yet: 12 of 50 labels.",
    ],
    [
      "beyond the limit of a day stays",
      { rollbacksPerDay: 0 },
      {},
      "Nothing is rolled back by itself: 0 versions were taken back by themselves within a day, and 0 may be.",
    ],
    [
      "in a dry run stays",
      { rollbacks: "dry_run" },
      {},
      "Automation tries itself out and would roll back: inc_0000000000000001: faithfulness changed by -15.2 points (interval -20.2 to -10.2).",
    ],
  ])("%s; two replicas say it once", async (_what, limits, changes, said) => {
    const world = await createWorld(live);
    world.policy(systemClock, limits);
    const second = world.policy(systemClock, limits);
    await detect(world, detected(changes));
    const text = async (): Promise<string | null> => {
      const [incident] = (await world.incidents()).values();
      return incident === undefined ? null : policyText(incident);
    };
    await expect.poll(text, WAIT).toBe(said);
    await expect.poll(() => second.status().regressions.length, WAIT).toBe(1);
    const [incident] = (await world.incidents()).values();
    expect(incident).toMatchObject({ state: "firing", revision: 2 });
    expect(world.useCase().versions.get(BAD)!.quarantined).toBeNull();
  });

  test("of another tenant is none of its business", async () => {
    const world = await createWorld(live);
    const policy = world.policy();
    await detect(world, detected({ tenant: "other" }));
    await detect(world, { ...detected({ is_guardrail: false }), incident_id: "inc_0000000000000002" });
    await expect.poll(() => policy.health.readiness["registry"]!(), WAIT).toMatchObject({ ok: true });
    await expect.poll(async () => (await world.incidents()).size, WAIT).toBe(2);
    expect(policy.status().regressions).toEqual([]);
    expect(world.useCase().versions.get(BAD)!.quarantined).toBeNull();
  });
});
