import { Kafka, logLevel, type RetryOptions, type SASLOptions } from "kafkajs";
import { driverLog, type KafkaLogger } from "./driver-log.ts";
import {
  checkDriverVersion,
  createDriverCluster,
  createDriverLogger,
  guardIdleTimer,
  keepCommitted,
  replaceDecoder,
  type DriverCluster,
} from "./driver.ts";

export interface KafkaConnection {
  /** `host:port` of some brokers; the rest is found through them. */
  readonly brokers: readonly string[];
  /** Names this process in the broker's logs and metrics. */
  readonly clientId: string;
  /** True trusts the authorities that Node trusts. */
  readonly ssl?: boolean | TlsOptions;
  readonly sasl?: SASLOptions;
}

/** Settings of TLS, PEM. */
interface TlsOptions {
  /** Authorities to trust instead of those that Node trusts. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const CONNECT_MS = 3_000;
const REQUEST_MS = 30_000;

/**
 * About 20 s in all: a broker's restart is shorter. All fields are given, because kafkajs has other defaults when
 * NODE_ENV is "test".
 */
export const RETRY = { initialRetryTime: 100, maxRetryTime: 2_500, multiplier: 2, factor: 0.2, retries: 12 };

/** For what repeats by itself: about 1 s, then it asks with a new connection. */
export const BRIEF_RETRY = { ...RETRY, retries: 3 };

checkDriverVersion();
guardIdleTimer();
replaceDecoder();
keepCommitted();

/** A client of its own for each user: kafkajs shares the offsets of a group among the readers of one client. */
export function createClient(
  connection: KafkaConnection,
  logger: KafkaLogger,
  retry: RetryOptions = RETRY,
): Kafka {
  const { brokers, clientId, ssl = false, sasl } = connection;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ssl,
    ...(sasl === undefined ? {} : { sasl }),
    connectionTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    retry,
    logLevel: logLevel.INFO,
    logCreator: () => driverLog(logger),
  });
}

/** Connections for reading without a group. */
export function createCluster(connection: KafkaConnection, logger: KafkaLogger): DriverCluster {
  const { brokers, clientId, ssl = false, sasl } = connection;
  return createDriverCluster(
    {
      brokers: [...brokers],
      clientId,
      ssl,
      sasl,
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      retry: BRIEF_RETRY,
    },
    createDriverLogger(driverLog(logger)),
  );
}
