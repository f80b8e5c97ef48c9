/**
 * Environment variables that several processes read, one object a concern. A service spreads the shapes of what it uses
 * into its own object, so that `config.ts` still lists everything that the process reads.
 */
import { z } from "zod";

/**
 * httpUrl returns the schema of an address over HTTP. `clickhouse:9000` is a URL as well, whose scheme is `clickhouse`: the
 * message says what to write instead.
 *
 * @param example a right one, such as `http://clickhouse:8123`
 */
export function httpUrl(example: string) {
  // Without the value: an address may hold a password, and messages are logged.
  const error = `must be an http:// or https:// address, such as ${example}`;
  return z.url({ protocol: /^https?$/, error });
}

/** A name or an address, IPv6 in brackets, and its port; no scheme. */
const BROKER = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/;

/** Where the log is. */
export const KafkaConfig = z.object({
  PLUMBLINE_KAFKA_BROKERS: z
    .string()
    .min(1)
    .transform((list) => list.split(",").map((broker) => broker.trim()))
    .refine((brokers) => brokers.every((broker) => BROKER.test(broker)), {
      error: "must be host:port of each broker, comma-separated, such as kafka-1:9092,kafka-2:9092",
    })
    .describe("host:port, comma-separated"),
  PLUMBLINE_KAFKA_TLS: z
    .enum(["on", "off"])
    .default("off")
    .describe("whether the brokers are spoken to over TLS"),
  PLUMBLINE_KAFKA_TLS_CA: z
    .string()
    .optional()
    .describe("file (PEM) of the authorities to trust; without it those that Node trusts"),
  PLUMBLINE_KAFKA_TLS_CERT: z
    .string()
    .optional()
    .describe("file (PEM) of our certificate, where brokers ask for one"),
  PLUMBLINE_KAFKA_TLS_KEY: z.string().optional().describe("file (PEM) of its private key"),
  PLUMBLINE_KAFKA_SASL_MECHANISM: z
    .enum(["plain", "scram-sha-256", "scram-sha-512"])
    .optional()
    .describe("how to log in; without it without a password"),
  PLUMBLINE_KAFKA_SASL_USERNAME: z.string().optional().describe("who logs in"),
  PLUMBLINE_KAFKA_SASL_PASSWORD: z.string().optional().describe("the password of the same"),
});

/** How a member of a reader group is known to live. Of the processes that share work through the log. */
export const KafkaGroupConfig = z.object({
  PLUMBLINE_KAFKA_SESSION_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(1_800_000)
    .default(60_000)
    .describe(
      "a process silent for this long loses its share of the work to others; at least the brokers' `group.min.session.timeout.ms`, ms",
    ),
});

/** Where the store is. */
export const ClickHouseConfig = z.object({
  PLUMBLINE_CLICKHOUSE_URL: httpUrl("http://user:password@clickhouse:8123").describe(
    "ClickHouse's HTTP interface, with user and password; its native protocol (port 9000) is not spoken",
  ),
});

/** Levels of the logger; a service whose default is not `info` gives its own. */
export const LogLevel = z.enum(["error", "warn", "info", "debug"]);

/** A host name or address, and a port where only that one is meant. IPv6 addresses stand in brackets. */
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** Names of hosts, in lower case. */
export const AllowedHosts = z
  .string()
  .default("")
  .transform((list) => list.split(",").map((name) => name.trim().toLowerCase()))
  .transform((names) => names.filter((name) => name !== ""))
  .refine((names) => names.every((name) => HOST.test(name)), {
    error:
      "must be names of hosts, comma-separated, such as plumbline.example.com,host.docker.internal; no scheme, no path and no *",
  });

/** How a process logs and stops. */
export const ProcessConfig = z.object({
  PLUMBLINE_LOG_LEVEL: LogLevel.default("info").describe("least severe level that is logged"),
  PLUMBLINE_DRAIN_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(20_000)
    .describe("longest wait at shutdown, ms"),
  PLUMBLINE_ALLOWED_HOSTS: AllowedHosts.describe(
    "names under which a proxy or a container reaches servers that listen on loopback, comma-separated, such as `host.docker.internal`",
  ),
});

/** A TCP port to listen on; 0 picks a free one. Each service gives its variable a default and a description. */
export const Port = z.coerce.number().int().min(0).max(65_535);

/** Where a process answers about itself: `/livez`, `/readyz` and `/metrics`. They hold numbers and no texts, and ask for no key. */
export const MetricsConfig = z.object({
  PLUMBLINE_METRICS_HOST: z
    .string()
    .default("127.0.0.1")
    .describe(
      "address of health checks and metrics; 0.0.0.0 lets probes and Prometheus in from outside, without a key",
    ),
  PLUMBLINE_METRICS_PORT: Port.default(9464).describe(
    "port of health checks and metrics; 0 picks a free one",
  ),
});

/** What a process between the log and the store reads beside its own settings. */
export const LogAndStoreConfig = z.object({
  ...KafkaConfig.shape,
  ...KafkaGroupConfig.shape,
  ...ClickHouseConfig.shape,
  ...MetricsConfig.shape,
  ...ProcessConfig.shape,
});
