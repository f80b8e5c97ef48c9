/** Nothing listens beyond this machine unless somebody says so, and then not without keys. */
import { loadConfig } from "@plumbline/runtime/variables/load-config";
import { CollectorConfig } from "@plumbline/services/collector/config";
import { JudgeProcessConfig } from "@plumbline/services/judge/config";
import { MonitorProcessConfig } from "@plumbline/services/monitor/config";
import { NotifierConfig } from "@plumbline/services/notifier/config";
import { PolicyConfig } from "@plumbline/services/policy/config";
import { RegistryConfig } from "@plumbline/services/registry/config";
import { WriterProcessConfig } from "@plumbline/services/writer/config";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const REQUIRED = {
  PLUMBLINE_KAFKA_BROKERS: "127.0.0.1:1",
  PLUMBLINE_CLICKHOUSE_URL: "http://127.0.0.1:1",
  PLUMBLINE_REGISTRY_URL: "http://127.0.0.1:1",
  PLUMBLINE_INBOX_DIR: "/inbox",
};

test.each([
  ["collector", CollectorConfig],
  ["writer", WriterProcessConfig],
  ["judge", JudgeProcessConfig],
  ["monitor", MonitorProcessConfig],
  ["notifier", NotifierConfig],
  ["registry", RegistryConfig],
  ["policy", PolicyConfig],
])("every address of the %s is loopback by default", (_service, schema) => {
  const hosts = Object.entries(loadConfig(schema, REQUIRED)).filter(([name]) => name.endsWith("_HOST"));
  expect(hosts.length).toBeGreaterThan(0);
  for (const [name, host] of hosts) expect(host, name).toBe("127.0.0.1");
});

test("the policy service beyond this machine answers nobody before it knows its keys", async () => {
  const main = fileURLToPath(new URL("../../services/policy/main.ts", import.meta.url));
  const environment = {
    PATH: process.env["PATH"],
    ...REQUIRED,
    PLUMBLINE_POLICY_HOST: "0.0.0.0",
    PLUMBLINE_POLICY_PORT: "0",
    PLUMBLINE_METRICS_PORT: "0",
  };
  const child = spawn(process.execPath, ["--conditions=source", "--import", "tsx", main], {
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const port = (): string | undefined =>
    /"url":"http:[^"]*:(\d+)"[^}]*"msg":"policy-http.listening"/.exec(output)?.[1];
  await expect.poll(port).toBeDefined();
  for (const path of ["/v1/rollouts", "/v1/automation"])
    expect([401, 403, 503]).toContain((await fetch(`http://127.0.0.1:${port()}${path}`)).status);
});
