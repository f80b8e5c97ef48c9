import { expect, test } from "vitest";
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { CollectorConfig } from "./config.ts";

const REQUIRED = { PLUMBLINE_KAFKA_BROKERS: "a:9092, b:9092" };

test("the defaults are those of production on one machine", () => {
  expect(loadConfig(CollectorConfig, REQUIRED)).toEqual({
    PLUMBLINE_ALLOWED_HOSTS: [],
    PLUMBLINE_KAFKA_BROKERS: ["a:9092", "b:9092"],
    PLUMBLINE_KAFKA_TLS: "off",
    PLUMBLINE_COLLECTOR_HOST: "127.0.0.1",
    PLUMBLINE_COLLECTOR_PORT: 4319,
    PLUMBLINE_REQUIRE_KEYS: false,
    PLUMBLINE_METRICS_HOST: "127.0.0.1",
    PLUMBLINE_METRICS_PORT: 9464,
    PLUMBLINE_LOG_LEVEL: "info",
    PLUMBLINE_DRAIN_MS: 20_000,
  });
});

test("API keys name their tenants; a key may end in an equals sign", () => {
  const config = loadConfig(CollectorConfig, {
    ...REQUIRED,
    PLUMBLINE_API_KEYS: "k1=team-a,c2VjcmV0==team-b",
  });
  expect(config.PLUMBLINE_API_KEYS).toEqual(
    new Map([
      ["k1", "team-a"],
      ["c2VjcmV0=", "team-b"],
    ]),
  );
});

test.each(["k1", "=team", "k1=", "k1=a,k1=b", "k 1=a"])(
  "API keys %j are refused, without being shown",
  (keys) => {
    expect(() => loadConfig(CollectorConfig, { ...REQUIRED, PLUMBLINE_API_KEYS: keys })).toThrow(
      /PLUMBLINE_API_KEYS: must be key=tenant pairs, each key once \(/,
    );
  },
);
