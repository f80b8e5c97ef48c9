/** Configuring a process: slips of the finger are told, and what is in force can be seen. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runProcess } from "./run-process.ts";

const CLI = "packages/cli/main.ts";
const SLIP = { PLUMBLINE_JUDGE_MODLE: "gpt-5-mini" };
const TOLD = "PLUMBLINE_JUDGE_MODLE: not a variable of Plumbline; did you mean PLUMBLINE_JUDGE_MODEL?";

test("local mode warns of a variable that nothing reads, beside what ends it", async () => {
  const { code, stderr } = await runProcess(
    "services/local/main.ts",
    ["--data-dir", "/proc/plumbline"],
    SLIP,
  );
  expect(stderr.split("\n").slice(0, 1)).toEqual([`plumbline: warning: ${TOLD}`]);
  expect(code).toBe(3);
});

test("local mode does not start with a variable that would protect a service and protects nothing of it", async () => {
  const { code, stderr } = await runProcess("services/local/main.ts", ["--data-dir", "/proc/plumbline"], {
    PLUMBLINE_REQUIRE_KEYS: "true",
    PLUMBLINE_TLS_CERT: "/etc/tls.crt",
    PLUMBLINE_API_KEYS_FILE: "/keys",
  });
  const why =
    "local mode asks for no key and speaks plain HTTP, for one person on one machine; unset it, or run the services one by one (docs/operate/deploy.md)";
  expect(stderr).toBe(
    `plumbline: invalid configuration:
  PLUMBLINE_API_KEYS: ${why}
  PLUMBLINE_REQUIRE_KEYS: ${why}
  PLUMBLINE_TLS_CERT: ${why}
`,
  );
  expect(code).toBe(3);
  const printed = await runProcess(CLI, ["config", "print"], { PLUMBLINE_REQUIRE_KEYS: "true" });
  expect(printed.stdout).toContain(`\n\nIt would not start:\n  PLUMBLINE_REQUIRE_KEYS: ${why}\n`);
  expect(printed.code).toBe(3);
});

test("local mode names what is set for the services and changes nothing here; what it or a client reads is not among it", async () => {
  const { stderr } = await runProcess("services/local/main.ts", ["--data-dir", "/proc/plumbline"], {
    PLUMBLINE_CLICKHOUSE_URL: "clickhouse:9000",
    PLUMBLINE_COLLECTOR_PORT: "5000",
    PLUMBLINE_REQUIRE_KEYS: "false",
    PLUMBLINE_REGISTRY_URL: "http://127.0.0.1:4800",
    PLUMBLINE_LOG_LEVEL: "info",
  });
  expect(stderr.split("\n")[0]).toBe(
    "plumbline: warning: local mode keeps log and store in its own folder and does not read PLUMBLINE_CLICKHOUSE_URL, PLUMBLINE_COLLECTOR_PORT",
  );
});

test("a service that starts logs it; one that does not, tells it beside every other problem", async () => {
  const started = await runProcess("services/migrate/main.ts", [], {
    ...SLIP,
    PLUMBLINE_KAFKA_BROKERS: "127.0.0.1:1",
    PLUMBLINE_CLICKHOUSE_URL: "http://127.0.0.1:1",
  });
  const [first = ""] = started.stderr.split("\n");
  expect(JSON.parse(first)).toMatchObject({
    level: 40,
    name: "migrate",
    msg: "config.unknown_variable",
    variable: "PLUMBLINE_JUDGE_MODLE",
    nearest: "PLUMBLINE_JUDGE_MODEL",
    problem: TOLD,
  });
  const ended = await runProcess("services/policy/main.ts", [], { ...SLIP, PLUMBLINE_POLICY_PORT: "many" });
  expect(ended).toEqual({
    code: 3,
    stdout: "",
    stderr: `invalid configuration:
  PLUMBLINE_KAFKA_BROKERS: not set (host:port, comma-separated)
  PLUMBLINE_REGISTRY_URL: not set (of the registry, such as http://registry:4800)
  PLUMBLINE_POLICY_PORT: must be a number (port of the status of automation; 0 picks a free one)
  ${TOLD}
`,
  });
});

test("the command line warns too, and a variable that another process reads is no mistake", async () => {
  const answered = await runProcess(CLI, ["lint", "--project", "/proc"], {
    ...SLIP,
    PLUMBLINE_PINNED_SLICES: "lang=de",
  });
  expect(answered.stderr.match(/: not a variable/g)).toHaveLength(1);
  expect(answered.stderr).toContain(`warning: ${TOLD}\n`);
});

test("config print: local mode's, with what a flag, a file, the environment and a default give", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plumbline-config-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "key");
  await writeFile(file, "sk-planted\n");
  const { code, stdout, stderr } = await runProcess(CLI, ["config", "print", "--", "--port", "5000"], {
    ...SLIP,
    PLUMBLINE_JUDGE_API_KEY_FILE: file,
    PLUMBLINE_PORT: "6000",
    PLUMBLINE_SQL_PORT: "6100",
  });
  const rows = stdout.split("\n").map((line) => line.replaceAll(/ +/g, " "));
  expect(rows[0]).toBe("VARIABLE VALUE FROM");
  for (const row of [
    `PLUMBLINE_JUDGE_API_KEY [secret] file ${file}`,
    "PLUMBLINE_PORT 5000 flag --port",
    "PLUMBLINE_SQL_PORT 6100 environment",
    "PLUMBLINE_INBOX_PORT 5001 default",
    "PLUMBLINE_DATA_DIR .plumbline default",
    "PLUMBLINE_JUDGE_MODEL – not set",
  ]) {
    expect(rows).toContain(row);
  }
  expect(stdout.endsWith(`\n\nNothing reads:\n  ${TOLD}\n`)).toBe(true);
  expect(stderr).toBe("");
  expect(code).toBe(0);
});

test("config print: of a service that would not start, exit code 3 with every problem, and never a secret", async () => {
  const environment = {
    ...SLIP,
    PLUMBLINE_CLICKHOUSE_URL: "http://plumbline:pass-planted@clickhouse:8123",
    PLUMBLINE_JUDGE_CONCURRENCY: "0",
  };
  const { code, stdout } = await runProcess(
    CLI,
    ["config", "print", "--service", "judge", "--json"],
    environment,
  );
  expect(code).toBe(3);
  expect(stdout).not.toContain("pass-planted");
  const { ok, data } = JSON.parse(stdout) as { ok: boolean; data: { settings: unknown[] } };
  expect(ok).toBe(false);
  expect(data).toMatchObject({
    service: "judge",
    problems: [
      "PLUMBLINE_JUDGE_CONCURRENCY: must be at least 1 (judgements in flight at once)",
      "PLUMBLINE_KAFKA_BROKERS: not set (host:port, comma-separated)",
    ],
    unknown: [{ variable: "PLUMBLINE_JUDGE_MODLE", nearest: "PLUMBLINE_JUDGE_MODEL" }],
  });
  expect(data.settings).toContainEqual({
    variable: "PLUMBLINE_CLICKHOUSE_URL",
    value: "http://plumbline:[secret]@clickhouse:8123",
    source: "environment",
    from: null,
  });
  const text = await runProcess(CLI, ["config", "print", "--service", "judge"], environment);
  expect(text.stdout).toContain("\n\nIt would not start:\n  PLUMBLINE_JUDGE_CONCURRENCY: must be at least 1");
  expect(text.code).toBe(3);
});

test("config print: a name that is none, and flags of a process that takes none, are a wrong command line", async () => {
  const unknown = await runProcess(CLI, ["config", "print", "--service", "jugde"]);
  expect(unknown.stderr).toContain(
    'plumbline: --service "jugde" is none of local, collector, writer, judge, monitor, notifier, registry, policy, migrate\n',
  );
  expect(unknown.code).toBe(2);
  const flags = await runProcess(CLI, ["config", "print", "--service", "judge", "--", "--port", "1"]);
  expect(flags.stderr).toContain("plumbline: judge takes no flags: --port\n");
  expect(flags.code).toBe(2);
});
