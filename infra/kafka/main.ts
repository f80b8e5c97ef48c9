/**
 * `npm run kafka`: a broker with Plumbline's topics, until Ctrl-C.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { parseArgs } from "node:util";
import { ensureTopics } from "@plumbline/adapters/kafka/topics";
import { EXIT } from "@plumbline/runtime/exit-code";
import { startBroker } from "./broker.ts";

const USAGE = `usage: npm run kafka -- [options]   a broker with Plumbline's topics, until Ctrl-C

  --port N        default 9092; 0 takes a free one
  --data-dir DIR  keeps the data there; default: a temporary folder, deleted at the end
  --help
`;

const flags = readFlags();
if (flags !== null) await serve(flags.port, flags.dataDir);

/** Null when there is nothing to start: the help, or what is wrong, has been printed. */
function readFlags(): { readonly port: number; readonly dataDir: string | undefined } | null {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: "string", default: "9092" },
        "data-dir": { type: "string" },
        help: { type: "boolean" },
      },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return null;
    }
    const port = values.port.trim() === "" ? Number.NaN : Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new TypeError(`--port must be a whole number from 0 to 65535, not "${values.port}"`);
    }
    return { port, dataDir: values["data-dir"] };
  } catch (error) {
    process.stderr.write(`kafka: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exitCode = EXIT.usage;
    return null;
  }
}

async function serve(port: number, dataDir: string | undefined): Promise<void> {
  if (port !== 0 && !(await isFree(port))) {
    process.stderr.write(
      `kafka: port ${port} on 127.0.0.1 is in use; stop what uses it, or set --port to another one (0 takes a free one)\n`,
    );
    process.exitCode = EXIT.config;
    return;
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
}

/** Asked before the broker is: it would tell it in the last of a hundred lines. */
async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
