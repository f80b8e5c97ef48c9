import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { expect, test } from "vitest";
import { RegistryConfig } from "./config.ts";

const REQUIRED = { PLUMBLINE_KAFKA_BROKERS: "a:9092, b:9092" };

test("the defaults are those of production on one machine", () => {
  expect(loadConfig(RegistryConfig, REQUIRED)).toEqual({
    PLUMBLINE_ALLOWED_HOSTS: [],
    PLUMBLINE_KAFKA_BROKERS: ["a:9092", "b:9092"],
    PLUMBLINE_KAFKA_TLS: "off",
    PLUMBLINE_REGISTRY_HOST: "127.0.0.1",
    PLUMBLINE_REGISTRY_PORT: 4800,
    PLUMBLINE_REQUIRE_KEYS: false,
    PLUMBLINE_METRICS_HOST: "127.0.0.1",
    PLUMBLINE_METRICS_PORT: 9464,
    PLUMBLINE_LOG_LEVEL: "info",
    PLUMBLINE_DRAIN_MS: 20_000,
  });
});

test("keys name their actors; some only read, and a key may end in an equals sign", () => {
  const keys = "k1=ann@example.com,c2VjcmV0==app:read";
  expect(
    loadConfig(RegistryConfig, { ...REQUIRED, PLUMBLINE_REGISTRY_KEYS: keys }).PLUMBLINE_REGISTRY_KEYS,
  ).toEqual(
    new Map([
      ["k1", { actor: "ann@example.com", mayWrite: true }],
      ["c2VjcmV0=", { actor: "app", mayWrite: false }],
    ]),
  );
});

test.each(["k1", "=ann", "k1=", "k1=:read", "k1=a,k1=b", "k 1=a"])(
  "keys %j are refused, without being shown",
  (keys) => {
    expect(() => loadConfig(RegistryConfig, { ...REQUIRED, PLUMBLINE_REGISTRY_KEYS: keys })).toThrow(
      /PLUMBLINE_REGISTRY_KEYS: must be key=actor or key=actor:read, each key once \(/,
    );
  },
);
