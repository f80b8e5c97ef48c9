/** What a service's process says of itself, and to a command line that it does not understand. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runProcess } from "./run-process.ts";

const SERVICES = ["collector", "judge", "migrate", "monitor", "notifier", "policy", "registry", "writer"];

test.each(SERVICES)("%s --help lists its variables, and --version is the product's", async (name) => {
  const entry = `services/${name}/main.ts`;
  const help = await runProcess(entry, ["--help"]);
  expect([help.code, help.stderr]).toEqual([0, ""]);
  expect(help.stdout).toContain(`Plumbline's ${name} as a process of its own`);
  expect(help.stdout).toMatch(/^ {2}PLUMBLINE_KAFKA_BROKERS +|^ {2}PLUMBLINE_REGISTRY_URL +/m);

  const version = await runProcess(entry, ["--version"]);
  const { version: released } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
  expect(version).toMatchObject({ code: 0, stdout: `${released}\n`, stderr: "" });
});

test("an argument that means nothing ends it at once, with what to do", async () => {
  const { code, stderr } = await runProcess("services/writer/main.ts", ["--port", "4000"]);
  expect([code, stderr]).toEqual([
    2,
    "plumbline: writer takes no arguments, only variables; --help lists them\n",
  ]);
});
