/**
 * One real Apache Kafka broker for development and tests: broker and controller in one JVM, loopback only, with
 * the Java that is present. Production brings its own cluster.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeSecureListener, type SecureListener, type SecureListenerOptions } from "./secure-listener.ts";

const run = promisify(execFile);

const FOLDER = path.dirname(fileURLToPath(import.meta.url));
const JAVA_MAJOR_MIN = 17;
/** Copying 46 jars takes seconds; a cold Maven on a slow line takes minutes. */
const JARS_MS = 300_000;
/** Measured start: 2 s on two cores. The rest is for machines that do something else at the same time. */
const START_MS = 60_000;
const STOP_MS = 20_000;
/** A chosen port may be taken between choosing and binding. */
const START_ATTEMPTS = 3;
const READY_LINE = "Kafka Server started";

export interface BrokerOptions {
  /** Kept by the caller and reused by the next start. Default: a temporary folder, deleted by `stop`. */
  readonly dataDir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Adds a listener with TLS and passwords. Default: none. */
  readonly secure?: SecureListenerOptions;
}

export interface Broker {
  /** `host:port`, what clients take. */
  readonly brokers: readonly string[];
  /** The listener with TLS and passwords, and the certificate that its clients must trust; null without one. */
  readonly secure: { readonly brokers: readonly string[]; readonly caFile: string } | null;
  /** Everything that the broker prints, and a dead broker's last words. */
  readonly logFile: string;
  /** Ends cleanly and deletes a temporary data folder. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL, as a power cut of the process; resolves when it is gone. The data stays. */
  kill(): Promise<void>;
  /** Starts again on the same port and data after `kill`, or after the broker died. */
  restart(): Promise<void>;
}

/**
 * Starts a broker and resolves when it serves clients. It dies with this process, however this process dies.
 *
 * @throws Error when Java is missing or too old, when the jars can't be fetched, or when the broker doesn't start;
 *   the message says what to do, or ends with the broker's last lines
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const problem = await javaProblem();
  if (problem !== null) throw new Error(problem);
  const jars = await resolveJars();
  const isTemporary = options.dataDir === undefined;
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), "plumbline-kafka-")));
  await mkdir(dataDir, { recursive: true });
  const logFile = path.join(dataDir, "broker.log");

  const listener = options.secure === undefined ? null : await makeSecureListener(dataDir, options.secure);

  let port = 0;
  let securePort = 0;
  let process_: BrokerProcess | null = null;
  let isStopped = false;

  const start = async (): Promise<void> => {
    process_ = await startProcess({ jars, dataDir, logFile, port, securePort, listener });
  };
  const removeData = async (): Promise<void> => {
    if (isTemporary) await rm(dataDir, { recursive: true, force: true });
  };

  for (let attempt = 1; ; attempt++) {
    port = options.port ?? (await freePort());
    securePort = await freePort();
    try {
      await start();
      break;
    } catch (error) {
      const portWasTaken = (await lastLines(logFile)).includes("Address already in use");
      if (options.port === undefined && portWasTaken && attempt < START_ATTEMPTS) continue;
      await removeData();
      throw error;
    }
  }

  return {
    brokers: [`127.0.0.1:${port}`],
    secure: listener === null ? null : { brokers: [`127.0.0.1:${securePort}`], caFile: listener.caFile },
    logFile,
    async stop() {
      if (isStopped) return;
      isStopped = true;
      await process_?.end("SIGTERM");
      await removeData();
    },
    async kill() {
      await process_?.end("SIGKILL");
    },
    async restart() {
      if (isStopped) throw new Error("the broker was stopped and its data deleted; start a new one");
      await process_?.end("SIGTERM");
      await start();
    },
  };
}

/** Why no broker can run here, or null. */
export async function javaProblem(): Promise<string | null> {
  try {
    // `java -version` prints to standard error: openjdk version "17.0.15" …; before 9 it was "1.8.0".
    const { stderr } = await run("java", ["-version"]);
    const major = Number(/version "(?:1\.)?(\d+)/.exec(stderr)?.[1] ?? 0);
    if (major >= JAVA_MAJOR_MIN) return null;
    return `Kafka 4 needs Java ${JAVA_MAJOR_MIN} or later, and this one is ${major}: install a newer JRE`;
  } catch {
    return `Kafka needs Java ${JAVA_MAJOR_MIN} or later, and there is no java command: install a JRE`;
  }
}

/**
 * The folder with the broker's jars, fetched by Maven on first use. Named by the pom's hash, so that a changed
 * pom fetches anew, and renamed into place, so that concurrent callers never see half of it.
 */
export async function resolveJars(): Promise<string> {
  const pom = path.join(FOLDER, "pom.xml");
  const hash = createHash("sha256")
    .update(await readFile(pom))
    .digest("hex");
  const jars = path.join(FOLDER, ".lib", hash.slice(0, 12));
  if (existsSync(jars)) return jars;

  const partial = path.join(FOLDER, ".lib", `partial-${process.pid}-${randomBytes(4).toString("hex")}`);
  await mkdir(partial, { recursive: true });
  const args = ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${partial}`];
  try {
    await run("mvn", args, { timeout: JARS_MS });
  } catch (cause) {
    await rm(partial, { recursive: true, force: true });
    throw new Error(
      `cannot fetch Kafka's jars: is Maven installed, and can it reach a repository? (mvn ${args.join(" ")})`,
      {
        cause,
      },
    );
  }
  try {
    await rename(partial, jars);
  } catch {
    // Another caller was faster, with the same jars.
    await rm(partial, { recursive: true, force: true });
  }
  return jars;
}

