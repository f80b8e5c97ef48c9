/** Kafka as others run it: TLS, passwords and rights, against a real broker. */
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@plumbline/adapters/kafka/client";
import { kafkaConnection, type KafkaVariables } from "@plumbline/adapters/kafka/connection-config";
import { SILENT } from "@plumbline/adapters/kafka/driver-log";
import { openKafkaEventLog } from "@plumbline/adapters/kafka/event-log";
import { checkTopics, ensureTopics } from "@plumbline/adapters/kafka/topics";
import { refuseGap } from "@plumbline/ports/refuse-gap.fixture";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBroker, type Broker } from "../../infra/kafka/broker.ts";
import { brokerProblem } from "./broker-for-tests.ts";

const problem = await brokerProblem();
const ADMIN = { name: "admin", password: "admin-secret-1" };
const APP = { name: "app", password: "app-secret-22" };
const PATIENCE = { timeout: 60_000 };

const MECHANISMS = ["plain", "scram-sha-256", "scram-sha-512"] as const;

describe.skipIf(problem !== null)("Kafka with TLS, passwords and rights", () => {
  let broker: Broker;
  beforeAll(async () => {
    broker = await startBroker({
      secure: {
        users: { [ADMIN.name]: ADMIN.password, [APP.name]: APP.password },
        superUsers: [ADMIN.name],
      },
    });
    await ensureTopics(kafkaConnection(variables(ADMIN)));
  }, 300_000);
  afterAll(() => broker?.stop());

  function variables(
    { name, password }: { readonly name: string; readonly password: string },
    mechanism: (typeof MECHANISMS)[number] = "scram-sha-256",
  ): KafkaVariables {
    return {
      PLUMBLINE_KAFKA_BROKERS: broker.secure!.brokers,
      PLUMBLINE_KAFKA_TLS: "on",
      PLUMBLINE_KAFKA_TLS_CA: broker.secure!.caFile,
      PLUMBLINE_KAFKA_SASL_MECHANISM: mechanism,
      PLUMBLINE_KAFKA_SASL_USERNAME: name,
      PLUMBLINE_KAFKA_SASL_PASSWORD: password,
    };
  }

  test.each(MECHANISMS)("appends, reads and commits after a login by %s", async (mechanism) => {
    const log = openKafkaEventLog({ ...kafkaConnection(variables(ADMIN, mechanism)), clientId: "secure" });
    const [position] = await log.append("plumbline.feedback", [{ key: mechanism, value: Buffer.from("v") }]);
    const [found] = await log.read("plumbline.feedback", 0, position!.offset, { recordsMax: 1 });
    expect(found!.key).toBe(mechanism);

    const stop = new AbortController();
    const group = `secure-${mechanism}`;
    const options = { group, signal: stop.signal, onGap: refuseGap };
    await log.subscribe("plumbline.feedback", options, async ({ partition, records }) => {
      if (!records.some((record) => record.key === mechanism)) return;
      await log.commit(group, "plumbline.feedback", partition, {
        offset: position!.offset + 1,
        metadata: "m",
      });
      stop.abort();
    });
    expect(await log.committed(group, "plumbline.feedback", 0)).toEqual({
      offset: position!.offset + 1,
      metadata: "m",
    });
    await log.close();
  });

  test.each(MECHANISMS)(
    "a wrong password for %s is refused at once, in words that name the variables",
    async (mechanism) => {
      const wrong = kafkaConnection(variables({ ...ADMIN, password: "wrong" }, mechanism));
      const refused = checkTopics(wrong);
      await expect(refused).rejects.toMatchObject({ name: "LogError", code: "config", retryable: false });
      await expect(refused).rejects.toThrow("PLUMBLINE_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD");
      await expect(refused).rejects.not.toThrow("wrong");
    },
  );

  test("a certificate that nobody vouched for is refused, and the variable that helps is named", async () => {
    const { PLUMBLINE_KAFKA_TLS_CA: _, ...without } = variables(ADMIN);
    const refused = checkTopics(kafkaConnection(without));
    await expect(refused).rejects.toMatchObject({ code: "config" });
    await expect(refused).rejects.toThrow("PLUMBLINE_KAFKA_TLS_CA");
  }, 120_000);

  // The others ask ClickHouse first, and then the same question.
  test.each(["collector", "registry", "notifier"])(
    "the %s ends with one sentence and exit code 3 when its password is wrong",
    async (service) => {
      const { status, stderr } = await runService(
        service,
        variables({ ...ADMIN, password: "not-it-at-all" }),
      );
      const sentences = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
      expect(sentences).toEqual([
        expect.stringContaining("PLUMBLINE_KAFKA_SASL_MECHANISM, _USERNAME and _PASSWORD"),
      ]);
      expect(stderr).not.toContain("not-it-at-all");
      expect(status).toBe(3);
    },
    180_000,
  );

  test("without the right to read settings it starts, and says which right to give", async () => {
    const lines: unknown[] = [];
    const logger = { warn: (fields: object, message: string) => void lines.push([message, fields]) };
    const admin = createClient({ ...kafkaConnection(variables(ADMIN)), clientId: "admin" }, SILENT).admin();
    await admin.connect();
    // Kafka's numbers: 2 a topic, 3 a name that begins so; 8 DESCRIBE, 32 DESCRIBE_CONFIGS; 3 allow.
    const acl = (operation: number) => ({
      resourceType: 2,
      resourceName: "plumbline.",
      resourcePatternType: 4,
      principal: `User:${APP.name}`,
      host: "*",
      operation,
      permissionType: 3,
    });
    await admin.createAcls({ acl: [acl(8)] });
    const check = () => checkTopics(kafkaConnection(variables(APP)), { logger });
    await expect.poll(() => check().then(() => "ok", String), PATIENCE).toBe("ok");
    expect(lines).toContainEqual([
      "kafka.topics_not_checked",
      { problem: expect.stringContaining("--operation DescribeConfigs --topic plumbline.") },
    ]);

    await admin.createAcls({ acl: [acl(10)] });
    await expect
      .poll(async () => {
        lines.length = 0;
        await check();
        return JSON.stringify(lines);
      }, PATIENCE)
      .not.toContain("kafka.topics_not_checked");
    await admin.disconnect();
  });
});

/** Runs a service's process as its image does, until it ends. */
async function runService(
  service: string,
  kafka: KafkaVariables,
): Promise<{ readonly status: number | null; readonly stderr: string }> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const { PLUMBLINE_KAFKA_BROKERS: brokers, ...rest } = kafka;
  const environment = {
    PATH: process.env["PATH"],
    ...rest,
    PLUMBLINE_KAFKA_BROKERS: brokers.join(","),
    PLUMBLINE_METRICS_PORT: "0",
    PLUMBLINE_COLLECTOR_PORT: "0",
    PLUMBLINE_REGISTRY_PORT: "0",
    PLUMBLINE_NOTIFIER_PORT: "0",
    PLUMBLINE_INBOX_DIR: join(tmpdir(), "plumbline-secure-inbox"),
  };
  const args = ["--conditions=source", "--import", "tsx", `services/${service}/main.ts`];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: root, env: environment, timeout: 150_000 },
      (error, _stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({ status, stderr });
      },
    );
  });
}
