/**
 * The ingest path through a real Kafka broker on this machine, beside the local path on the same records in the same run.
 *
 *   npm run bench:kafka [-- --json]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { openLmdbEventLog } from "@plumbline/adapters/lmdb/event-log";
import { startBroker } from "../infra/kafka/broker.ts";
import { measureIngest, round } from "./ingest-path.ts";
import { appendSample } from "./sample-call.ts";

const EVENTS = 100_000;

const folder = await mkdtemp(join(tmpdir(), "plumbline-bench-log-"));
const lmdb = await openLmdbEventLog({ path: folder, clock: systemClock });
const local = await measureIngest(lmdb, await appendSample(lmdb, EVENTS, 3, Date.now()));
await lmdb.close();
await rm(folder, { recursive: true, force: true });

const broker = await startBroker();
await ensureTopics(broker.brokers);
const kafka = openKafkaEventLog({ brokers: broker.brokers, clientId: "bench" });
const produced = await appendSample(kafka, EVENTS, 3, Date.now());
const through = await measureIngest(kafka, produced);
await kafka.close();
await broker.stop();

const result = {
  events_per_second: through.events_per_second,
  ratio: round(through.events_per_second / local.events_per_second, 3),
  rows_per_cpu_second: through.rows_per_cpu_second,
  produce_events_per_second: Math.round(EVENTS / produced.seconds),
  local_events_per_second: local.events_per_second,
  events: EVENTS,
  lost: through.lost + local.lost,
  duplicated: through.duplicated + local.duplicated,
};
for (const [name, value] of Object.entries(result)) process.stderr.write(`${name.padEnd(28)} ${value}\n`);
process.stdout.write(`${process.argv.includes("--json") ? JSON.stringify(result) : ""}\n`);
