/**
 * Production as it is deployed: every service a process of its own, Kafka between them, ClickHouse over HTTP, Slack
 * behind its API. Processes are killed on the way, and what they held must arrive all the same, once.
 */
import { createLogger } from "@plumbline/runtime/logger";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { METRIC_PREFIX } from "@plumbline/runtime/metrics";
import { createEmitter } from "@plumbline/emitter";
import { afterAll, expect, test, vi } from "vitest";
import { startFakeSlack } from "../fake-slack.ts";
import { readExposition } from "../observation/read-exposition.ts";
import { brokerForTests } from "./broker-for-tests.ts";
import { killServices, startService, type ServiceProcess } from "./service-process.ts";

const logger = createLogger("test", "silent");

const CALLS_A_VERSION = 900;
const OLD = `sha256:${"1".repeat(64)}`;
const NEW = `sha256:${"2".repeat(64)}`;

const kafka = await brokerForTests();
afterAll(async () => {
  killServices();
  await kafka?.stop();
});

test.skipIf(kafka === null)(
  "six processes carry calls to an alert in Slack, through kills of each of them",
  { timeout: 600_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "plumbline-processes-"));
    const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
    const front = await serveClickHouse(clickhouse, { logger, readOnly: false });
    const slack = await startFakeSlack();
    const environment = {
      PLUMBLINE_KAFKA_BROKERS: kafka!.brokers.join(","),
      PLUMBLINE_CLICKHOUSE_URL: front.url,
      PLUMBLINE_COLLECTOR_HOST: "127.0.0.1",
      PLUMBLINE_COLLECTOR_PORT: "0",
      PLUMBLINE_NOTIFIER_HOST: "127.0.0.1",
      PLUMBLINE_NOTIFIER_PORT: "0",
      PLUMBLINE_METRICS_PORT: "0",
      PLUMBLINE_JUDGE_PROVIDER: "lexical",
      PLUMBLINE_JUDGE_SAMPLE_RATIO: "0.5",
      PLUMBLINE_MONITOR_INTERVAL_SECONDS: "1",
      PLUMBLINE_SLACK_TOKEN: "xoxb-test",
      PLUMBLINE_SLACK_CHANNEL: slack.channel,
      PLUMBLINE_SLACK_API_URL: slack.apiUrl,
    };
    const start = (name: string): ServiceProcess => startService(name, environment);

    // Against an older schema a service refuses to start, and says what to run.
    const early = start("writer");
    expect(await early.exitCode).toBe(3);
    expect(early.output()).toMatch(
      /0001_calls\.sql, .* not applied\. Run the migrations before the services\.\n$/,
    );
    expect(await start("migrate").exitCode).toBe(0);

    const collector = start("collector");
    let writer = start("writer");
    let judge = start("judge");
    let monitor = start("monitor");
    let notifier = start("notifier");
    const emitter = createEmitter({ url: await collector.url, app: "processes" });
    const ended = (): string[] =>
      [collector, writer, judge, monitor, notifier].flatMap((each) =>
        each.isAlive() ? [] : [each.output()],
      );

    emitVersion(OLD, "v1");
    expect(await emitter.flush(60_000)).toMatchObject({ acknowledged: CALLS_A_VERSION, rejected: 0 });
    await until(async () => Number((await counts())["stored"]) > 0);
    // All at once: Kafka hands on what a killed member held only when its session of a minute has run out.
    await Promise.all([writer.kill(), judge.kill(), monitor.kill()]);
    writer = start("writer");
    judge = start("judge");
    monitor = start("monitor");
    await until(async () => {
      expect(ended()).toEqual([]);
      expect(await counts()).toMatchObject({ stored: CALLS_A_VERSION, rows: CALLS_A_VERSION });
    });
    await until(async () => {
      const { sampled, verdicts, judged } = await counts();
      expect({ verdicts, judged }).toEqual({ verdicts: sampled, judged: sampled });
    });

    emitVersion(NEW, "v2");
    await emitter.flush(60_000);
    const alerts = () => slack.messages.filter(({ text }) => text.includes("faithfulness fell"));
    await until(async () => {
      expect(ended()).toEqual([]);
      expect(alerts()).toHaveLength(1);
    });

    const told = await figuresOf(notifier);
    expect(told("alerts_total", { sink: "slack" })).toBe(slack.messages.length);
    expect(told("slack_send_total", { outcome: "ok" })).toBeGreaterThanOrEqual(slack.messages.length);

    // A notifier that comes back knows what it has posted.
    await notifier.kill();
    const historyBefore = slack.calls.length;
    notifier = start("notifier");
    await until(async () => expect(notifier.output()).toContain("notifier-http.listening"));
    emitVersion(NEW, "v2");
    await emitter.flush(60_000);
    await until(async () =>
      expect(await counts()).toMatchObject({ stored: 3 * CALLS_A_VERSION, rows: 3 * CALLS_A_VERSION }),
    );
    expect(alerts()).toHaveLength(1);
    expect(slack.calls.length).toBeGreaterThanOrEqual(historyBefore);

    await checkWhatTheySay();

    // Asked to stop, each of them finishes what it holds and leaves with 0.
    await emitter.close();
    const codes = await Promise.all(
      [collector, writer, judge, monitor, notifier].map((each) => each.terminate()),
    );
    expect(codes).toEqual([0, 0, 0, 0, 0]);

    await slack.close();
    await front.close();
    await clickhouse.close();
    await rm(folder, { recursive: true, force: true });

    function emitVersion(prompt_version: string, answer: "v1" | "v2"): void {
      for (let n = 0; n < CALLS_A_VERSION; n++) {
        const passage = passages[n % passages.length]!;
        emitter.emit({
          use_case: "processes",
          prompt_version,
          provider: "openai",
          model: "gpt-5-mini",
          status: "ok",
          latency_ms: 900,
          input_tokens: 400,
          output_tokens: 60,
          input: passage.input,
          output: passage[answer],
        });
      }
    }

    /** Each process answers on its own port, about itself, what the store and Slack say as well. */
    async function checkWhatTheySay(): Promise<void> {
      await until(async () => {
        const { sampled, judged } = await counts();
        expect(judged).toBe(sampled);
        for (const each of [collector, writer, judge, monitor, notifier]) {
          const { status, body } = await readyOf(each);
          expect({ status, body }).toMatchObject({ status: 200, body: { status: "ok" } });
          expect(Object.keys(body.checks)).not.toEqual([]);
        }
      });
      const { sampled, new_sampled } = await counts();

      const collected = await figuresOf(collector);
      expect(collected("events_ingested_total", { topic: "plumbline.calls" })).toBe(3 * CALLS_A_VERSION);
      expect(collected("events_invalid_total")).toBe(0);

      // The lives before this one took their counts with them.
      const written = await figuresOf(writer);
      expect(written("insert_rows_sum", { table: "calls" })).toBeGreaterThanOrEqual(2 * CALLS_A_VERSION);
      expect(written("insert_rows_sum", { table: "calls" })).toBeLessThanOrEqual(3 * CALLS_A_VERSION);
      expect(written("consumer_lag_messages", { topic: "plumbline.calls" })).toBe(0);
      expect(written("duplicates_total", { topic: "plumbline.calls" })).toBe(0);

      const judged = await figuresOf(judge);
      expect(judged("judge_requests_total")).toBeGreaterThanOrEqual(Number(new_sampled));
      expect(judged("judge_requests_total")).toBeLessThanOrEqual(Number(sampled));
      // As of its newest look, which may have been before the last verdict.
      await until(async () => expect((await figuresOf(judge))("judge_queue_age_seconds")).toBe(0));

      const watched = await figuresOf(monitor);
      for (const job of ["quality", "coverage"])
        expect({ job, runs: watched("job_duration_seconds_count", { job, outcome: "ok" }) > 0 }).toEqual({
          job,
          runs: true,
        });

      // Between two edits of a message; the monitor looks every second.
      await until(async () =>
        expect((await figuresOf(notifier))("outbox_pending", { sink: "slack" })).toBe(0),
      );
    }

    async function counts(): Promise<Readonly<Record<string, unknown>>> {
      const [row] = await clickhouse.query(
        `SELECT
           (SELECT count() FROM plumbline_raw.calls) AS rows,
           (SELECT uniqExact(call_id) FROM plumbline_raw.calls) AS stored,
           (SELECT countIf(is_sampled) FROM plumbline_raw.calls FINAL) AS sampled,
           (SELECT countIf(is_sampled) FROM plumbline_raw.calls FINAL WHERE prompt_version = '${NEW}') AS new_sampled,
           (SELECT count() FROM plumbline_raw.verdicts FINAL) AS verdicts,
           (SELECT uniqExact(call_id) FROM plumbline_raw.verdicts) AS judged`,
      );
      return row!;
    }
  },
);

