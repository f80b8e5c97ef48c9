/**
 * The inbox page in a real browser: what on-call sees must render, fit a phone, follow changes by itself, and show
 * hostile text as text. Skips loudly where there is no Chromium.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inboxHandler } from "@plumbline/adapters/inbox/handler";
import { openInboxNotifier, type Inbox } from "@plumbline/adapters/inbox/inbox";
import { message } from "@plumbline/ports/notifier.contract";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

const CHROMIUM = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const hasBrowser = existsSync(CHROMIUM);
if (!hasBrowser) {
  process.stderr.write(
    `\n!!! SKIPPING the browser tests: no ${CHROMIUM}; install chromium, or set CHROMIUM_PATH.\n\n`,
  );
}

let browser: Browser;
let inbox: Inbox;
let url: string;
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (!hasBrowser) return;
  const dir = await mkdtemp(join(tmpdir(), "plumbline-inbox-"));
  const stop = new AbortController();
  inbox = await openInboxNotifier({ dir });
  const handle = inboxHandler(inbox, { signal: stop.signal });
  const server = createServer((request, response) => handle(request, response, null));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  cleanUp.push(
    () => rm(dir, { recursive: true, force: true }),
    () => new Promise((resolve) => server.close(resolve)),
    async () => stop.abort(),
    () => browser.close(),
  );
});
afterAll(async () => {
  for (const step of cleanUp.toReversed()) await step();
});

const options = { signal: new AbortController().signal };

test.skipIf(!hasBrowser)(
  "an incident appears on an open page without a reload, and its change too",
  async () => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (line) => line.type() === "error" && errors.push(line.text()));
    await page.goto(url);
    expect(await page.textContent("body")).toMatch(/no incidents/i);

    const shown = message({
      incident_id: "inc_live",
      title: "ticket-summary: faithfulness fell from 94.1% to 78.9% on v15",
    });
    const { ref } = await inbox.post(shown, options);
    await page.getByText("faithfulness fell from 94.1% to 78.9% on v15").first().waitFor({ timeout: 60_000 });
    await inbox.update(
      ref,
      {
        ...shown,
        revision: shown.revision + 1,
        state: "resolved",
        title: "ticket-summary: faithfulness is back",
      },
      "Resolved by v14.",
      options,
    );
    await page.getByText("faithfulness is back").first().waitFor({ timeout: 60_000 });
    expect(await page.textContent("body")).toMatch(/resolved/i);
    expect(errors).toEqual([]);
    await page.close();
  },
);

test.skipIf(!hasBrowser)("hostile text stays text", async () => {
  const page = await browser.newPage();
  const hostile = `<img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`;
  await inbox.post(
    message({ incident_id: "inc_hostile", title: hostile, lines: [hostile], preview: hostile }),
    options,
  );
  await page.goto(url);
  expect(await page.textContent("body")).toContain("<img src=x");
  expect(await page.title()).not.toBe("broken");
  await page.close();
});

test.skipIf(!hasBrowser)("the page fits a phone, in both colour schemes", async () => {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await browser.newPage({ viewport: { width: 375, height: 800 }, colorScheme });
    await page.goto(url);
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(content).toBeLessThanOrEqual(window!);
    await page.close();
  }
});
