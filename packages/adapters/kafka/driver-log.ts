import { brokerErrorText, type DriverLogEntry } from "./driver.ts";

/** The part of a pino logger that the log needs. */
export interface KafkaLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** A broker says these while it or a group is starting or moving; kafkajs repeats the request by itself. */
const PASSING = [
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
  "REBALANCE_IN_PROGRESS",
  "MEMBER_ID_REQUIRED",
].map(brokerErrorText);

/** Least time between repetitions of a line that stays true, such as a broker that is away, ms. */
const REPEAT_MS = 30_000;
/** Different lines remembered. More are different brokers or errors, and worth their lines. */
const REMEMBERED_MAX = 100;

const ERROR = 1;
const WARN = 2;

/** Lines logged by one process over all its connections: each client of kafkajs has a log of its own. */
interface Told {
  readonly saidAt: Map<string, number>;
  /** Brokers that refuse connections, and when one was refused last. */
  readonly awayAt: Map<string, number>;
}

const told = new WeakMap<KafkaLogger, Told>();

function toldTo(logger: KafkaLogger): Told {
  let all = told.get(logger);
  if (all === undefined) told.set(logger, (all = { saidAt: new Map(), awayAt: new Map() }));
  return all;
}

/** Lines that repeat a refused connection in other words. */
const OF_CONNECTION = /^(?:Connection (?:error|timeout)|Failed to connect|Closed connection)|connect E[A-Z]+/;

/**
 * Sends kafkajs' own log lines to ours, a level lower: it repeats what can be repeated, and what it gives up on
 * reaches the caller of the port as an exception. So none of its lines is worth waking anybody. A broker that is away is
 * one line, however many connections and attempts there are, until `brokersAnswer`.
 */
export function driverLog(
  logger: KafkaLogger,
  now: () => number = () => performance.now(),
): (entry: DriverLogEntry) => void {
  const { saidAt, awayAt } = toldTo(logger);
  const isRepeated = (line: string): boolean => {
    if (now() - (saidAt.get(line) ?? -Infinity) < REPEAT_MS) return true;
    if (saidAt.size >= REMEMBERED_MAX) saidAt.clear();
    saidAt.set(line, now());
    return false;
  };
  return ({ namespace, level, log }) => {
    const { message: detail, error, broker, clientId, groupId, retryCount } = log;
    const fields = { namespace, detail, error, broker, clientId, groupId, retryCount };
    if (
      level === ERROR &&
      namespace === "Connection" &&
      typeof broker === "string" &&
      OF_CONNECTION.test(detail)
    ) {
      const wasAway = awayAt.has(broker);
      awayAt.set(broker, now());
      if (!wasAway) return logger.warn({ broker, detail }, "kafka.broker_away");
    }
    const isPassing = PASSING.some((text) => text === error || text === detail);
    const isKnown =
      isPassing ||
      OF_CONNECTION.test(detail) ||
      (awayAt.size > 0 && typeof error === "string" && OF_CONNECTION.test(error));
    const isWorthALine = (level === ERROR || level === WARN) && !isKnown && !isRepeated(detail);
    if (!isWorthALine) logger.debug(fields, "kafka.driver");
    else if (level === ERROR) logger.warn(fields, "kafka.driver");
    else logger.info(fields, "kafka.driver");
  };
}

/** The cluster has answered: a broker that refused nothing for a while is back. */
export function brokersAnswer(logger: KafkaLogger, now = performance.now()): void {
  const { awayAt } = toldTo(logger);
  for (const [broker, refusedAt] of awayAt) {
    if (now - refusedAt < REPEAT_MS) continue;
    awayAt.delete(broker);
    logger.info({ broker }, "kafka.broker_back");
  }
}

/** Brokers that refused a connection and have not been told to be back. */
export function brokersAway(logger: KafkaLogger): readonly string[] {
  return [...toldTo(logger).awayAt.keys()];
}

export const SILENT: KafkaLogger = { debug: () => undefined, info: () => undefined, warn: () => undefined };
