import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { Clock } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import type { CanaryDecision, RegistryEvent } from "@plumbline/schemas";
import { expect, onTestFinished, test, vi } from "vitest";
import { admissible, promoted, quarantined, toNewRecord, versionOf } from "../../test/registry/commands.ts";
import { createRegistry } from "../registry/service.ts";
import { createPolicyService } from "./service.ts";

const logger = createLogger("test", "silent");
const clock = systemClock;
/** The machine may be busy with other tests. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 60_000 });

function start<Started extends { run(signal: AbortSignal): Promise<void> }>(service: Started) {
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

/** The controller, and a wait until it has looked at the registry so many times more, from beginning to end. */
function startCounted(options: { readonly registryUrl: string; readonly pollMs: number }) {
  let looks = 0;
  const counted: Clock = {
    ...clock,
    sleep: (ms, signal) => {
      looks += 1;
      return clock.sleep(ms, signal);
    },
  };
  const log = createMemoryEventLog({ clock });
  // Looks at the log are not counted, but for the first.
  const started = start(createPolicyService({ clock: counted, logger, log, followMs: 600_000, ...options }));
  const looked = async (times: number): Promise<void> => {
    // A look that is under way ends with the first, and one may be a look at the log.
    const until = looks + times + 2;
    await eventually(() => expect(looks).toBeGreaterThanOrEqual(until));
  };
  return { ...started, looked };
}

function readAs(state: CanaryDecision["state"], stepOffset: number): RegistryEvent {
  const at = new Date().toISOString();
  const decision: CanaryDecision = {
    state,
    why: `because it is ${state}`,
    waits_for: null,
    step_offset: stepOffset,
    started_at: at,
    step_at: at,
    read_at: at,
    incumbent: versionOf("one"),
    share: 0.1,
    units: 400,
    units_needed: 0,
    margin: 0.03,
    delta: 0.01,
    incident_id: null,
    series: [],
  };
  return { ...promoted("two", 0), type: "canary_read", actor: "monitor", body: { decision } };
}

/** A registry in which version two is at the first step of a rollout. */
async function ramping(...more: readonly RegistryEvent[]) {
  const log = createMemoryEventLog({ clock });
  const now = new Date().toISOString();
  const ramp = promoted("two", 1, { weight: 0.1 });
  const commands = [
    ...admissible("one", null, now),
    promoted("one", 0),
    ...admissible("two", "one", now),
    { ...ramp, body: { ...ramp.body, ramp: [0.1, 1] } },
  ];
  await log.append("plumbline.registry", [...commands, ...more].map(toNewRecord));
  const { service: registry } = start(createRegistry({ log, clock, logger, port: 0, followMs: 10 }));
  return { log, registry, url: await registry.url, begun: commands.length - 1 };
}

test("a refusal is shown with what to do, and nothing is repeated at every look", async () => {
  const { log, registry, url, begun } = await ramping(quarantined("two"));
  await log.append("plumbline.registry", [toNewRecord(readAs("CLEARED", begun))]);
  const { service, looked } = startCounted({ registryUrl: url, pollMs: 10 });
  await eventually(() =>
    expect(service.status().rollouts).toMatchObject([
      { doing: "refused", why: expect.stringContaining("is quarantined") },
    ]),
  );
  await looked(10);
  const given = [...registry.state().use_cases.values()][0]!.history.filter(
    (each) => each.actor === "policy",
  );
  expect(given).toHaveLength(1);
});

test("a controller that was stopped between reading and step is followed by one that takes the step once", async () => {
  const { log, registry, url, begun } = await ramping();
  const first = start(createPolicyService({ log, clock, logger, registryUrl: url, pollMs: 10 }));
  await eventually(() => expect(first.service.status().rollouts).toMatchObject([{ doing: "hold" }]));
  await first.stop();
  await log.append("plumbline.registry", [toNewRecord(readAs("CLEARED", begun))]);
  const second = start(createPolicyService({ log, clock, logger, registryUrl: url, pollMs: 10 }));
  start(createPolicyService({ log, clock, logger, registryUrl: url, pollMs: 10 }));
  const useCase = [...registry.state().use_cases.values()][0]!;
  await eventually(() =>
    expect(useCase.envs.get("production")!.stack).toEqual([versionOf("one"), versionOf("two")]),
  );
  await eventually(() => expect(second.service.status().rollouts).toEqual([]));
  const moves = useCase.history.filter(
    ({ actor, outcome }) => actor === "policy" && outcome.kind === "accepted" && outcome.changed,
  );
  expect(moves).toHaveLength(1);
});

