/**
 * The buttons of the inbox in a real browser, against the registry and the notifier that local mode composes: what a click
 * does stands in the log, the card follows, and without the session nothing happens. Skips loudly where there is no Chromium.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSessions, sessionRoutes, withSessions } from "@plumbline/access";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { inboxHandler, inboxPaths } from "@plumbline/adapters/inbox/handler";
import { openInboxNotifier } from "@plumbline/adapters/inbox/inbox";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { encodeIncidentEvent, INCIDENTS } from "@plumbline/alerts";
import { createHttpApp, createHttpService, createOpenGuard } from "@plumbline/runtime/http";
import { createLogger } from "@plumbline/runtime/logger";
import { IncidentEvent, SCOPES } from "@plumbline/schemas";
import { inboxRoutes } from "@plumbline/services/notifier/inbox-routes";
import { createNotifierService } from "@plumbline/services/notifier/service";
import { createRegistry } from "@plumbline/services/registry/service";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { detection } from "../../alerts/detection.fixture.ts";
import { documentOf, USE_CASE, versionOf } from "../registry/commands.ts";

const CHROMIUM = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) {
  process.stderr.write(
    `\n!!! SKIPPING the browser tests: no ${CHROMIUM}; install chromium, or set CHROMIUM_PATH.\n\n`,
  );
}
const TIMEOUT_MS = 60_000;
const OWNER = {
  tenant: "default",
  name: "lee",
  scopes: new Set(SCOPES),
  key_id: null,
  isOperator: true,
} as const;

const logger = createLogger("test", "silent");
const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
const sessions = createSessions();
const stop = new AbortController();
const cleanUp: (() => Promise<unknown>)[] = [];
let browser: Browser;
let registryUrl: string;
let url: string;

beforeAll(async () => {
  if (!hasBrowser) return;
  const dir = await mkdtemp(join(tmpdir(), "plumbline-inbox-"));
  const inbox = await openInboxNotifier({ dir });
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 20 });
  const handle = inboxHandler(inbox, { signal: stop.signal, takesCommands: true });
  const page = createHttpService(
    createHttpApp({
      name: "inbox",
      logger,
      guard: withSessions(createOpenGuard(), sessions),
      routes: [...inboxRoutes(inboxPaths(), handle), ...sessionRoutes(sessions), ...registry.pageRoutes],
    }),
    { name: "inbox", logger, port: 0 },
  );
  const notifier = createNotifierService({
    log,
    notifiers: [inbox],
    clock: systemClock,
    logger,
    settings: { runbooks_url: null, console_url: null, time_zone: "UTC" },
  });
  const running = Promise.all([registry, page, notifier].map((service) => service.run(stop.signal)));
  registryUrl = await registry.url;
  url = await page.url;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
  });
  cleanUp.push(
    () => rm(dir, { recursive: true, force: true }),
    () => running,
    async () => stop.abort(),
    () => browser.close(),
  );
  await promoteTwice();
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

async function promoteTwice(): Promise<void> {
  const use = async (path: string, body: object): Promise<void> => {
    const answer = await fetch(`${registryUrl}/v1/use-cases/${USE_CASE}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(answer.ok).toBe(true);
  };
  for (const [revision, text] of ["one", "two"].entries()) {
    const prompt_version = versionOf(text);
    await use("versions", { prompt_version, document: documentOf(text) });
    await use("promote", { prompt_version, expected_revision: revision, bypass: { reason: "test" } });
  }
}

async function fire(id: string, metric: string): Promise<void> {
  const { candidate, incumbent } = detection();
  const event = {
    type: "detected",
    incident_id: id,
    at: new Date().toISOString(),
    actor: "monitor",
    detection: detection({
      use_case: USE_CASE,
      tenant: "default",
      metric: { name: metric, unit: "share", label: metric },
      candidate: { ...candidate, prompt_version: versionOf("two"), number: 2 },
      incumbent: { ...incumbent!, prompt_version: versionOf("one"), number: 1 },
    }),
  };
  await log.append(INCIDENTS, [encodeIncidentEvent(IncidentEvent.parse(event))]);
}

test.skipIf(!hasBrowser)(
  "a browser that did not open the link changes nothing, and is told how",
  async () => {
    await fire("inc_00000000000000a2", "tone");
    const page = await browser.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    await page.goto(url);
    const card = page.locator("#inc_00000000000000a2");
    await card.getByRole("button", { name: "Acknowledge" }).click();
    await card.getByText("Open the link that was printed at the start").waitFor();
    const answer = await fetch(`${registryUrl}/v1/incidents/inc_00000000000000a2`);
    expect(await answer.json()).toMatchObject({ state: "firing" });
  },
  3 * TIMEOUT_MS,
);

test.skipIf(!hasBrowser)(
  "buttons acknowledge, dismiss with a reason and roll back after a question that names both versions",
  async () => {
    const page = await browser.newPage({ viewport: { width: 375, height: 800 } });
    page.setDefaultTimeout(TIMEOUT_MS);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`${url}/open?token=${sessions.issueLink(OWNER)}`);
    await fire("inc_00000000000000a1", "faithfulness");
    const card = page.locator("#inc_00000000000000a1");
    await card.getByRole("button", { name: "Acknowledge" }).click();
    await card.getByText("Acknowledged by lee").first().waitFor();

    await card.getByRole("button", { name: "Roll back to v1" }).click();
    const dialog = page.getByRole("dialog");
    expect(await dialog.textContent()).toContain("production will serve v1 instead of v2");
    expect(
      await dialog.getByRole("button", { name: "Cancel" }).evaluate((it) => it === document.activeElement),
    ).toBe(true);
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await card.getByText("Rolled back to v1 by lee").first().waitFor();
    expect(await card.getByRole("button", { name: /Roll back/ }).count()).toBe(0);

    await card.getByRole("button", { name: "Not a regression" }).click();
    await dialog.getByLabel("Why is it no regression?").fill("a test of ours");
    await dialog.getByRole("button", { name: "Not a regression" }).click();
    await card.getByText("Marked as not a regression by lee: a test of ours").first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(errors).toEqual([]);
  },
  3 * TIMEOUT_MS,
);
