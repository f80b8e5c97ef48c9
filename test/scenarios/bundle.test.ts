/** `plumbline bundle` on a real registry: what it writes is what the client serves when nothing else is there. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { createRecordingTransport } from "@plumbline/emitter";
import { type Bundle, createClient } from "@plumbline/client/node";
import { createLogger } from "@plumbline/runtime/logger";
import type { RegistryEvent } from "@plumbline/schemas";
import { createRegistry } from "@plumbline/services/registry/service";
import { expect, onTestFinished, test } from "vitest";
import {
  policySet,
  promoted,
  race,
  registered,
  rolledBack,
  toNewRecord,
  USE_CASE,
  versionOf,
} from "../registry/commands.ts";
import { runPlumbline } from "./tail-run.ts";

async function start() {
  const log = createMemoryEventLog({ clock: systemClock });
  const append = async (...commands: readonly RegistryEvent[]): Promise<void> => {
    await log.append("plumbline.registry", commands.map(toNewRecord));
  };
  await append(...race(["two"], new Date()), registered("unused", { use_case: "not-live-yet" }));
  const logger = createLogger("test", "silent");
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 10 });
  const abort = new AbortController();
  const running = registry.run(abort.signal);
  const directory = await mkdtemp(join(tmpdir(), "plumbline-bundle-"));
  onTestFinished(async () => {
    abort.abort();
    await running;
    await rm(directory, { recursive: true });
  });
  const url = await registry.url;
  return {
    file: join(directory, "bundle.json"),
    bundle: (...args: string[]) =>
      runPlumbline(["bundle", "--out", "bundle.json", ...args], {
        directory,
        environment: { PLUMBLINE_REGISTRY_URL: url },
      }),
    /** Appends a command to what is live now, and waits until the registry has read it. */
    change: async (command: (revision: number) => RegistryEvent): Promise<void> => {
      const live = async (query: string) => {
        const response = await fetch(`${url}/v1/live?use_cases=${USE_CASE}&${query}`);
        return (await response.json()) as {
          revision: number;
          use_cases: { [USE_CASE]: { revision: number } };
        };
      };
      const before = await live("");
      await append(command(before.use_cases[USE_CASE].revision));
      await live(`since=${before.revision}&wait=10`);
    },
  };
}

test("the client serves the bundle, prompt and version, when nothing else is there", async () => {
  const { bundle, file, change } = await start();
  await change((revision) => policySet(revision, 9000));
  const written = await bundle("--json");
  expect(written.exitCode).toBe(0);
  expect(JSON.parse(written.stdout)).toMatchObject({
    ok: true,
    data: { env: "production", use_cases: [{ use_case: USE_CASE }], not_live: ["not-live-yet"] },
  });
  const content = JSON.parse(await readFile(file, "utf8")) as Bundle;
  const client = createClient({
    app: "support",
    url: "http://127.0.0.1:9",
    bundle: content,
    fallbackAfterMs: 50,
    retryBaseMs: 10,
    onWarning: () => undefined,
    telemetry: { transport: createRecordingTransport() },
  });
  const prompt = await client.prompt(USE_CASE);
  await client.close();
  expect(prompt).toMatchObject({ source: "bundled", version: versionOf("one"), number: 1 });
  expect(prompt.stale_ms).toBeGreaterThanOrEqual(0);
  expect(content.use_cases[USE_CASE]).toMatchObject({ policy: { document: { deadline_ms: 9000 } } });
});

test("a check tells a current bundle from an outdated one, and writes nothing", async () => {
  const { bundle, file, change } = await start();
  await bundle();
  const before = await readFile(file, "utf8");
  const current = await bundle("--check");
  expect(current).toMatchObject({ exitCode: 0, stdout: `bundle.json is current: ${USE_CASE} v1.\n` });

  await change((revision) => promoted("two", revision));
  const outdated = await bundle("--check", "--json");
  expect(outdated.exitCode).toBe(4);
  expect(JSON.parse(outdated.stdout)).toMatchObject({
    ok: false,
    error: { code: "bundle-outdated", details: [`${USE_CASE}: has v1, live is v2`] },
  });
  expect(await readFile(file, "utf8")).toBe(before);

  await change((revision) => rolledBack(revision));
  await change((revision) => policySet(revision, 8000));
  const policy = await bundle("--check");
  expect(policy.exitCode).toBe(4);
  expect(policy.stderr).toContain(`${USE_CASE}: the policy has changed`);
});

test("an edited text is found although its version is still live", async () => {
  const { bundle, file } = await start();
  await bundle();
  await writeFile(file, (await readFile(file, "utf8")).replace('"content": "one"', '"content": "won"'));
  const { exitCode, stderr } = await bundle("--check");
  expect(exitCode).toBe(4);
  expect(stderr).toContain("the text was changed");
});

test.each([
  [["not-live-yet"], "Nothing of not-live-yet is live in production"],
  [["--env", "staging"], "Nothing is live in staging"],
  [["--check"], "There is no "],
])("%j ends with exit code 4 and says why", async (args, text) => {
  const { bundle } = await start();
  const { exitCode, stderr } = await bundle(...args);
  expect(exitCode).toBe(4);
  expect(stderr).toContain(text);
  expect(stderr).toContain("Next: ");
});
