import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import type { QualityRow, VersionTraffic, Window } from "@plumbline/ports";
import { IncidentEvent } from "@plumbline/schemas";
import { pino } from "pino";
import { expect, test } from "vitest";
import { IncidentFold } from "./incident-fold.ts";
import { runQualityJob } from "./quality-job.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-03-20T00:00:00Z");

/** A version served from `from` to `to` days before now, judged `units` times with `mean`. */
interface Served {
  readonly version: string;
  readonly from: number;
  readonly to: number;
  readonly units: number;
  readonly mean: number;
}

function setUp() {
  const clock = new VirtualClock(NOW);
  const log = createMemoryEventLog({ clock });
  let history: readonly Served[] = [];
  const at = (daysAgo: number): string => new Date(clock.now() - daysAgo * DAY_MS).toISOString();
  const useCase = { tenant: "default", env: "production", use_case: "ticket-summary" };
  const store = {
    async qualityByVersion(window: Window): Promise<readonly QualityRow[]> {
      return history
        .filter((served) => at(served.to) >= window.start)
        .map((served) => ({
          ...useCase,
          criterion: "faithfulness",
          is_guardrail: true,
          rubric_hash: "sha256:r",
          judge: "lexical, no LLM",
          prompt_version: served.version,
          units: served.units,
          score_sum: served.units * served.mean,
          score_square_sum: served.units * served.mean,
          first_started_at: at(served.from),
          last_started_at: at(served.to),
        }));
    },
    async versionTraffic(): Promise<readonly VersionTraffic[]> {
      return history.map((served) => ({
        ...useCase,
        prompt_version: served.version,
        calls: served.units * 20,
        ok_calls: served.units * 20,
        latency_ms_p95: 1_800,
        cost_usd_sum: 1,
        first_started_at: at(served.from),
        last_started_at: at(served.to),
      }));
    },
  };
  const incidents = new IncidentFold(log);
  const run = (holds: (useCase: string) => boolean = () => true) =>
    runQualityJob({
      store,
      log,
      clock,
      logger: pino({ level: "silent" }),
      incidents,
      holds,
      alpha: 0.01,
      margin: 0.02,
    });
  const events = async () =>
    (await log.read("plumbline.incidents", 0, 0, 100)).map((record) =>
      IncidentEvent.parse(JSON.parse(new TextDecoder().decode(record.value))),
    );
  return { clock, log, run, events, serve: (next: readonly Served[]) => (history = next) };
}

const good: Served = { version: "v1", from: 16, to: 2, units: 1_400, mean: 0.94 };
const bad: Served = { version: "v2", from: 2, to: 0, units: 300, mean: 0.78 };

test("a version that got worse is asserted once, however often the job runs, with the numbers that made it", async () => {
  const { run, events, serve } = setUp();
  serve([good, bad]);
  await run();
  await run();
  await run();
  const [event, ...more] = await events();
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    type: "detected",
    detection: {
      kind: "quality",
      severity: "SEV2",
      candidate: { prompt_version: "v2", units: 300, calls: 6_000 },
      incumbent: { prompt_version: "v1", units: 1_400 },
      evidence: { candidate: { units: 300, score_sum: 234 } },
    },
  });
  if (event?.type !== "detected") throw new Error("unreachable");
  expect(event.detection.effect).toBeCloseTo(-0.16, 10);
  expect(event.detection.interval[1]).toBeLessThan(-0.02);
});

test.each([
  { name: "the same quality", history: [good, { ...bad, mean: 0.94 }] },
  { name: "too few judged units", history: [good, { ...bad, units: 99 }] },
  { name: "too few units of the incumbent", history: [{ ...good, units: 99 }, bad] },
  {
    name: "a certain drop below the margin",
    history: [
      { ...good, units: 4_000_000 },
      { ...bad, units: 4_000_000, mean: 0.93 },
    ],
  },
  { name: "one version alone", history: [{ ...bad, from: 16 }] },
  { name: "an untagged predecessor", history: [{ ...good, version: "" }, bad] },
  {
    name: "a bad version that no longer serves",
    history: [
      { ...good, to: 0 },
      { ...bad, from: 5, to: 3 },
    ],
  },
  { name: "no judged unit at all", history: [] },
])("$name is not a regression", async ({ history }) => {
  const { run, events, serve } = setUp();
  serve(history);
  await run();
  expect(await events()).toEqual([]);
});

test("an open incident is asserted again when its evidence has grown, and not for every unit", async () => {
  const { run, events, serve } = setUp();
  serve([good, bad]);
  await run();
  serve([good, { ...bad, units: 320 }]);
  await run();
  expect(await events()).toHaveLength(1);
  serve([good, { ...bad, units: 500 }]);
  await run();
  expect(await events()).toHaveLength(2);
});

test("a successor of a regressed version is compared with the last good one, not with the damage", async () => {
  const { run, events, serve } = setUp();
  serve([good, bad]);
  await run();
  serve([good, { ...bad, to: 1 }, { version: "v3", from: 1, to: 0, units: 300, mean: 0.78 }]);
  await run();
  const detected = (await events()).flatMap((event) => (event.type === "detected" ? [event.detection] : []));
  expect(detected.at(-1)).toMatchObject({
    candidate: { prompt_version: "v3" },
    incumbent: { prompt_version: "v1" },
  });
});

test("a rollback is recovered only when enough was judged since, and then once", async () => {
  const { run, events, serve } = setUp();
  serve([good, bad]);
  await run();
  const rolledBack = [good, { ...bad, to: 1 }] as const;
  serve([...rolledBack, { ...good, from: 1, to: 0, units: 50 }]);
  await run();
  expect(await events()).toHaveLength(1);
  serve([...rolledBack, { ...good, from: 1, to: 0, units: 400 }]);
  await run();
  await run();
  const all = await events();
  expect(all.map((event) => event.type)).toEqual(["detected", "recovered"]);
  expect(all[1]).toMatchObject({ how: "rolled back to v1", current: { prompt_version: "v1", units: 400 } });
});

test("a use case of another replica is left alone", async () => {
  const { run, events, serve } = setUp();
  serve([good, bad]);
  await run(() => false);
  expect(await events()).toEqual([]);
});