interface BrokerProcess {
  /** Signals the broker and resolves when it is gone; escalates to SIGKILL after a while. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

interface ProcessOptions {
  readonly jars: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly port: number;
  readonly securePort: number;
  readonly listener: SecureListener | null;
}

/** Small and quick to start, at the price of peak throughput: nobody measures Kafka with this. */
const JVM = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"];

/**
 * The shell between us and the JVM holds the read end of our pipe: when we are gone, even by SIGKILL, `cat` sees
 * the end of the pipe and the broker is killed. It prints the JVM's process id first.
 */
const TIED_TO_PARENT = `
exec 3<&0
log=$1
shift
"$@" >"$log" 2>&1 </dev/null &
broker=$!
echo $broker
{ cat <&3 >/dev/null; kill -9 $broker 2>/dev/null; } &
exec 3<&-
wait $broker
`;

async function startProcess(options: ProcessOptions): Promise<BrokerProcess> {
  const { jars, dataDir, logFile, listener } = options;
  const properties = path.join(dataDir, "server.properties");
  await writeFile(properties, serverProperties({ ...options, controllerPort: await freePort() }));
  const java = ["java", ...JVM, `-Dlog4j2.configurationFile=${path.join(FOLDER, "log4j2.properties")}`];
  const classPath = ["-cp", `${jars}/*`];
  if (!existsSync(path.join(dataDir, "data", "meta.properties")))
    await format([...java.slice(1), ...classPath], properties, listener?.formatArguments ?? []);

  const shell = spawn(
    "sh",
    ["-c", TIED_TO_PARENT, "sh", logFile, ...java, ...classPath, "kafka.Kafka", properties],
    {
      stdio: ["pipe", "pipe", "ignore"],
    },
  );
  const exited = once(shell, "exit");
  const pid = await firstLine(shell);
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    if (shell.exitCode !== null || shell.signalCode !== null) return;
    signalProcess(pid, signal);
    const limit = new AbortController();
    const escalation = sleep(STOP_MS, undefined, { signal: limit.signal })
      .then(() => signalProcess(pid, "SIGKILL"))
      .catch(() => undefined);
    await exited;
    limit.abort();
    await escalation;
    shell.stdin.end();
  };

  const deadline = performance.now() + START_MS;
  // The whole log, not its end: clients that waited for the broker make it log hundreds of lines at once.
  while (!(await wholeLog(logFile)).includes(READY_LINE)) {
    const isDead = shell.exitCode !== null || shell.signalCode !== null;
    if (isDead || performance.now() > deadline) {
      await end("SIGKILL");
      const reason = isDead ? "ended while starting" : `was not ready after ${START_MS} ms`;
      throw new Error(`the Kafka broker ${reason}:\n${await lastLines(logFile)}`);
    }
    await sleep(50);
  }
  return { end };
}

async function wholeLog(logFile: string): Promise<string> {
  return existsSync(logFile) ? readFile(logFile, "utf8") : "";
}

/** Writes the cluster's identity into an empty data folder: a broker refuses a folder without one. */
async function format(java: readonly string[], properties: string, more: readonly string[]): Promise<void> {
  // A leading "-" would be read as an option.
  const clusterId = `P${randomBytes(16).toString("base64url").slice(1)}`;
  const args = [
    ...java,
    "kafka.tools.StorageTool",
    "format",
    "--standalone",
    "-t",
    clusterId,
    "-c",
    properties,
    ...more,
  ];
  await run("java", args, { timeout: START_MS });
}

function serverProperties(options: ProcessOptions & { readonly controllerPort: number }): string {
  const { port, controllerPort, dataDir, securePort, listener } = options;
  const secure = listener === null ? "" : `,SECURE://127.0.0.1:${securePort}`;
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=CLIENTS://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${secure}
advertised.listeners=CLIENTS://127.0.0.1:${port}${secure}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
inter.broker.listener.name=CLIENTS
log.dirs=${path.join(dataDir, "data")}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
# One broker can hold one replica of anything.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# Nobody else is about to join: a group starts at once.
group.initial.rebalance.delay.ms=0
# Who kills readers by the hundred asks for short sessions; others keep theirs.
group.min.session.timeout.ms=1000
# A killed broker may register again once its old session has ended: 3 s instead of 9.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
# The default of 128 MB is a third of our heap.
log.cleaner.dedupe.buffer.size=16777216
${listener?.properties ?? ""}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

async function firstLine(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the broker's shell has no output");
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  return Number.parseInt(chunk.toString(), 10);
}

function signalProcess(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended by itself in the meantime, which is what we want.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

const LAST_BYTES = 8_192;

/** The end of a file; "" when there is none. */
async function lastLines(file: string): Promise<string> {
  if (!existsSync(file)) return "";
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - LAST_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LAST_BYTES), 0, LAST_BYTES, from);
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await handle.close();
  }
}
