import { readFileSync } from "node:fs";
import { ConfigError } from "@plumbline/ports";
import type { KafkaConnection } from "./client.ts";

/** The environment variables of `KafkaConfig` (packages/runtime), parsed. */
export interface KafkaVariables {
  readonly PLUMBLINE_KAFKA_BROKERS: readonly string[];
  readonly PLUMBLINE_KAFKA_TLS: "on" | "off";
  readonly PLUMBLINE_KAFKA_TLS_CA?: string | undefined;
  readonly PLUMBLINE_KAFKA_TLS_CERT?: string | undefined;
  readonly PLUMBLINE_KAFKA_TLS_KEY?: string | undefined;
  readonly PLUMBLINE_KAFKA_SASL_MECHANISM?: "plain" | "scram-sha-256" | "scram-sha-512" | undefined;
  readonly PLUMBLINE_KAFKA_SASL_USERNAME?: string | undefined;
  readonly PLUMBLINE_KAFKA_SASL_PASSWORD?: string | undefined;
}

/**
 * The connection of a process to Kafka, by its environment.
 *
 * @throws ConfigError naming the variable that is missing, contradicts another, or names a file that can't be read
 */
export function kafkaConnection(variables: KafkaVariables): Omit<KafkaConnection, "clientId"> {
  const ssl = tlsOf(variables);
  const sasl = saslOf(variables);
  return {
    brokers: variables.PLUMBLINE_KAFKA_BROKERS,
    ...(ssl === null ? {} : { ssl }),
    ...(sasl === null ? {} : { sasl }),
  };
}

function tlsOf(variables: KafkaVariables): NonNullable<KafkaConnection["ssl"]> | null {
  const {
    PLUMBLINE_KAFKA_TLS: tls,
    PLUMBLINE_KAFKA_TLS_CA: ca,
    PLUMBLINE_KAFKA_TLS_CERT: cert,
    PLUMBLINE_KAFKA_TLS_KEY: key,
  } = variables;
  if (tls === "off") {
    if (ca === undefined && cert === undefined && key === undefined) return null;
    throw new ConfigError(
      "PLUMBLINE_KAFKA_TLS is off, but a file for TLS is given: set PLUMBLINE_KAFKA_TLS=on",
    );
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError(
      "PLUMBLINE_KAFKA_TLS_CERT and PLUMBLINE_KAFKA_TLS_KEY go together: set both, or neither where the brokers ask for none",
    );
  }
  return {
    ...(ca === undefined ? {} : { ca: readPem("PLUMBLINE_KAFKA_TLS_CA", ca) }),
    ...(cert === undefined ? {} : { cert: readPem("PLUMBLINE_KAFKA_TLS_CERT", cert) }),
    ...(key === undefined ? {} : { key: readPem("PLUMBLINE_KAFKA_TLS_KEY", key) }),
  };
}

function saslOf(variables: KafkaVariables): NonNullable<KafkaConnection["sasl"]> | null {
  const {
    PLUMBLINE_KAFKA_SASL_MECHANISM: mechanism,
    PLUMBLINE_KAFKA_SASL_USERNAME: username,
    PLUMBLINE_KAFKA_SASL_PASSWORD: password,
  } = variables;
  if (mechanism === undefined) {
    if (username === undefined && password === undefined) return null;
    throw new ConfigError(
      "PLUMBLINE_KAFKA_SASL_USERNAME or _PASSWORD is given without PLUMBLINE_KAFKA_SASL_MECHANISM: " +
        "set it to plain, scram-sha-256 or scram-sha-512",
    );
  }
  if (username === undefined || password === undefined) {
    throw new ConfigError(
      `PLUMBLINE_KAFKA_SASL_MECHANISM is ${mechanism}: ` +
        "set PLUMBLINE_KAFKA_SASL_USERNAME and PLUMBLINE_KAFKA_SASL_PASSWORD (or PLUMBLINE_KAFKA_SASL_PASSWORD_FILE)",
    );
  }
  return { mechanism, username, password };
}

function readPem(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ConfigError(`${variable}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
