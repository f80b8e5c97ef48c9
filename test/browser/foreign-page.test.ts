/**
 * Pages of other sites in a real browser, beside a running local mode: they read nothing, write nothing and end nothing.
 * One page stands on another origin, one has a name of its own that resolves to this machine. Skips loudly where there is
 * no Chromium.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedClickHouse } from "@plumbline/adapters/clickhouse/embedded";
import { serveClickHouse } from "@plumbline/adapters/clickhouse/http-front";
import { migrate } from "@plumbline/adapters/clickhouse/migrate";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { inboxHandler, inboxPaths } from "@plumbline/adapters/inbox/handler";
import { openInboxNotifier } from "@plumbline/adapters/inbox/inbox";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { message } from "@plumbline/ports/notifier.contract";
import { createHttpApp, createHttpService, createOpenGuard } from "@plumbline/runtime/http";
import { createLogger } from "@plumbline/runtime/logger";
import { run } from "@plumbline/runtime/run";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCollector } from "../../services/collector/service.ts";
import { inboxRoutes } from "../../services/notifier/inbox-routes.ts";
import { createRegistry } from "../../services/registry/service.ts";

const CHROMIUM = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) {
  process.stderr.write(
    `\n!!! SKIPPING the browser tests: no ${CHROMIUM}; install chromium, or set CHROMIUM_PATH.\n\n`,
  );
}

const SECRET = "a customer's text";
const REBINDING = "rebinding.example";
const logger = createLogger("test", "silent");
const cleanUp: (() => Promise<unknown>)[] = [];
const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
let browser: Browser;
let foreign: string;
let urls: { sql: string; collector: string; registry: string; inbox: string };

beforeAll(async () => {
  if (!hasBrowser) return;
  const dir = await mkdtemp(join(tmpdir(), "plumbline-foreign-"));
  const clickhouse = await openEmbeddedClickHouse({ path: join(dir, "clickhouse") });
  await migrate(clickhouse);
  const sql = await serveClickHouse(clickhouse, { logger });
  const inbox = await openInboxNotifier({ dir: join(dir, "inbox") });
  const stop = new AbortController();
  await inbox.post(message({ title: SECRET }), { signal: stop.signal });
  const collector = createCollector({ log, clock: systemClock, logger, port: 0 });
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0 });
  const handle = inboxHandler(inbox, { signal: stop.signal });
  const page = createHttpService(
    createHttpApp({
      name: "inbox",
      logger,
      guard: createOpenGuard(),
      routes: inboxRoutes(inboxPaths(), handle),
    }),
    { name: "inbox", logger, port: 0 },
  );
  const running = run([collector, registry, page], {
    logger,
    stop: stop.signal,
    drainMs: 5_000,
    resources: [],
  });
  urls = {
    sql: sql.url,
    collector: await collector.url,
    registry: await registry.url,
    inbox: await page.url,
  };
  const strangers: Server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>foreign</title>");
  });
  await new Promise<void>((resolve) => strangers.listen(0, "127.0.0.1", resolve));
  foreign = `http://localhost:${(strangers.address() as AddressInfo).port}`;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=MAP ${REBINDING} 127.0.0.1`,
    ],
  });
  cleanUp.push(
    () => rm(dir, { recursive: true, force: true }),
    () => clickhouse.close(),
    () => sql.close(),
    () => log.close(),
    async () => {
      stop.abort();
      await running;
    },
    () => new Promise((resolve) => strangers.close(resolve)),
    () => browser.close(),
  );
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

const records = async (): Promise<number> =>
  (await log.read("plumbline.calls", 0, 0, { recordsMax: 1_000 })).length +
  (await log.read("plumbline.registry", 0, 0, { recordsMax: 1_000 })).length;

async function serversServe(): Promise<void> {
  for (const url of [urls.collector, urls.registry, urls.inbox]) {
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  }
  expect(await (await fetch(`${urls.sql}/?query=SELECT+1`)).text()).toBe("1\n");
}

/** What a page does that wants in; every text that it got hold of. */
async function attack(pageUrl: string, targets: typeof urls): Promise<string[]> {
  const page = await browser.newPage();
  await page.goto(pageUrl);
  const got = await page.evaluate(
    async ({ targets: { sql, collector, registry, inbox }, secret }) => {
      const texts: string[] = [];
      const global = globalThis as unknown as Record<string, unknown>;
      global["leak"] = (text: string) => texts.push(text);
      const query = encodeURIComponent(
        `SELECT concat('leak("', '${secret.replace("'", "\\'")}', '")') FORMAT TSVRaw`,
      );
      const element = (tag: string, attributes: Record<string, string>): Promise<void> =>
        new Promise((resolve) => {
          const made = document.createElement(tag);
          for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
          made.addEventListener("load", () => resolve());
          made.addEventListener("error", () => resolve());
          document.body.append(made);
          setTimeout(resolve, 3_000);
        });
      const read = async (url: string, init?: RequestInit): Promise<void> => {
        try {
          const answer = await fetch(url, init);
          if (answer.ok && answer.type !== "opaque") texts.push(await answer.text());
        } catch {
          // Refused, as it should be.
        }
      };
      await element("script", { src: `${sql}/?query=${query}` });
      await element("script", { src: `${inbox}/messages` });
      await element("link", { rel: "stylesheet", href: `${inbox}/inbox.css` });
      await element("img", { src: `${inbox}/inbox.svg` });
      await read(`${sql}/?query=${query}`);
      await read(`${sql}/`, { method: "POST", body: "SELECT 1", mode: "no-cors" });
      await read(`${sql}//`);
      await read(`${inbox}/`);
      await read(`${inbox}/messages`);
      await read(`${registry}/v1/use-cases`);
      const call = JSON.stringify({ app: "a", use_case: "b", model: "c", status: "ok", latency_ms: 1 });
      const json = { "content-type": "application/json" };
      for (const type of [json, { "content-type": "text/plain" }]) {
        await read(`${collector}/v1/calls`, { method: "POST", body: call, headers: type });
        await read(`${registry}/v1/use-cases/b/rollback`, {
          method: "POST",
          body: '{"env":"production"}',
          headers: type,
        });
      }
      return texts;
    },
    { targets, secret: SECRET },
  );
  await page.close();
  return got;
}

