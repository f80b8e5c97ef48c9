/** The client against a server that says what is live: answers of what is taken back go, others stay. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRecordingTransport } from "@plumbline/emitter";
import { contentHash } from "@plumbline/prompts";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../index.ts";
import { type CacheQuestion, createAnswerCache } from "./index.ts";

const USE_CASE = "ticket-summary";

function arm(number: number, weight = 1) {
  const messages = [{ role: "user", content: `version ${number}` }];
  const document = { use_case: USE_CASE, model: "openai/gpt-5-mini", config: {}, messages };
  return { prompt_version: contentHash(document), number, weight, document };
}

async function serve() {
  let revision = 0;
  let live: readonly unknown[] = [];
  const server = createServer((request, response) => {
    const answer = (): void => {
      if (request.headers["if-none-match"] === `"${revision}"`) return void setTimeout(answer, 5).unref();
      response.setHeader("etag", `"${revision}"`);
      response.end(JSON.stringify({ use_cases: { [USE_CASE]: { revision, live } } }));
    };
    answer();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const set = (...arms: readonly unknown[]): void => void ((live = arms), revision++);
  return { url, set };
}

test("a rollback removes the answers of the version that is taken back, a promotion removes none", async () => {
  const registry = await serve();
  const cache = createAnswerCache();
  registry.set(arm(1));
  const client = createClient({
    url: registry.url,
    app: "support",
    cache,
    telemetry: { transport: createRecordingTransport() },
  });
  onTestFinished(async () => void (await client.close()));
  const question = (number: number): CacheQuestion => ({
    useCase: USE_CASE,
    promptHash: arm(number).prompt_version,
    model: null,
    config: {},
    vars: {},
    vary: {},
  });
  const keep = (number: number) => cache.store(question(number), `by ${number}`, { ttlMs: 600_000 });
  const find = async (number: number) => (await cache.find(question(number), { maxAgeMs: 600_000 }))?.text;
  const serves = async (number: number): Promise<void> => {
    await expect.poll(async () => (await client.prompt(USE_CASE)).number, { timeout: 60_000 }).toBe(number);
  };

  await serves(1);
  await keep(1);
  registry.set(arm(2));
  await serves(2);
  await keep(2);
  expect(await find(1)).toBe("by 1");

  // A canary of v3 that is taken back.
  registry.set(arm(3, 0.5), arm(2, 0.5));
  await expect.poll(() => client.stats().answers, { timeout: 60_000 }).toBe(3);
  await keep(3);
  registry.set(arm(2));
  await expect.poll(() => client.stats().answers, { timeout: 60_000 }).toBe(4);
  expect(await find(3)).toBeUndefined();
  expect(await find(2)).toBe("by 2");

  // A rollback.
  registry.set(arm(1));
  await serves(1);
  expect(await find(2)).toBeUndefined();
  expect(await find(1)).toBe("by 1");
});
