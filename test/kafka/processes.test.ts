/**
 * Production as it is deployed: every service a process of its own, Kafka between them, ClickHouse over HTTP, Slack
 * behind its API. Processes are killed on the way, and what they held must arrive all the same, once.
 */
import { createLogger } from "@plumbline/runtime/logger";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { createEmitter } from "@plumbline/emitter";
import { afterAll, expect, test, vi } from "vitest";
import { startFakeSlack } from "../fake-slack.ts";
import { brokerForTests } from "./broker-for-tests.ts";

const logger = createLogger("test", "silent");

const CALLS_A_VERSION = 900;
const OLD = `sha256:${"1".repeat(64)}`;
const NEW = `sha256:${"2".repeat(64)}`;

const kafka = await brokerForTests();
const children = new Set<ChildProcess>();
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
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
    const start = (name: string): Process => startProcess(name, environment);

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

    async function counts(): Promise<Readonly<Record<string, unknown>>> {
      const [row] = await clickhouse.query(
        `SELECT
           (SELECT count() FROM plumbline_raw.calls) AS rows,
           (SELECT uniqExact(call_id) FROM plumbline_raw.calls) AS stored,
           (SELECT countIf(is_sampled) FROM plumbline_raw.calls FINAL) AS sampled,
           (SELECT count() FROM plumbline_raw.verdicts FINAL) AS verdicts,
           (SELECT uniqExact(call_id) FROM plumbline_raw.verdicts) AS judged`,
      );
      return row!;
    }
  },
);

interface Process {
  /** Where it listens, for those that do. */
  readonly url: Promise<string>;
  /** Where it answers about itself. */
  readonly metricsUrl: Promise<string>;
  readonly exitCode: Promise<number | null>;
  /** Everything it said. */
  output(): string;
  isAlive(): boolean;
  kill(): Promise<void>;
  /** @returns the exit code after SIGTERM */
  terminate(): Promise<number | null>;
}

function startProcess(name: string, environment: Readonly<Record<string, string>>): Process {
  const main = fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", main], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment },
  });
  children.add(child);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exitCode = once(child, "exit").then(([code]) => {
    children.delete(child);
    return code as number | null;
  });
  const urls = { own: resolvable<string>(), metrics: resolvable<string>() };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      const [, url, service] = /"url":"(http:[^"]+)","msg":"([a-z-]+)\.listening"/.exec(line) ?? [];
      if (url !== undefined) urls[service === "metrics" ? "metrics" : "own"].resolve(url);
    });
  }
  return {
    url: urls.own.promise,
    metricsUrl: urls.metrics.promise,
    exitCode,
    output: () => `${name}: ${said}`,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    async kill() {
      child.kill("SIGKILL");
      await exitCode;
    },
    terminate() {
      child.kill("SIGTERM");
      return exitCode;
    },
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

function resolvable<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
