/**
 * `npm run kafka`: a broker with Plumbline's topics, until Ctrl-C.
 *
 *   --port N        default 9092; 0 takes a free one
 *   --data-dir DIR  keeps the data there; default: a temporary folder, deleted at the end
 */
import { once } from "node:events";
import path from "node:path";
import { parseArgs } from "node:util";
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { startBroker } from "./broker.ts";

const { values } = parseArgs({
  options: { port: { type: "string", default: "9092" }, "data-dir": { type: "string" } },
});
const port = Number(values.port);
const dataDir = values["data-dir"];
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`--port must be a number from 0 to 65535, not ${values.port}`);
  process.exit(3);
}

const broker = await startBroker({
  ...(port === 0 ? {} : { port }),
  ...(dataDir === undefined ? {} : { dataDir: path.resolve(dataDir) }),
});
const created = await ensureTopics(broker.brokers);
console.log(`Kafka: ${broker.brokers.join(",")}`);
console.log(`topics created: ${created.length === 0 ? "none, all were there" : created.join(" ")}`);
console.log(`log: ${broker.logFile}`);

await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await broker.stop();
