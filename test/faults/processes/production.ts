/**
 * Production on one machine: a real Kafka broker, a ClickHouse behind a fault proxy, Slack's stand-in, and every service a
 * process of its own, as it is deployed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import type { EventLog } from "@plumbline/ports";
import { startBroker, type Broker } from "../../../infra/kafka/broker.ts";
import { startFakeSlack, type FakeSlack } from "../../fake-slack.ts";
import { INSERTED } from "../oracle/inserted.ts";
import { createStoreReader, type StoreReader } from "../oracle/store-reader.ts";
import { startFaultProxy, type FaultProxy } from "../proxy/http-proxy.ts";
import { freePorts } from "./free-port.ts";
import { HopelessError, mainOf, sourceArgs, startProcess, until, type TestedProcess } from "./process.ts";
import { exitWithin, WRITER_WORKED, type Supervised } from "./supervise.ts";

export type ServiceName = "collector" | "writer" | "judge" | "monitor" | "notifier" | "registry" | "policy";

export interface Production {
  readonly broker: Broker;
  /** Between the services and the engine. */
  readonly proxy: FaultProxy;
  readonly slack: FakeSlack;
  /** Reads the engine past the proxy. */
  readonly store: StoreReader;
  /** Runs a statement on the engine past the proxy. */
  command(sql: string): Promise<void>;
  /** Reads the log as no service of the stack. */
  readonly log: EventLog;
  readonly urls: { readonly collector: string; readonly registry: string };
  /** The ClickHouse process itself. */
  readonly engine: Supervised;
  /** Its current life, for who ends it. */
  engineProcess: TestedProcess;
  service(name: ServiceName, environment?: Readonly<Record<string, string>>): Supervised;
  close(): Promise<void>;
}

/** Shortest that the suite's broker allows: a killed reader's partitions move on after it. */
const SESSION_MS = 1_500;
const SERVES_MS = 90_000;

/** The line by which a service says that it does its work. */
const SERVES: Readonly<Record<ServiceName, RegExp>> = {
  collector: /"collector\.listening"/,
  writer: /"topic":"plumbline\.calls"[^\n]*"kafka\.assigned"/,
  judge: /"judge\.claimed"/,
  monitor: /"monitor\.claimed"/,
  notifier: /"notifier-http\.listening"/,
  registry: /"registry\.listening"/,
  policy: /"policy-http\.listening"/,
};

export async function startProduction(): Promise<Production> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-faults-production-"));
  const [brokerPort, enginePort, collectorPort, registryPort] = await freePorts(4);
  const [broker, slack] = await Promise.all([startBroker({ port: brokerPort! }), startFakeSlack()]);
  const engineUrl = `http://127.0.0.1:${enginePort}`;
  const engine: Supervised = {
    name: "clickhouse",
    start: () =>
      startProcess("clickhouse", [
        ...sourceArgs("engine.ts"),
        join(folder, "clickhouse"),
        "serve",
        String(enginePort),
      ]),
    serves: (started) => untilSaid(started, /http:/),
  };
  const engineProcess = engine.start();
  await engine.serves(engineProcess);
  const proxy = await startFaultProxy(engineUrl);
  const environment = {
    PLUMBLINE_KAFKA_BROKERS: broker.brokers.join(","),
    PLUMBLINE_KAFKA_REPLICATION: "1",
    PLUMBLINE_KAFKA_SESSION_MS: String(SESSION_MS),
    PLUMBLINE_CLICKHOUSE_URL: proxy.url,
    PLUMBLINE_COLLECTOR_PORT: String(collectorPort),
    PLUMBLINE_REGISTRY_PORT: String(registryPort),
    PLUMBLINE_REGISTRY_URL: `http://127.0.0.1:${registryPort}`,
    PLUMBLINE_REGISTRY_SNAPSHOT: join(folder, "registry.json"),
    PLUMBLINE_NOTIFIER_HOST: "127.0.0.1",
    PLUMBLINE_NOTIFIER_PORT: "0",
    PLUMBLINE_POLICY_HOST: "127.0.0.1",
    PLUMBLINE_POLICY_PORT: "0",
    PLUMBLINE_POLICY_POLL_MS: "200",
    PLUMBLINE_METRICS_PORT: "0",
    PLUMBLINE_JUDGE_PROVIDER: "lexical",
    PLUMBLINE_JUDGE_SAMPLE_RATIO: "0.002",
    PLUMBLINE_MONITOR_CRON: "* * * * * *",
    PLUMBLINE_SLACK_TOKEN: "xoxb-test",
    PLUMBLINE_SLACK_CHANNEL: slack.channel,
    PLUMBLINE_SLACK_API_URL: slack.apiUrl,
  };

  const command = async (sql: string): Promise<void> => {
    const response = await fetch(`${engineUrl}/`, { method: "POST", body: sql });
    if (!response.ok) throw new Error(`${sql}\n${await response.text()}`);
  };
  const migrate = startProcess("migrate", [mainOf("migrate")], environment);
  const { code } = await exitWithin(migrate, SERVES_MS);
  if (code !== 0) throw new Error(`migrate: ${migrate.output()}`);
  await command("CREATE DATABASE oracle");
  await command(
    `CREATE MATERIALIZED VIEW ${INSERTED} ENGINE = MergeTree ORDER BY call_id AS SELECT call_id, use_case, log_partition, log_offset FROM plumbline_raw.calls`,
  );
  const log = openKafkaEventLog({ brokers: broker.brokers, clientId: "oracle" });

  const production: Production = {
    broker,
    proxy,
    slack,
    store: createStoreReader(() => engineUrl),
    command,
    log,
    urls: { collector: `http://127.0.0.1:${collectorPort}`, registry: `http://127.0.0.1:${registryPort}` },
    engine,
    engineProcess,
    service: (name, more = {}) => ({
      name,
      ...(name === "writer" ? { worked: WRITER_WORKED } : {}),
      start: () => startProcess(name, [mainOf(name)], { ...environment, ...more }),
      serves: (started) => untilSaid(started, SERVES[name]),
    }),
    async close() {
      await log.close();
      await proxy.close();
      await slack.close();
      production.engineProcess.send("SIGKILL");
      await production.engineProcess.exited;
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return production;
}

function untilSaid(started: TestedProcess, line: RegExp): Promise<void> {
  return until(
    `${started.name} says ${line.source}`,
    () => {
      if (line.test(started.output())) return true;
      if (!started.isAlive())
        throw new HopelessError(`${started.name} ended: ${started.output().slice(-2_000)}`);
      return false;
    },
    SERVES_MS,
  );
}
