import { encodeIncidentEvent, IncidentFold, INCIDENTS } from "@plumbline/alerts";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createLogger } from "@plumbline/runtime/logger";
import { createScheduler } from "@plumbline/runtime/schedule";
import { expect, test } from "vitest";
import { UseCaseGuard, type UseCaseFailure } from "../use-cases/use-case-guard.ts";
import { createJobWatch } from "./job-watch.ts";

const logger = createLogger("monitor", "silent");
const MINUTE_MS = 60_000;

test("a job without a success for three periods is one incident, which ends with its next success", async () => {
  const { clock, log, incidents, watch } = world();
  let isAway = true;
  const scheduler = createScheduler(
    [
      {
        name: "quality",
        everyMs: MINUTE_MS,
        run: async () => {
          if (isAway) throw new Error("the store is away");
        },
      },
    ],
    { clock, logger },
  );
  const stop = new AbortController();
  const running = scheduler.run(stop.signal);
  const look = async (): Promise<string[]> => {
    await watch.run([{ health: scheduler.health()[0]!, failures: [] }], 0);
    return eventsIn(log);
  };

  await clock.advance(2 * MINUTE_MS);
  expect(await look()).toEqual([]);
  await clock.advance(2 * MINUTE_MS);
  expect(await look()).toEqual(["detected"]);
  await clock.advance(MINUTE_MS);
  expect(await look()).toEqual(["detected"]);
  await incidents.refresh();
  expect(incidents.open("coverage")).toMatchObject([
    {
      severity: "SEV2",
      detection: {
        use_case: "plumbline.monitor",
        metric: { name: "job_runs" },
        evidence: { jobs: [{ job: "quality", error: "the store is away" }] },
      },
    },
  ]);

  isAway = false;
  await clock.advance(MINUTE_MS);
  expect(await look()).toEqual(["detected", "recovered"]);
  // It is over, not watched for ever: nothing is said about it again.
  expect(await look()).toEqual(["detected", "recovered"]);
  await incidents.refresh();
  expect(incidents.open("coverage")).toEqual([]);
  stop.abort();
  await running;
});

test("a use case that a job leaves out is an incident of its own until the job looks at it again", async () => {
  const { clock, log, incidents, watch } = world();
  const guard = new UseCaseGuard("measures", { clock, logger });
  const useCase = { tenant: "acme", env: "production", use_case: "triage" };
  const look = async (failures: readonly UseCaseFailure[]): Promise<string[]> => {
    const health = healthAt(clock.now(), failures.length);
    await watch.run([{ health, failures }], 0);
    return eventsIn(log);
  };

  guard.begin();
  await guard.run(useCase, () => Promise.reject(new Error("too many rows")));
  expect(await look(guard.failures())).toEqual(["detected"]);
  await incidents.refresh();
  expect(incidents.open("coverage")).toMatchObject([{ severity: "SEV3", detection: useCase }]);

  // It rests first: until it was looked at again it stays said.
  guard.begin();
  expect(await guard.run(useCase, () => Promise.resolve())).toBe(false);
  expect(await look(guard.failures())).toEqual(["detected"]);
  await clock.advance(MINUTE_MS);
  expect(await guard.run(useCase, () => Promise.resolve())).toBe(true);
  expect(await look(guard.failures())).toEqual(["detected", "recovered"]);
});

test("dismissed, it is quiet while it lasts; the next time it fails is a new alert", async () => {
  const { clock, log, incidents, watch } = world();
  const guard = new UseCaseGuard("measures", { clock, logger });
  const useCase = { tenant: "acme", env: "production", use_case: "triage" };
  const look = async (isBroken: boolean): Promise<string[]> => {
    guard.begin();
    await guard.run(useCase, () => (isBroken ? Promise.reject(new Error("broken")) : Promise.resolve()));
    // A use case that failed is left alone for a while.
    await clock.advance(60 * MINUTE_MS);
    const health = healthAt(clock.now());
    await watch.run([{ health, failures: guard.failures() }], 0);
    return eventsIn(log);
  };

  expect(await look(true)).toEqual(["detected"]);
  await incidents.refresh();
  const [incident] = incidents.open("coverage");
  const at = new Date(clock.now()).toISOString();
  const dismissed = {
    type: "dismissed",
    incident_id: incident!.incident_id,
    at,
    actor: "ann",
    why: "a test",
  } as const;
  await log.append(INCIDENTS, [encodeIncidentEvent(dismissed)]);
  expect(await look(true)).toEqual(["detected", "dismissed"]);
  expect(await look(false)).toEqual(["detected", "dismissed", "recovered"]);
  // Said once: what is over is not looked at for ever.
  expect(await look(false)).toEqual(["detected", "dismissed", "recovered"]);
  expect(await look(true)).toEqual(["detected", "dismissed", "recovered", "detected"]);
  await incidents.refresh();
  expect(incidents.get(incident!.incident_id)).toMatchObject({ state: "firing", episode: 2 });
});

test("when many use cases fail and none succeeds it is the run that fails", async () => {
  const { clock } = world();
  const guard = new UseCaseGuard("measures", { clock, logger });
  guard.begin();
  const failAll = async (): Promise<void> => {
    for (let i = 0; i < 30; i++)
      await guard.run({ tenant: "t", env: "e", use_case: `u${i}` }, () =>
        Promise.reject(new Error("broken")),
      );
  };
  await expect(failAll()).rejects.toThrow("broken");
});

/** A job whose runs succeed, but for parts. */
function healthAt(now: number, failedParts = 0) {
  return {
    name: "measures",
    period_ms: MINUTE_MS,
    runs: 1,
    failures: 0,
    partial_runs: 0,
    last_success_at: new Date(now).toISOString(),
    last_error: null,
    duration_ms: 1,
    failed_parts_count: failedParts,
    failed_parts: [],
    is_overdue: false,
  };
}

function world() {
  const clock = new VirtualClock("2026-03-01T12:00:00Z");
  const log = createMemoryEventLog({ clock });
  const incidents = new IncidentFold(log);
  return {
    clock,
    log,
    incidents,
    watch: createJobWatch({ log, clock, logger, incidents, holds: () => true }),
  };
}

async function eventsIn(log: ReturnType<typeof createMemoryEventLog>): Promise<string[]> {
  const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 100 });
  return records.map(({ value }) => (JSON.parse(new TextDecoder().decode(value)) as { type: string }).type);
}