async function readyOf(
  process: ServiceProcess,
): Promise<{ status: number; body: { status: string; checks: object } }> {
  const response = await fetch(`${await process.metricsUrl}/readyz?verbose`);
  return { status: response.status, body: (await response.json()) as { status: string; checks: object } };
}

/** What a process says at `/metrics`: a sum over the series of a name, without its prefix, that have these labels; of none, it throws. */
async function figuresOf(
  process: ServiceProcess,
): Promise<(name: string, labels?: Readonly<Record<string, string>>) => number> {
  const response = await fetch(`${await process.metricsUrl}/metrics`);
  const families = readExposition(await response.text());
  const samples = [...families.values()].flatMap((family) => family.samples);
  return (name, labels = {}) => {
    const found = samples.filter(
      (sample) =>
        sample.name === `${METRIC_PREFIX}${name}` &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
    if (found.length === 0) throw new Error(`no series ${name} ${JSON.stringify(labels)}`);
    return found.reduce((sum, { value }) => sum + value, 0);
  };
}

async function until(isSo: () => Promise<unknown>): Promise<void> {
  await vi.waitFor(
    async () => {
      if ((await isSo()) === false) throw new Error("not yet");
    },
    { timeout: 150_000, interval: 200 },
  );
}

interface Passage {
  readonly input: string;
  readonly v1: string;
  readonly v2: string;
}
const passages = gunzipSync(
  readFileSync(new URL("../../examples/ticket-summary/fixtures/passages.jsonl.gz", import.meta.url)),
)
  .toString("utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Passage);
