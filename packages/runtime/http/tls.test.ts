import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { createLogger } from "../logger.ts";
import { createHttpApp, createOpenGuard, listen } from "./index.ts";

const logger = createLogger("test", "silent");
const app = createHttpApp({ name: "test", logger, guard: createOpenGuard(), routes: [] });

/** A copy of a pair for tests; the pairs are nobody's, and good for localhost alone. */
function pair(): { readonly cert: string; readonly key: string } {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-tls-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  place("first", files);
  return files;
}

function fixture(name: "first" | "second", part: "cert" | "key"): string {
  return fileURLToPath(new URL(`fixtures/${name}.${part}.pem`, import.meta.url));
}

function place(name: "first" | "second", { cert, key }: { cert: string; key: string }): void {
  cpSync(fixture(name, "key"), key);
  cpSync(fixture(name, "cert"), cert);
}

function statusOf(url: string, name: "first" | "second"): Promise<number | undefined> {
  const ca = readFileSync(fixture(name, "cert"));
  return new Promise((resolve, reject) => {
    request(`${url}/livez`, { ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

test("with a certificate the server speaks HTTPS, and a renewed pair is served without a restart", async () => {
  const files = pair();
  const { url, close } = await serve(files);
  onTestFinished(close);
  expect(url).toMatch(/^https:/);
  expect(await statusOf(url, "first")).toBe(200);
  place("second", files);
  await vi.waitFor(async () => expect(await statusOf(url, "second")).toBe(200), {
    timeout: 60_000,
    interval: 500,
  });
});

test("files that are missing or no pair are named at the start", async () => {
  const files = pair();
  writeFileSync(files.key, "no key");
  for (const bad of [files, { ...files, cert: "/nowhere/cert.pem" }]) {
    await expect(serve(bad)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining("PLUMBLINE_TLS_CERT, PLUMBLINE_TLS_KEY: "),
    });
  }
});

async function serve(tls: { cert: string; key: string }) {
  const listening = await listen(app, { port: 0, tls, logger });
  return { url: listening.url, close: () => listening.close(0) };
}
