/** The log of a process of its own, as its environment describes it. */
import { type EventLog, LogError } from "@plumbline/ports";
import { kafkaConnection, type KafkaVariables } from "./connection-config.ts";
import { openKafkaEventLog, type KafkaEventLogOptions } from "./event-log.ts";
import { checkTopics } from "./topics.ts";

interface ProcessLogOptions {
  /** Of the process, such as `writer`. */
  readonly name: string;
  readonly config: KafkaVariables & { readonly PLUMBLINE_KAFKA_SESSION_MS?: number };
  readonly logger: NonNullable<KafkaEventLogOptions["logger"]>;
}

/**
 * Opens the log once the cluster's topics are as they must be.
 *
 * @throws ConfigError; LogError `topic_mismatch` or `log_unavailable`
 */
export async function openProcessLog(options: ProcessLogOptions): Promise<EventLog> {
  await checkTopics(kafkaConnection(options.config), options);
  return openLog(options);
}

/**
 * Opens the log of a service that starts without Kafka. An outage is none of its business; topics that a person must change
 * are thrown as an uncaught exception, which ends the process in words.
 */
export function openProcessLogMeanwhile(options: ProcessLogOptions): EventLog {
  checkTopics(kafkaConnection(options.config), options).catch((error: unknown) => {
    if (!(error instanceof LogError && error.retryable)) throw error;
  });
  return openLog(options);
}

function openLog({ name, config, logger }: ProcessLogOptions): EventLog {
  const { PLUMBLINE_KAFKA_SESSION_MS: sessionMs } = config;
  const connection = { ...kafkaConnection(config), clientId: `plumbline-${name}`, logger };
  return openKafkaEventLog(sessionMs === undefined ? connection : { ...connection, sessionMs });
}
