import { expect, test } from "vitest";
import { z } from "zod";
import { loadConfig } from "../variables/load-config.ts";
import { ClickHouseConfig, KafkaConfig, Port, ProcessConfig } from "./process-config.ts";

const Config = z.object({
  ...KafkaConfig.shape,
  ...ClickHouseConfig.shape,
  ...ProcessConfig.shape,
  PLUMBLINE_X_PORT: Port.default(4000).describe("port of x"),
});
const REQUIRED = {
  PLUMBLINE_KAFKA_BROKERS: "a:9092, b:9092",
  PLUMBLINE_CLICKHOUSE_URL: "http://user:secret@clickhouse:8123",
};

test("a service that spreads the shapes reads brokers, store, log level, drain time and its port", () => {
  expect(loadConfig(Config, { ...REQUIRED, PLUMBLINE_LOG_LEVEL: "debug", PLUMBLINE_X_PORT: "0" })).toEqual({
    PLUMBLINE_ALLOWED_HOSTS: [],
    PLUMBLINE_KAFKA_BROKERS: ["a:9092", "b:9092"],
    PLUMBLINE_CLICKHOUSE_URL: "http://user:secret@clickhouse:8123",
    PLUMBLINE_KAFKA_TLS: "off",
    PLUMBLINE_LOG_LEVEL: "debug",
    PLUMBLINE_DRAIN_MS: 20_000,
    PLUMBLINE_X_PORT: 0,
  });
});

test.each([
  ["PLUMBLINE_KAFKA_BROKERS", "", "(host:port, comma-separated)"],
  ["PLUMBLINE_KAFKA_BROKERS", "localhost", "must be host:port of each broker"],
  ["PLUMBLINE_KAFKA_BROKERS", "kafka://kafka-1:9092", "must be host:port of each broker"],
  ["PLUMBLINE_KAFKA_BROKERS", "kafka-1:9092,", "must be host:port of each broker"],
  ["PLUMBLINE_CLICKHOUSE_URL", "secret", "must be an http:// or https:// address"],
  ["PLUMBLINE_LOG_LEVEL", "loud", "(least severe level that is logged)"],
  ["PLUMBLINE_DRAIN_MS", "0", "(longest wait at shutdown, ms)"],
  ["PLUMBLINE_X_PORT", "65536", "(port of x)"],
])("%s=%j is refused with what the variable is for, without its value", (variable, value, meaning) => {
  const load = () => loadConfig(Config, { ...REQUIRED, [variable]: value });
  expect(load).toThrow(`  ${variable}: `);
  expect(load).toThrow(meaning);
  expect(load).not.toThrow("secret");
});
