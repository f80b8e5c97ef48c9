/**
 * Replays history through the very same writer, judge and monitor that serve production, with event time as the
 * clock: a log in memory, ClickHouse in this process in a temporary folder, nothing left behind.
 *
 * Time goes in steps. In each one the calls are appended with the times at which they arrived, the writer stores them,
 * the judge's work list is emptied, and every monitor looks once, one millisecond before the step ends.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { readQuery } from "@plumbline/adapters/clickhouse/sql/sql-files";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { VirtualClock } from "@plumbline/adapters/clock/virtual-clock";
import { createLexicalJudge } from "@plumbline/adapters/lexical/judge";
import { createJudge } from "@plumbline/adapters/llm/create-judge";
import { createMemoryEventLog, type MemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { type Clock, ConfigError, type EventLog, type Store, writeEvent } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import type { Logger } from "@plumbline/runtime/logger";
import { HOUR_MS, type IncidentEvent, type Topic } from "@plumbline/schemas";
import { JudgeChoiceConfig, judgeChoice, JudgeConfig } from "../../judge/config.ts";
import { DEFAULT_RUBRICS } from "../../judge/default-rubric.ts";
import { WriterConfig } from "../../writer/config.ts";
import { createEnrichment } from "../../writer/calls/enrich-call.ts";
import { createWriter, type Writer } from "../../writer/service.ts";
import { labelCriteria, labelOf, type LabelCriterion } from "./criteria.ts";
import { createJudgeDecider } from "./judge-decider.ts";
import { createLabelDecider, type Decider, judgePending } from "./judge-pass.ts";
import { createMonitors } from "./monitors.ts";
import { type Arrival, type EventRow, readTraffic, type TrafficFiles } from "./read-traffic.ts";
import { type BacktestReport, clearedVersions, JudgedVersions, readIncidents } from "./report.ts";
import { toCall } from "./to-call.ts";

/** Calls selected in earlier steps have their verdicts; a little more is looked at for late arrivals. */
const PENDING_REACH_MS = HOUR_MS;
/** Fewer calls than this are all judged unless a rate is given: a twentieth of them could decide nothing. */
const WHOLE_BELOW_CALLS = 20_000;
/** The log is in memory: more calls end with an error instead of a process without memory. */
const CALLS_MAX = 2_000_000;

export const JUDGES = ["labels", "lexical", "llm"] as const;

export interface BacktestOptions extends TrafficFiles {
  readonly judge: (typeof JUDGES)[number];
  /** Standard deviation of the error put on labels. */
  readonly judgeNoise?: number;
  /** Share of conversations that is judged; by default 0.05, and everything of a small file. */
  readonly rate?: number | undefined;
  /** `name=field`, for judge labels; by default whatever the file has of quality, faithfulness, completeness. */
  readonly criteria?: readonly string[];
  /** Time from one look of the monitors to the next, ms; a divisor of a day. Default one hour. */
  readonly stepMs?: number;
  /** Calls at or after this are left out; ISO 8601. */
  readonly until?: string | undefined;
  /** Configuration of the services, as in production. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BacktestProgress) => void;
  /** Gets what happened to incidents, at the end and in its order. */
  readonly onIncident?: (event: IncidentEvent) => void;
}

interface BacktestProgress {
  readonly calls: number;
  readonly of: number;
  /** Event time, ms. */
  readonly at: number;
}