test("a canary by hand is left to people, whatever is read of it", async () => {
  const { log, registry, url } = await ramping(promoted("two", 2, { weight: 0.2 }));
  const head = (await log.read("plumbline.registry", 0, 0, { recordsMax: 1_000 })).length;
  await log.append("plumbline.registry", [toNewRecord(readAs("REGRESSED", head))]);
  const { service, looked } = startCounted({ registryUrl: url, pollMs: 10 });
  await eventually(async () =>
    expect(await service.health.readiness["registry"]!()).toMatchObject({ ok: true }),
  );
  await eventually(() => {
    const env = [...registry.state().use_cases.values()][0]!.envs.get("production")!;
    expect([env.canary?.weight, env.reading?.decision.state]).toEqual([0.2, "REGRESSED"]);
  });
  await looked(5);
  expect(service.status().rollouts).toEqual([]);
  expect([...registry.state().use_cases.values()][0]!.history.some((each) => each.actor === "policy")).toBe(
    false,
  );
});

test("without a registry it is not ready, goes on asking, and stops when told to", async () => {
  const { service, stop, looked } = startCounted({ registryUrl: "http://127.0.0.1:1", pollMs: 10 });
  await looked(2);
  expect(await service.health.readiness["registry"]!()).toMatchObject({
    ok: false,
    message: expect.stringContaining("registry was not reached"),
  });
  await stop();
});

/** A registry that answers what it is told to. */
async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each<[string, RequestListener]>([
  ["a page of HTML", (_request, response) => void response.end("<html></html>")],
  ["JSON of something else", (_request, response) => void response.end('{"hello":1}')],
  [
    "a body that is cut",
    (_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"use_cases":[');
      setImmediate(() => response.destroy());
    },
  ],
])("%s in place of the registry's answer counts as a registry that is away", async (_what, listener) => {
  const registryUrl = await answering(listener);
  const { service, stop } = start(
    createPolicyService({ log: createMemoryEventLog({ clock }), clock, logger, registryUrl, pollMs: 5 }),
  );
  await eventually(async () =>
    expect(await service.health.readiness["registry"]!()).toMatchObject({
      ok: false,
      message: expect.stringMatching(/not reached at the last/),
    }),
  );
  expect(service.status().rollouts).toEqual([]);
  // It would reject had the answer ended it.
  await stop();
});

test("what a newer registry says is kept and moves nothing, and other use cases are looked after", async () => {
  const { url } = await ramping();
  const real = (await (await fetch(`${url}/v1/use-cases`)).json()) as {
    use_cases: { use_case: string; envs: Record<string, Record<string, unknown>> }[];
  };
  const [known] = real.use_cases;
  const view = known!.envs["production"]!;
  const rollout = view["rollout"] as { prompt_version: string; stepped: { offset: number } };
  const decision = {
    ...(readAs("CLEARED", rollout.stepped.offset).body as { decision: object }).decision,
    state: "POSTPONED",
    waits_for: "weather",
  };
  const mark = { offset: 9, at: new Date().toISOString(), actor: "monitor", reason: "" };
  const newer = {
    ...view,
    canary: { ...mark, prompt_version: rollout.prompt_version, decision },
  };
  const commands: string[] = [];
  const registryUrl = await answering((request, response) => {
    if (request.method === "POST") commands.push(request.url ?? "");
    response.end(
      JSON.stringify({
        use_cases: [
          { use_case: "of-tomorrow", envs: { production: { revision: "third", rollout: [] } } },
          { use_case: "newer", envs: { production: newer } },
        ],
      }),
    );
  });
  const { service } = start(
    createPolicyService({ log: createMemoryEventLog({ clock }), clock, logger, registryUrl, pollMs: 5 }),
  );
  await eventually(() =>
    expect(service.status().rollouts).toMatchObject([
      { use_case: "newer", doing: "hold", decision: { state: "POSTPONED" } },
    ]),
  );
  expect(service.status().rollouts[0]!.why).toContain("POSTPONED");
  expect(await service.health.readiness["registry"]!()).toMatchObject({ ok: false });
  expect(commands).toEqual([]);
});
