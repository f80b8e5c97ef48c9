/** Kind: time and zones. Calls in a real store, zones pushed by the command line to a real registry, the monitor's own jobs. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IncidentFold } from "@plumbline/alerts";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { CallRow, EventLog, Store } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import { LlmCall } from "@plumbline/schemas";
import { createRegistry } from "@plumbline/services/registry/service";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createMonitorJobs } from "../../../services/monitor/jobs.ts";
import { MonitorConfig } from "../../../services/monitor/config.ts";
import { runPlumbline } from "../../scenarios/tail-run.ts";
import { TIME_CASES, ZONE_CASES, ZONE_NAME_CASES, type ZoneCase } from "./cases.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Two weeks of calls before the silence, and a day. */
const HISTORY_MS = 15 * DAY_MS;
/** As many as the gate asks for. */
const EVAL_CASES = 20;
const PROMPT = `---
model: openai/gpt-5-mini
input: { schema: { ticket: string } }
plumbline.owner: team:a
plumbline.eval: evals/desk.jsonl
---
{{role "system"}}
Summarise.
{{role "user"}}
{{ticket}}
`;

const logger = createLogger("zones", "silent");
const nameOf = (index: number): string => `desk-${index}`;

let folder: string;
let url: string;
let store: Store;
let log: EventLog;
let stop: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plumbline-zones-"));
  const engine = await openEmbeddedClickHouse({ path: join(folder, "store") });
  store = createClickHouseStore(engine);
  await store.migrate();
  // The calls lie in the past, where retention would take them.
  await engine.command("SYSTEM STOP TTL MERGES");
  log = createMemoryEventLog({ clock: systemClock });
  const abort = new AbortController();
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 10 });
  const running = registry.run(abort.signal);
  stop = async () => {
    abort.abort();
    await running;
    await store.close();
    await log.close();
    await rm(folder, { recursive: true });
  };
  url = await registry.url;
  await pushZones();
  let offset = 0;
  for (const [index, zoneCase] of ZONE_CASES.entries())
    await store.insertCalls(callTimes(zoneCase).map((at) => callAt(at, nameOf(index), offset++)));
});

afterAll(() => stop());

async function pushZones(): Promise<void> {
  const project = join(folder, "project");
  for (const name of ["prompts", "evals"]) await mkdir(join(project, name), { recursive: true });
  const cases = Array.from({ length: EVAL_CASES }, (_, i) =>
    JSON.stringify({
      vars: { ticket: `ticket ${i}` },
      assert: [{ type: "contains", value: String(i) }],
      metadata: { id: `case-${i}`, added: new Date(systemClock.now()).toISOString().slice(0, 10) },
    }),
  );
  await writeFile(join(project, "evals/desk.jsonl"), `${cases.join("\n")}\n`);
  const zones = ZONE_CASES.map(({ configured }, index) => ({ useCase: nameOf(index), configured }));
  for (const { useCase } of zones) await writeFile(join(project, `prompts/${useCase}.prompt`), PROMPT);
  const use_cases = Object.fromEntries(
    zones.flatMap(({ useCase, configured }) =>
      configured === undefined ? [] : [[useCase, { time_zone: configured }]],
    ),
  );
  const eval_set = { owner: "team:a", cadence: "90d" };
  const config = { registry: { url }, eval_set, use_cases };
  await writeFile(join(project, "plumbline.config.json"), JSON.stringify(config));
  const { exitCode, stderr } = await plumbline(project, "push", "--allow-dirty");
  if (exitCode !== 0) throw new Error(`push ended with ${exitCode}: ${stderr}`);
}

function plumbline(directory: string, ...args: readonly string[]) {
  return runPlumbline(args, { directory, environment: { PLUMBLINE_ACTOR: "ann" } });
}

/** A call a minute while the users are at work; by the platform's own calendar. */
function callTimes({ users, hours: [opens, closes], isDaily, stopsAt, now }: ZoneCase): readonly number[] {
  const calendar = new Intl.DateTimeFormat("en-GB", {
    timeZone: users,
    weekday: "short",
    hour: "2-digit",
    hourCycle: "h23",
  });
  const end = Math.min(Date.parse(now), Date.parse(stopsAt ?? now));
  const times: number[] = [];
  for (let quarter = end - HISTORY_MS; quarter < end; quarter += 15 * MINUTE_MS) {
    const parts = calendar.formatToParts(quarter);
    const hour = Number(parts.find(({ type }) => type === "hour")?.value);
    const isFree = ["Sat", "Sun"].includes(parts.find(({ type }) => type === "weekday")?.value ?? "");
    if (hour < opens || hour >= closes || (isFree && isDaily !== true)) continue;
    for (let minute = 0; minute < 15; minute++) times.push(quarter + minute * MINUTE_MS);
  }
  return times.filter((at) => at < end);
}