/** @throws BadFileError, MissingFileError, InvalidConfigError, ConfigError; ExternalError when the judge is not to be reached */
export async function backtest(options: BacktestOptions): Promise<BacktestReport> {
  const { environment, logger, stepMs = HOUR_MS, signal = new AbortController().signal } = options;
  const found = await inspect(options);
  const rate = options.rate ?? (found.callsInFile < WHOLE_BELOW_CALLS ? 1 : undefined);
  const writerConfig = loadConfig(WriterConfig, {
    ...environment,
    ...(rate === undefined ? {} : { PLUMBLINE_JUDGE_SAMPLE_RATIO: String(rate) }),
  });

  const clock = new VirtualClock(Math.floor(found.firstAt / stepMs) * stepMs);
  let arrivedAt: number | null = null;
  const logClock: Clock = {
    now: () => arrivedAt ?? clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (ms, abort) => clock.sleep(ms, abort),
  };
  /** Of the newest arrival: the writer takes a record from beyond its own time for one with a wrong clock. */
  let newestAt = 0;
  const writerClock: Clock = { ...logClock, now: () => Math.max(clock.now(), newestAt) };
  const log = createMemoryEventLog({ clock: logClock });
  const folder = await mkdtemp(join(tmpdir(), "plumbline-backtest-"));
  const stop = new AbortController();
  const clickhouse = await openEmbeddedClickHouse({ path: folder, ingestConnections: 1 });
  const store = createClickHouseStore(clickhouse);
  let running: Promise<void> = Promise.resolve();
  try {
    await store.migrate();
    await clickhouse.command(readQuery("keep_history"));
    const writer = createWriter({
      log,
      store,
      clock: writerClock,
      logger,
      enrichment: createEnrichment(writerConfig),
    });
    running = writer.run(stop.signal);
    const stored = createStoredWait(log, writer, running);

    /** Events of the current step, for a judge that reads labels. */
    const rows = new Map<string, EventRow>();
    const decider = createDecider(options, found.criteria, clock, (callId) => rows.get(callId));
    const monitors = createMonitors({ log, store, clock, logger, environment, isJudged: decider !== null });
    const judged = new JudgedVersions();
    let calls = 0;

    const endStep = async (arrivals: readonly Arrival[], endMs: number): Promise<void> => {
      const startMs = clock.now();
      newestAt = Math.max(newestAt, arrivals.at(-1)?.at ?? 0);
      const appended = arrivals.map((arrival) => {
        const call = toCall(arrival, calls++);
        rows.set(call.call_id, arrival.row);
        arrivedAt = arrival.at;
        return log.append("plumbline.calls", [
          { key: call.call_id, value: writeEvent(call), headers: { tenant: "default" } },
        ]);
      });
      arrivedAt = null;
      await Promise.all(appended);
      await stored("plumbline.calls");
      await clock.advance(endMs - 1 - clock.now());
      if (decider !== null && arrivals.length > 0) {
        const since = new Date(startMs - PENDING_REACH_MS).toISOString();
        const wait = () => stored("plumbline.verdicts");
        for (const verdict of await judgePending(decider, since, { log, store, stored: wait, signal }))
          judged.add(verdict);
      }
      rows.clear();
      await monitors.run();
      await stored("plumbline.incidents");
      await forgetStored(log);
      options.onProgress?.({ calls, of: found.calls, at: endMs });
    };

    let step: Arrival[] = [];
    let endMs = clock.now() + stepMs;
    for await (const arrival of within(options)) {
      while (arrival.at >= endMs) {
        if (signal.aborted) throw new InterruptedError();
        await endStep(step, endMs);
        step = [];
        endMs += stepMs;
      }
      step.push(arrival);
    }
    await endStep(step, endMs);

    const incidents = await readIncidents(log, options.onIncident);
    const states = monitors.states();
    return {
      calls,
      judged: judged.judgedCalls,
      incidents,
      cleared: clearedVersions(states),
      inconclusive: judged.undecided(states, incidents),
      coverage: await readCoverage(
        store,
        log,
        {
          start: new Date(found.firstAt).toISOString(),
          end: new Date(endMs).toISOString(),
        },
        writerConfig.PLUMBLINE_JUDGE_SAMPLE_RATIO,
      ),
    };
  } finally {
    stop.abort();
    await running.catch(() => undefined);
    await log.close();
    await store.close();
    await clickhouse.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** readCoverage returns what became of the calls that were chosen for judging. @param rate share that was chosen */
async function readCoverage(
  store: Pick<Store, "coverageByHour">,
  log: EventLog,
  window: Parameters<Store["coverageByHour"]>[0],
  rate: number,
): Promise<BacktestReport["coverage"]> {
  const sum = { sampled: 0, scored: 0, cannot_judge: 0, failed: 0, expired: 0, over_budget: 0 };
  for (const row of await store.coverageByHour(window)) {
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += row[name];
  }
  const { sampled, ...states } = sum;
  const [dead] = await log.watermarks("plumbline.calls.dead_letter");
  return {
    rate,
    ...sum,
    unjudged: sampled - Object.values(states).reduce((total, each) => total + each, 0),
    dead_letters: dead?.high ?? 0,
  };
}

/** Somebody pressed ctrl-c. */
class InterruptedError extends Error {
  readonly exitCode = 130;
  constructor() {
    super("interrupted");
    this.name = new.target.name;
  }
}

interface Inspection {
  /** To replay. */
  readonly calls: number;
  readonly callsInFile: number;
  readonly firstAt: number;
  readonly criteria: readonly LabelCriterion[];
}

/** Reads both files once: they are wrong before the replay, or not at all. */
async function inspect(options: BacktestOptions): Promise<Inspection> {
  const criteria = options.judge === "labels" ? labelCriteria(options.criteria) : [];
  const present = new Set<LabelCriterion>();
  const end = endOf(options);
  let callsInFile = 0;
  let calls = 0;
  let firstAt = Infinity;
  for await (const { at, row } of readTraffic(options)) {
    callsInFile += 1;
    if (at >= end) continue;
    calls += 1;
    if (calls > CALLS_MAX)
      throw new ConfigError(`${options.events}: more than ${CALLS_MAX} calls; choose a shorter period`);
    firstAt = Math.min(firstAt, at);
    for (const criterion of criteria) {
      if (!present.has(criterion) && labelOf(row, criterion.field) !== null) present.add(criterion);
    }
  }
  if (calls === 0) throw new ConfigError("no call is left to replay: --until is earlier than the first one");
  const missing = criteria.find((criterion) => options.criteria?.length && !present.has(criterion));
  if (missing !== undefined) {
    throw new ConfigError(
      `${options.events}: no event has a number in [0,1] or a boolean at ${missing.field}`,
    );
  }
  return { calls, callsInFile, firstAt, criteria: criteria.filter((criterion) => present.has(criterion)) };
}

async function* within(options: BacktestOptions): AsyncGenerator<Arrival> {
  const end = endOf(options);
  for await (const arrival of readTraffic(options)) {
    if (arrival.at >= end) return;
    yield arrival;
  }
}

function endOf({ until }: BacktestOptions): number {
  return until === undefined ? Infinity : Date.parse(until);
}

/** Null when the file has nothing to judge by. */
function createDecider(
  options: BacktestOptions,
  criteria: readonly LabelCriterion[],
  clock: Clock,
  rowOf: (callId: string) => EventRow | undefined,
): Decider | null {
  const { judge, environment, judgeNoise: noise = 0 } = options;
  if (judge === "labels")
    return criteria.length === 0 ? null : createLabelDecider(criteria, { noise, clock, rowOf });
  const config = loadConfig(JudgeConfig, environment);
  const shared = { rubrics: DEFAULT_RUBRICS, clock, realClock: systemClock, config };
  if (judge === "lexical") return createJudgeDecider(createLexicalJudge(), shared);
  const choice = judgeChoice(loadConfig(JudgeChoiceConfig, environment));
  if (choice.provider === "lexical") {
    throw new ConfigError(
      "--judge llm: set PLUMBLINE_JUDGE_PROVIDER to openai or anthropic, and PLUMBLINE_JUDGE_MODEL",
    );
  }
  return createJudgeDecider(createJudge({ ...choice, clock: systemClock }), shared);
}

/** The writer alone reads these, and what it committed is in the database: the replay's memory doesn't grow with history. */
async function forgetStored(log: MemoryEventLog): Promise<void> {
  for (const topic of ["plumbline.calls", "plumbline.verdicts"] as const) {
    for (const { partition } of await log.watermarks(topic)) {
      log.trim(topic, partition, (await log.committed("writer", topic, partition)).offset);
    }
  }
}

/**
 * Resolves once the writer has committed everything of a topic; rejects with the writer's fault. On a clock of our own a
 * pause of the writer would never end: it rejects with its reason.
 */
function createStoredWait(
  log: EventLog,
  { delivery }: Writer,
  running: Promise<void>,
): (topic: Topic) => Promise<void> {
  let fault: { readonly error: unknown } | null = null;
  running.catch((error: unknown) => (fault = { error }));
  return async (topic) => {
    for (;;) {
      if (fault !== null) throw (fault as { error: unknown }).error;
      const paused = delivery.deliveries().find(({ state }) => state === "paused");
      if (paused !== undefined) throw new Error(`the writer paused ${paused.topic}: ${paused.reason}`);
      const marks = await log.watermarks(topic);
      const committed = await Promise.all(
        marks.map(({ partition }) => log.committed("writer", topic, partition)),
      );
      const isStored = marks.every(({ high }, i) => committed[i]!.offset >= high);
      if (isStored) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
}
