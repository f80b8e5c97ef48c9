import { expect, test } from "vitest";
import { z } from "zod";
import { KNOWN_VARIABLES } from "./known-variables.ts";
import { loadConfig } from "./load-config.ts";
import { maskSecrets } from "../secrets.ts";
import { describeUnknown, findUnknown } from "./unknown-variables.ts";

test.each([
  ["PLUMBLINE_JUDGE_MODLE", "did you mean PLUMBLINE_JUDGE_MODEL?"],
  ["PLUMBLINE_KAFKA_BROKER", "did you mean PLUMBLINE_KAFKA_BROKERS?"],
  ["PLUMBLINE_SLACK_TOKEN_FIL", "did you mean PLUMBLINE_SLACK_TOKEN?"],
  ["PLUMBLINE_PROVIDER_VLLM_URI", "did you mean PLUMBLINE_PROVIDER_VLLM_URL?"],
  ["PLUMBLINE_HOLIDAYS_OF_THE_TEAM", "nothing reads it"],
  // Only a secret may come as a file.
  ["PLUMBLINE_JUDGE_MODEL_FILE", "did you mean PLUMBLINE_JUDGE_MODEL?"],
])("%s is no variable: %s", (variable, guess) => {
  expect(findUnknown({ [variable]: "x" }).map(describeUnknown)).toEqual([
    `${variable}: not a variable of Plumbline; ${guess}`,
  ]);
});

test.each([
  ["PLUMBLINE_MONITOR_CRON", "PLUMBLINE_MONITOR_INTERVAL_SECONDS"],
  ["PLUMBLINE_MONITOR_MEASURES_CRON", "PLUMBLINE_MONITOR_MEASURES_INTERVAL_SECONDS"],
  ["PLUMBLINE_JUDGE_URL", "PLUMBLINE_JUDGE_BASE_URL"],
])("%s of an earlier release is told with its new name", (variable, replacement) => {
  expect(KNOWN_VARIABLES).toContain(replacement);
  expect(findUnknown({ [variable]: "*/5 * * * *" }).map(describeUnknown)).toEqual([
    `${variable}: renamed, and not read any more; set ${replacement}`,
  ]);
});

test("what another process reads, a secret's file, a provider of any name, others' variables and empty ones are no mistake", () => {
  const environment = {
    PLUMBLINE_JUDGE_MODEL: "m",
    PLUMBLINE_SLACK_TOKEN_FILE: "/run/secrets/slack",
    PLUMBLINE_PROVIDER_MY_VLLM_URL: "http://vllm:8000/v1",
    PLUMBLINE_PROVIDER_MY_VLLM_KEY_FILE: "/run/secrets/vllm",
    PLUMBLINE_JUDGE_MODLE: "",
    PATH: "/bin",
  };
  expect(findUnknown(environment)).toEqual([]);
});

test("a start that fails tells every problem at once: values, files, and names that nothing reads", () => {
  const schema = z.object({
    PLUMBLINE_DRAIN_MS: z.coerce.number().positive().describe("longest wait, ms"),
    PLUMBLINE_KAFKA_BROKERS: z.string().describe("host:port"),
    PLUMBLINE_SLACK_TOKEN: z.string(),
  });
  const environment = {
    PLUMBLINE_DRAIN_MS: "0",
    PLUMBLINE_KAFKA_BROKER: "kafka:9092",
    PLUMBLINE_SLACK_TOKEN_FILE: "/nowhere/token",
  };
  expect(() => loadConfig(schema, environment)).toThrow(
    new RegExp(
      [
        "^invalid configuration:",
        String.raw`  PLUMBLINE_DRAIN_MS: must be .* \(longest wait, ms\)`,
        String.raw`  PLUMBLINE_KAFKA_BROKERS: not set \(host:port\)`,
        "  PLUMBLINE_SLACK_TOKEN_FILE: /nowhere/token can.t be read: there is no such file",
        String.raw`  PLUMBLINE_KAFKA_BROKER: not a variable of Plumbline; did you mean PLUMBLINE_KAFKA_BROKERS\?$`,
      ].join("\n"),
    ),
  );
});

test.each([
  ["PLUMBLINE_SLACK_TOKEN", "xoxb-1", "[secret]"],
  ["PLUMBLINE_JUDGE_MODEL", "m", "m"],
  ["PLUMBLINE_API_KEYS", "a=team, b=other", "[secret]=team,[secret]=other"],
  ["PLUMBLINE_API_KEYS", "no-pair", "[secret]"],
  ["PLUMBLINE_CLICKHOUSE_URL", "http://user:p:w@clickhouse:8123/x", "http://user:[secret]@clickhouse:8123/x"],
  ["PLUMBLINE_CLICKHOUSE_URL", "user:pw@clickhouse", "[secret]"],
  ["PLUMBLINE_REGISTRY_URL", "http://registry:4800", "http://registry:4800"],
])("%s=%s is shown as %s", (variable, value, shown) => {
  expect(maskSecrets(variable, value)).toBe(shown);
});
