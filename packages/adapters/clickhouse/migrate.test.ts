import { ConfigError } from "@plumbline/ports";
import { expect, test } from "vitest";
import { requireVersion } from "./migrate.ts";

test.each(["26.7.2.1", "26.7.1.1", "26.10.1.1", "27.1.3.2"])("ClickHouse %s is new enough", (version) => {
  expect(() => requireVersion(version, "http://db:8123")).not.toThrow();
});

test.each(["25.8.9.2", "26.6.4.1", ""])("ClickHouse %s is refused before anything is changed", (version) => {
  expect(() => requireVersion(version, "http://db:8123")).toThrow(ConfigError);
  expect(() => requireVersion(version, "http://db:8123")).toThrow("26.7 or later is needed");
});