test.skipIf(!hasBrowser)(
  "a page of another origin reads nothing, writes nothing and ends nothing",
  async () => {
    const before = await records();
    expect(await attack(foreign, urls)).toEqual([]);
    expect(await records()).toBe(before);
    await serversServe();
  },
);

test.skipIf(!hasBrowser)("a page whose name was made to resolve here gets no further", async () => {
  const rebound = Object.fromEntries(
    Object.entries(urls).map(([name, url]) => [name, url.replace("127.0.0.1", REBINDING)]),
  ) as typeof urls;
  const before = await records();
  for (const url of Object.values(rebound)) {
    // The page of the attacker's own name, once that resolves here: all these requests have its origin.
    const texts = await attack(url, rebound);
    expect(texts.filter((text) => text.includes(SECRET) || text.includes("use_cases"))).toEqual([]);
  }
  expect(await records()).toBe(before);
  await serversServe();
});

test.skipIf(!hasBrowser)("a link in Slack opens the inbox, and opens no data", async () => {
  const page = await browser.newPage();
  await page.goto(foreign);
  const follow = async (href: string): Promise<number | undefined> => {
    await page.goto(foreign);
    await page.evaluate((to) => {
      const link = document.createElement("a");
      link.href = to;
      link.id = "link";
      link.textContent = "open";
      document.body.append(link);
    }, href);
    const [response] = await Promise.all([
      page.waitForResponse((each) => each.url() === href),
      page.click("#link"),
    ]);
    return response.status();
  };
  expect(await follow(`${urls.inbox}/`)).toBe(200);
  expect(await page.textContent("body")).toContain(SECRET);
  expect(await follow(`${urls.inbox}/messages`)).toBe(403);
  expect(await follow(`${urls.sql}/?query=SELECT+1`)).toBe(403);
  await page.close();
});
