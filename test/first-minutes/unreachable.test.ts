/** What is not there is told with its address and the reason, and never with a password. */
import { once } from "node:events";
import { createServer } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCompletion } from "@plumbline/adapters/llm/complete";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { expect, onTestFinished, test } from "vitest";
import { createRegistryApi } from "../../services/policy/registry/registry-api.ts";
import { runProcess } from "./run-process.ts";

const CLI = "packages/cli/main.ts";

test("the command line: a registry that is not there, exit code 5", async () => {
  const url = await nobodyAt();
  expect(await runProcess(CLI, ["keys", "list"], { PLUMBLINE_REGISTRY_URL: url })).toEqual({
    code: 5,
    stdout: "",
    stderr: `plumbline: The registry at ${url} cannot be reached (ECONNREFUSED).
Next: start one (npm start), or set registry.url in plumbline.config.* or --registry
`,
  });
});

test("the command line: an address with a password is never repeated", async () => {
  const url = (await nobodyAt()).replace("://", "://user:pass-planted@");
  const ended = await runProcess(CLI, ["keys", "list", "--json"], { PLUMBLINE_REGISTRY_URL: url });
  expect(ended.code).toBe(5);
  expect(ended.stderr).toContain(" cannot be reached (an address with user or password is not taken here).");
  expect(ended.stdout + ended.stderr).not.toContain("pass-planted");
});

test("the command line: SQL that is not there, exit code 5", async () => {
  const url = await nobodyAt();
  const { code, stderr } = await runProcess(CLI, ["tail"], {
    PLUMBLINE_SQL_URL: url.replace("://", "://reader:pass-planted@"),
  });
  expect(stderr).toContain(`plumbline: The SQL endpoint at ${url} cannot be reached (ECONNREFUSED).\n`);
  expect(stderr).not.toContain("pass-planted");
  expect(code).toBe(5);
});

test("doctor: each part that is not there, by its address and the reason", async () => {
  const url = await nobodyAt();
  const folder = await mkdtemp(join(tmpdir(), "plumbline-doctor-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { code, stdout } = await runProcess(CLI, ["doctor"], {
    PLUMBLINE_REGISTRY_URL: url,
    PLUMBLINE_URL: url,
    PLUMBLINE_SQL_URL: url,
    PLUMBLINE_HEALTH_URLS: `writer=${url}`,
  });
  for (const name of ["registry", "collector", "writer"]) {
    expect(stdout).toMatch(new RegExp(`^FAIL +${name} +${url} cannot be reached \\(ECONNREFUSED\\)$`, "m"));
  }
  expect(code).toBe(5);
});

test("a model and the policy service's registry that are not there", async () => {
  const url = await nobodyAt();
  const signal = new AbortController().signal;
  const complete = createCompletion({
    style: "openai",
    baseUrl: `${url}/v1`,
    apiKey: undefined,
    clock: systemClock,
    timeoutMs: 30_000,
  });
  const request = { model: "m", messages: [{ role: "user" as const, content: "hello" }], config: {} };
  await expect(complete(request, { signal })).rejects.toThrow(
    `the connection failed: ECONNREFUSED at ${url}/v1/chat/completions`,
  );
  await expect(createRegistryApi({ registryUrl: url }).useCases(signal)).rejects.toThrow(
    `the registry at ${url} did not answer (ECONNREFUSED)`,
  );
});

/** @returns an address at which nobody listens any more */
async function nobodyAt(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${address.port}`;
}
