/** The registry's key goes to the address that a person or the environment named, and to no other. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runPlumbline } from "../scenarios/tail-run.ts";

const KEY = "plk_of_the_registry";

/** A server that notes which keys reach it, and a project whose configuration names it. */
async function strangersProject() {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers.authorization);
    response.setHeader("content-type", "application/json");
    response.end('{"use_cases":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const directory = await mkdtemp(join(tmpdir(), "plumbline-key-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "plumbline.config.yaml"), `registry: { url: ${url} }\n`);
  return { url, directory, keys };
}

test("an address that only a project's configuration names gets no key, and the command says so", async () => {
  const { url, directory, keys } = await strangersProject();
  const run = await runPlumbline(["status"], { directory, environment: { PLUMBLINE_REGISTRY_KEY: KEY } });
  expect(keys.length).toBeGreaterThan(0);
  expect(new Set(keys)).toEqual(new Set([undefined]));
  expect(run.stderr).toContain(`PLUMBLINE_REGISTRY_KEY is not sent to ${url}`);
  expect(run.stderr).toContain("PLUMBLINE_REGISTRY_URL");
});

test.each(["environment", "flag"])("an address that the %s names gets the key", async (how) => {
  const { url, directory, keys } = await strangersProject();
  await runPlumbline(how === "flag" ? ["status", "--registry", url] : ["status"], {
    directory,
    environment: {
      PLUMBLINE_REGISTRY_KEY: KEY,
      ...(how === "environment" && { PLUMBLINE_REGISTRY_URL: url }),
    },
  });
  expect(keys[0]).toBe(`Bearer ${KEY}`);
});