function callAt(ms: number, useCase: string, offset: number): CallRow {
  const at = new Date(ms).toISOString();
  const call = LlmCall.parse({
    call_id: `0198f3a0-0000-7000-8000-${offset.toString(16).padStart(12, "0")}`,
    schema_version: 1,
    started_at: at,
    env: "production",
    app: "desk",
    use_case: useCase,
    model: "m",
    status: "ok",
    latency_ms: 900,
  });
  return {
    log_partition: 0,
    log_offset: offset,
    ingested_at: at,
    tenant: "default",
    call,
    prompt_version: "v1",
    conversation_id: call.call_id,
    started_at: at,
    clock_skew_ms: 0,
    cost_usd: null,
    slices: [],
    features: {},
    is_sampled: false,
    sample_rate: 0,
    flags: [],
  };
}

test.each(ZONE_CASES.map((zoneCase, index) => ({ ...zoneCase, useCase: nameOf(index) })))(
  "$given: $becomes",
  async ({ useCase, now, incident }) => {
    const { coverage } = createMonitorJobs({
      store,
      log,
      logger,
      clock: new VirtualClock(now),
      config: MonitorConfig.parse({}),
      holds: (name) => name === useCase,
    });
    await coverage.run();
    const incidents = new IncidentFold(log);
    await incidents.refresh();
    const evidence = incidents
      .open("coverage")
      .filter(({ detection }) => detection.use_case === useCase)
      .map(({ detection }) => detection.evidence)
      .filter(({ measure }) => measure === "traffic");
    expect(evidence).toMatchObject(
      incident === null ? [] : [{ time_zone: incident.zone, time_zone_source: incident.source }],
    );
  },
);

test.each(ZONE_NAME_CASES)("$given: $becomes", async ({ named }) => {
  const project = await mkdtemp(join(folder, "named-"));
  const config = { use_cases: { desk: { time_zone: named } } };
  await writeFile(join(project, "plumbline.config.json"), JSON.stringify(config));
  const { exitCode, stderr } = await plumbline(project, "lint");
  expect(exitCode).toBe(3);
  expect(stderr).toContain("use_cases.desk.time_zone");
  expect(stderr).toContain("such as Europe/Berlin");
  // A program that asks the registry by itself is told the same.
  const answer = await fetch(`${url}/v1/use-cases/desk/versions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-plumbline-actor": "ci" },
    body: JSON.stringify({ settings: { time_zone: named } }),
  });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    errors: expect.arrayContaining([
      expect.objectContaining({
        field: "settings.time_zone",
        message: expect.stringContaining("Europe/Berlin"),
      }),
    ]),
  });
});

/** Where the process is, until the test ends. */
function standIn(zone: string): void {
  const before = process.env["TZ"];
  process.env["TZ"] = zone;
  onTestFinished(() => {
    if (before === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before;
  });
}

test.each(TIME_CASES)("$given: $becomes", async ({ written, is }) => {
  standIn("America/New_York");
  expect(new Date("2099-01-31T00:00:00").getUTCHours()).toBe(5);
  const args = ["keys", "create", `until-${written}`, "--scope", "read", "--expires", written, "--json"];
  const { exitCode, stdout, stderr } = await plumbline(folder, ...args, "--registry", url);
  if (is === null) {
    expect(exitCode).toBe(2);
    expect(stderr).toContain("is no time");
    return;
  }
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ data: { key: { expires_at: is } } });
});

test("a registry in New York takes no time without a zone for its own", async () => {
  standIn("America/New_York");
  const refused = await fetch(`${url}/v1/dead-letters?since=2026-11-24T09:15:00`);
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ field: "since" });
  const taken = await fetch(`${url}/v1/dead-letters?since=2026-11-24T09:15:00Z`);
  expect(taken.status).toBe(200);
});
