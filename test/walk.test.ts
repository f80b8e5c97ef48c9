/**
 * The walk of ARCHITECTURE.md, executed: one call travels emitter → collector → log → writer → ClickHouse → judge →
 * verdict → monitor → incident → notifier, on real engines, for both logs and both ways to reach the store.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { openHttpClickHouse } from "@plumbline/adapters/clickhouse/http";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { createClickHouseStore } from "@plumbline/adapters/clickhouse/store";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openInboxNotifier } from "@plumbline/adapters/inbox/inbox";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { createLexicalJudge, LEXICAL_JUDGE_NAME } from "@plumbline/adapters/lexical/judge";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { createEmitter } from "@plumbline/emitter";
import type { EventLog } from "@plumbline/ports";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { createLogger } from "@plumbline/runtime/logger";
import { run } from "@plumbline/runtime/run";
import { createCollector } from "@plumbline/services/collector/service";
import { JudgeConfig } from "@plumbline/services/judge/config";
import { DEFAULT_RUBRICS } from "@plumbline/services/judge/default-rubric";
import { createJudgeService } from "@plumbline/services/judge/service";
import { MonitorConfig } from "@plumbline/services/monitor/config";
import { createMonitor } from "@plumbline/services/monitor/service";
import { createNotifierService } from "@plumbline/services/notifier/service";
import { WriterConfig } from "@plumbline/services/writer/config";
import { createEnrichment } from "@plumbline/services/writer/calls/enrich-call";
import { createWriter } from "@plumbline/services/writer/service";
import { afterAll, expect, test, vi } from "vitest";
import { brokerForTests } from "./kafka/broker-for-tests.ts";

const CALLS_A_VERSION = 900;
const OLD = `sha256:${"1".repeat(64)}`;
const NEW = `sha256:${"2".repeat(64)}`;

const broker = await brokerForTests();
afterAll(async () => broker?.stop());

interface Passage {
  readonly input: string;
  readonly v1: string;
  readonly v2: string;
}
const passages = gunzipSync(
  readFileSync(new URL("../examples/ticket-summary/fixtures/passages.jsonl.gz", import.meta.url)),
)
  .toString("utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as Passage);

test("every file that the walks in ARCHITECTURE.md name exists", () => {
  const text = readFileSync(new URL("../ARCHITECTURE.md", import.meta.url), "utf8");
  const walk = text.slice(text.indexOf("## The walk"), text.indexOf("## Two ways"));
  const named = [...walk.matchAll(/`([a-z-]+(?:\/[\w.-]+)+)`/g)].map((match) => match[1]!);
  expect(named.length).toBeGreaterThanOrEqual(22);
  expect(named.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([]);
});

const WAYS = [
  { log: "lmdb", store: "in-process" },
  { log: "lmdb", store: "HTTP" },
  { log: "Kafka", store: "in-process" },
  { log: "Kafka", store: "HTTP" },
] as const;
type Way = (typeof WAYS)[number];
const useCaseOf = ({ log, store }: Way): string => `walk-${log}-${store}`.toLowerCase();

test.for(WAYS)(
  "a call travels from emit to the inbox with the log on $log and the store $store",
  { timeout: 180_000 },
  async (way, { skip }) => {
    // With REQUIRE_KAFKA=1 there is a broker, or this file has failed already.
    skip(way.log === "Kafka" && broker === null, "there is no Kafka; the reason is above");
    const folder = await mkdtemp(join(tmpdir(), "plumbline-walk-"));
    const logger = createLogger("walk", "error");
    const stop = new AbortController();

    const log =
      way.log === "Kafka"
        ? await openOwnTopics()
        : await openLmdbEventLog({ path: join(folder, "log"), clock: systemClock });
    const clickhouse = await openEmbeddedClickHouse({ path: join(folder, "clickhouse") });
    const front = await serveClickHouse(clickhouse, { logger, readOnly: false });
    const store = createClickHouseStore(
      way.store === "HTTP" ? openHttpClickHouse({ url: front.url }) : clickhouse,
    );
    await store.migrate();
    await store.assertMigrated();
    const inbox = await openInboxNotifier({ dir: join(folder, "inbox") });

    const deps = { log, store, clock: systemClock, logger };
    const collector = createCollector({ log, clock: systemClock, logger, port: 0 });
    const running = run(
      [
        collector,
        createWriter({
          ...deps,
          enrichment: createEnrichment(loadConfig(WriterConfig, { PLUMBLINE_JUDGE_SAMPLE_RATIO: "0.5" })),
        }),
        createJudgeService({
          ...deps,
          judge: createLexicalJudge(),
          rubrics: DEFAULT_RUBRICS,
          config: loadConfig(JudgeConfig, {}),
        }),
        createMonitor({
          ...deps,
          config: loadConfig(MonitorConfig, { PLUMBLINE_MONITOR_INTERVAL_SECONDS: "1" }),
        }),
        createNotifierService({
          ...deps,
          notifiers: [inbox],
          settings: { runbooks_url: null, console_url: null },
        }),
      ],
      { logger, stop: stop.signal, drainMs: 20_000, resources: [] },
    );

    try {
      // 1–3: emitted, validated, durable in the log.
      const emitter = createEmitter({ url: await collector.url, app: "walk" });
      const useCase = useCaseOf(way);
      await emitVersion(OLD, "v1");
      const { acknowledged, rejected } = await emitter.flush(60_000);
      expect({ acknowledged, rejected }).toEqual({ acknowledged: CALLS_A_VERSION, rejected: 0 });

      // 4–7: every call is one row, with what the writer added.
      const rows = `SELECT count() AS all_rows, uniqExact(call_id) AS calls, countIf(is_sampled) AS sampled, countIf(has(slices, 'mentions_money')) AS money, countIf(cost_usd > 0) AS priced FROM plumbline_raw.calls WHERE use_case = '${useCase}'`;
      await vi.waitFor(
        async () =>
          expect(await clickhouse.query(rows)).toMatchObject([
            { all_rows: CALLS_A_VERSION, calls: CALLS_A_VERSION },
          ]),
        {
          timeout: 60_000,
          interval: 100,
        },
      );
      const [counts] = await clickhouse.query(rows);
      expect(Number(counts!["money"])).toBeGreaterThan(100);
      expect(Number(counts!["priced"])).toBe(CALLS_A_VERSION);

      // 8: every sampled call gets exactly one verdict, by a judge that says who it is.
      const verdicts = `SELECT count() AS verdicts, uniqExact(call_id) AS calls, any(judge) AS judge FROM plumbline_raw.verdicts FINAL WHERE use_case = '${useCase}'`;
      await vi.waitFor(
        async () =>
          expect(await clickhouse.query(verdicts)).toEqual([
            {
              verdicts: Number(counts!["sampled"]),
              calls: Number(counts!["sampled"]),
              judge: LEXICAL_JUDGE_NAME,
            },
          ]),
        { timeout: 60_000, interval: 200 },
      );
      // The ways on Kafka share its topics, where the incident of the one before may go on.
      const others = WAYS.filter((each) => each !== way).map((each) => useCaseOf(each));
      expect(
        inbox
          .messages(null)
          .filter(({ message }) => !others.some((other) => message.preview.includes(other))),
      ).toEqual([]);

      // 9–12: the worse version is detected, fires once and stands in the inbox with its numbers.
      await emitVersion(NEW, "v2");
      await emitter.flush(60_000);
      const quality = () =>
        inbox
          .messages(null)
          .filter(({ message }) => message.preview.includes(`${useCase}: faithfulness fell`));
      await vi.waitFor(() => expect(quality()).toHaveLength(1), { timeout: 90_000, interval: 200 });
      const { message } = quality()[0]!;
      expect(message.state).toBe("firing");
      expect(message.context.join("\n")).toMatch(/answers were judged by/);
      expect(JSON.stringify(message)).toContain(LEXICAL_JUDGE_NAME);
      await emitter.close();

      async function emitVersion(prompt_version: string, answer: "v1" | "v2"): Promise<void> {
        for (let n = 0; n < CALLS_A_VERSION; n++) {
          const passage = passages[n % passages.length]!;
          emitter.emit({
            use_case: useCase,
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
    } finally {
      stop.abort();
      await running;
      await log.close();
      await front.close();
      await store.close();
      await clickhouse.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
);

async function openOwnTopics(): Promise<EventLog> {
  if (broker === null) throw new Error("unreachable");
  await ensureTopics(broker.brokers, { replicationFactor: 1 });
  return openKafkaEventLog({
    brokers: broker.brokers,
    clientId: "walk",
    logger: createLogger("kafka", "error"),
  });
}
