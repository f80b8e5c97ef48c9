/** The walk of docs/start, as its reader runs it: local mode, the command line and an application as real processes. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, type TestContext } from "vitest";
import { readSteps, type Step } from "./code-blocks.ts";
import { findMissing } from "./compare-output.ts";
import { openReaderShell, type ReaderShell } from "./reader-shell.ts";

const PAGE = "docs/start/change-a-prompt.md";
const NAME = `${PAGE}:$line does what it shows`;
const steps = readSteps(readText(PAGE));
/** Local mode's, and the pretend model's. */
const PORTS = { collector: 4319, inbox: 4320, sql: 4321, registry: 4800, provider: 4900 };
/** Of one step: following a rollout over two windows of a minute is the longest. */
const STEP_MS = 240_000;

let shell: ReaderShell;
let greeting = "";
/** After a step that went wrong the next ones mean nothing. */
let isBroken = false;

beforeAll(async () => {
  shell = await openReaderShell({ ports: Object.values(PORTS), environment: ofLocalMode });
});
afterAll(async () => shell.close());

test("the page has commands, and shows the output of most", () => {
  expect(steps.length).toBeGreaterThan(10);
  expect(steps.filter(({ expected }) => expected !== null).length).toBeGreaterThan(10);
});

test.for(steps.slice(0, 1))(NAME, { timeout: STEP_MS }, follow);

test("the curl lines of the README and of local mode's greeting work", async ({ skip }) => {
  skip(isBroken, "local mode did not start");
  const ofReadme = [...readText("README.md").matchAll(/`(curl [^`]+)`/g)].map((match) => match[1]!);
  const ofGreeting = greeting.split("\n").filter((line) => /^ +(?:sleep \d+; )?curl /.test(line));
  expect(ofReadme.length).toBeGreaterThan(0);
  expect(ofGreeting.length).toBeGreaterThan(1);
  for (const command of [...ofGreeting, ...ofReadme]) {
    const asked = command.replace("curl ", "curl --fail -sS ");
    expect(await shell.run(`${asked} > /dev/null\necho "exit code $?"`), command).toBe("exit code 0\n");
  }
});

test.for(steps.slice(1))(NAME, { timeout: STEP_MS }, follow);

async function follow(step: Step, { skip }: TestContext): Promise<void> {
  skip(isBroken, "a step before it failed");
  isBroken = true;
  const output = await shell.run(step.commands);
  if (greeting === "") greeting = output;
  const missing = step.expected === null ? null : findMissing(step.expected, output);
  expect(missing, `not in the output:\n${missing}\n\nthe output:\n${output}`).toBeNull();
  isBroken = false;
}

/** The services are given the free ports by their variables. */
function ofLocalMode(portOf: (port: number) => string): Readonly<Record<string, string>> {
  const urlOf = (port: number): string => `http://127.0.0.1:${portOf(port)}`;
  return {
    PLUMBLINE_PORT: portOf(PORTS.collector),
    PLUMBLINE_INBOX_PORT: portOf(PORTS.inbox),
    PLUMBLINE_SQL_PORT: portOf(PORTS.sql),
    PLUMBLINE_METRICS_PORT: "0",
    PLUMBLINE_REGISTRY_PORT: portOf(PORTS.registry),
    PLUMBLINE_COLLECTOR_URL: urlOf(PORTS.collector),
    PLUMBLINE_SQL_URL: urlOf(PORTS.sql),
    PLUMBLINE_REGISTRY_URL: urlOf(PORTS.registry),
  };
}

function readText(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}
