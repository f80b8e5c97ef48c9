/**
 * How long after the command a rollback is everywhere: applications with the real client hold a long poll over HTTP,
 * each on connections of its own, and the time runs until the last one serves the old version. It is measured twice:
 * by the clients, and by SQL from the calls that they emit, up to the last call with the version that was taken back.
 * In the middle every registry is stopped and started again; the other half of the rounds follows that.
 *
 * Registry, collector, writer and ClickHouse share one process, as in local mode; the clients share two others. On
 * Kafka there are two registries: the command goes to one, half of the clients wait at the other.
 *
 * All clients together make 2,000 calls a second, however many they are.
 *
 *   npm run bench:rollback [-- --json] [--clients 200] [--rounds 30] [--log lmdb|kafka]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { brokerForTests } from "../test/kafka/broker-for-tests.ts";
import { measureRollback, type RollbackMeasure } from "./rollback-rounds.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    clients: { type: "string", default: "200" },
    rounds: { type: "string", default: "30" },
    log: { type: "string" },
  },
});
const CLIENTS = Number(flags.clients);
const ROUNDS = Number(flags.rounds);

async function onLmdb(): Promise<RollbackMeasure> {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-rollback-"));
  const log = await openLmdbEventLog({ path: join(folder, "log"), clock: systemClock });
  try {
    return await measureRollback({ registryLogs: [log], callLog: log, clients: CLIENTS, rounds: ROUNDS });
  } finally {
    await log.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns null without a Kafka; it says why on standard error */
async function onKafka(): Promise<RollbackMeasure | null> {
  const kafka = await brokerForTests();
  if (kafka === null) return null;
  if (kafka.own === null) {
    process.stderr.write(
      "!!! SKIPPING Kafka: the topics of a broker that is in use begin at no revision 0\n",
    );
    return null;
  }
  const [callLog, ...registryLogs] = [0, 1, 2].map((n) =>
    openKafkaEventLog({ brokers: kafka.brokers, clientId: `bench-rollback-${n}` }),
  );
  try {
    return await measureRollback({ registryLogs, callLog: callLog!, clients: CLIENTS, rounds: ROUNDS });
  } finally {
    for (const log of [callLog!, ...registryLogs]) await log.close();
    await kafka.stop();
  }
}

const logs: Readonly<Record<string, RollbackMeasure | null>> = {
  ...(flags.log === "kafka" ? {} : { lmdb: await onLmdb() }),
  ...(flags.log === "lmdb" ? {} : { kafka: await onKafka() }),
};
const measured = Object.values(logs).filter((each) => each !== null);
const slowest = (name: "p50_ms" | "p99_ms" | "from_calls_p50_ms" | "from_calls_p99_ms"): number =>
  Math.max(...measured.map((each) => each[name]));
const result = {
  clients: CLIENTS,
  // Of the slower log.
  p50_ms: slowest("p50_ms"),
  p99_ms: slowest("p99_ms"),
  from_calls_p50_ms: slowest("from_calls_p50_ms"),
  from_calls_p99_ms: slowest("from_calls_p99_ms"),
  lost: measured.reduce((sum, each) => sum + each.lost, 0),
  duplicated: measured.reduce((sum, each) => sum + each.duplicated, 0),
  logs,
};
for (const [log, numbers] of Object.entries(logs)) {
  for (const [name, value] of Object.entries(numbers ?? { skipped: "no Kafka here" })) {
    process.stderr.write(`${log.padEnd(8)} ${name.padEnd(20)} ${value}\n`);
  }
}
process.stdout.write(`${flags.json ? JSON.stringify(result) : ""}\n`);
