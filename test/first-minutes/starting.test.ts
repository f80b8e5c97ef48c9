/** Starts that can't succeed: one sentence, the setting that mends it, and the exit code of the one map. */
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runProcess } from "./run-process.ts";

const LOCAL = "services/local/main.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "plumbline-first-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** @returns a port that somebody else uses */
async function usedPort(): Promise<number> {
  const server: Server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test.each([
  ["--port", "--port or PLUMBLINE_PORT"],
  ["--inbox-port", "--inbox-port or PLUMBLINE_INBOX_PORT"],
  ["--sql-port", "--sql-port or PLUMBLINE_SQL_PORT"],
  ["--registry-port", "--registry-port or PLUMBLINE_REGISTRY_PORT"],
  ["--metrics-port", "--metrics-port or PLUMBLINE_METRICS_PORT"],
])("local mode: %s that is in use is told in one sentence", async (flag, setting) => {
  const port = await usedPort();
  // None but the one in question has a number: the ports beside it are somebody else's.
  const others = ["--port", "--inbox-port", "--sql-port", "--registry-port", "--metrics-port"].flatMap(
    (each) => [each, "0"],
  );
  const ended = await runProcess(LOCAL, ["--data-dir", await folder(), ...others, flag, String(port)]);
  expect(ended).toEqual({
    code: 3,
    stdout: "",
    stderr: `plumbline: port ${port} on 127.0.0.1 is in use; stop what uses it, or set ${setting} to another port (0 picks a free one)\n`,
  });
});

test("local mode: a folder in which nothing can be kept is told in one sentence", async () => {
  const file = join(await folder(), "a-file");
  await writeFile(file, "");
  for (const [path, why] of [
    [join(file, "data"), "a part of the path is a file, not a folder"],
    [file, "it is a file, not a folder"],
    ["/proc/plumbline", "a part of the path does not exist and can't be made"],
  ] as const) {
    const ended = await runProcess(LOCAL, ["--data-dir", path, "--port", "0"]);
    expect(ended).toEqual({
      code: 3,
      stdout: "",
      stderr: `plumbline: nothing can be kept in ${path}: ${why}. Name another folder with --data-dir or PLUMBLINE_DATA_DIR\n`,
    });
  }
});

test.each([
  ["services/monitor/main.ts", { PLUMBLINE_KAFKA_BROKERS: "127.0.0.1:1" }],
  ["services/judge/main.ts", { PLUMBLINE_KAFKA_BROKERS: "127.0.0.1:1" }],
  ["services/writer/main.ts", { PLUMBLINE_KAFKA_BROKERS: "127.0.0.1:1" }],
  ["services/migrate/main.ts", { PLUMBLINE_KAFKA_BROKERS: "127.0.0.1:1" }],
])("%s: an address without a scheme is told with a right one", async (entry, environment) => {
  const { code, stderr } = await runProcess(entry, [], {
    ...environment,
    PLUMBLINE_CLICKHOUSE_URL: "clickhouse:9000",
  });
  expect(stderr).toContain(
    "  PLUMBLINE_CLICKHOUSE_URL: must be an http:// or https:// address, such as http://user:password@clickhouse:8123 (",
  );
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(code).toBe(3);
});

test.each(["collector", "writer", "judge", "monitor", "notifier", "registry", "policy", "migrate"])(
  "services/%s: what is not set is told by name, all at once",
  async (service) => {
    const { code, stderr } = await runProcess(`services/${service}/main.ts`, []);
    const missing = service === "policy" ? "PLUMBLINE_REGISTRY_URL" : "PLUMBLINE_KAFKA_BROKERS";
    expect(stderr).toContain(`  ${missing}: not set (`);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(3);
  },
);

test("--version prints the version, of local mode and of the command line", async () => {
  for (const entry of [LOCAL, "packages/cli/main.ts"]) {
    expect(await runProcess(entry, ["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: "",
    });
  }
});

test("a demo leaves no folder behind, however it ends", async () => {
  const home = await folder();
  const port = await usedPort();
  const ended = await runProcess(LOCAL, ["--demo", "--port", "0", "--registry-port", String(port)], {
    TMPDIR: home,
  });
  expect(ended.code).toBe(3);
  expect((await readdir(home)).filter((name) => name.startsWith("plumbline-"))).toEqual([]);
});

test("the command line: a folder that can't be made is told in one sentence", async () => {
  const file = join(await folder(), "a-file");
  await writeFile(file, "");
  for (const [path, why] of [
    ["/proc/plumbline", "a part of the path does not exist and can't be made"],
    [join(file, "project"), "a part of the path is a file, not a folder"],
  ] as const) {
    const ended = await runProcess("packages/cli/main.ts", ["init", path, "--yes"]);
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    expect(ended.stderr).toMatch(/^plumbline: [^\n]*\n$/);
    expect(ended.stderr.startsWith(`plumbline: ${path}`)).toBe(true);
    expect(ended.stderr).toContain(`: ${why}\n`);
  }
});

test("local mode: a ready file that can't be written is told in one sentence", async () => {
  const file = "/proc/plumbline/ready.json";
  const ended = await runProcess(LOCAL, ["--data-dir", await folder(), "--port", "0", "--ready-file", file]);
  expect(ended).toEqual({
    code: 3,
    stdout: "",
    stderr: `plumbline: --ready-file ${file} can't be written: a part of the path does not exist and can't be made\n`,
  });
});
