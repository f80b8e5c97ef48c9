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

/** During an outage kafkajs says the same every second; once in this time is enough. */
const REPEAT_MS = 30_000;
/** Different lines remembered. More are different brokers or errors, and worth their lines. */
const REMEMBERED_MAX = 100;

const ERROR = 1;
const WARN = 2;

/**
 * Sends kafkajs' own log lines to ours, a level lower: it repeats what can be repeated, and what it gives up on
 * reaches the caller of the port as an exception. So none of its lines is worth waking anybody.
 */
export function driverLog(logger: KafkaLogger): (entry: DriverLogEntry) => void {
  const saidAt = new Map<string, number>();
  const isRepeated = (line: string): boolean => {
    const now = performance.now();
    if (now - (saidAt.get(line) ?? -Infinity) < REPEAT_MS) return true;
    if (saidAt.size >= REMEMBERED_MAX) saidAt.clear();
    saidAt.set(line, now);
    return false;
  };
  return ({ namespace, level, log }) => {
    const { message: detail, error, broker, clientId, groupId, retryCount } = log;
    const fields = { namespace, detail, error, broker, clientId, groupId, retryCount };
    const isPassing = PASSING.some((text) => text === error || text === detail);
    const isWorthALine = (level === ERROR || level === WARN) && !isPassing && !isRepeated(detail);
    if (!isWorthALine) logger.debug(fields, "kafka.driver");
    else if (level === ERROR) logger.warn(fields, "kafka.driver");
    else logger.info(fields, "kafka.driver");
  };
}

export const SILENT: KafkaLogger = { debug: () => undefined, info: () => undefined, warn: () => undefined };
