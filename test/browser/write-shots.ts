/**
 * Pictures of the inbox with a card of every kind and of every state, light and dark, on a phone and on a desktop, to be looked
 * at: `npm run shots` writes them to `test/browser/shots`, which git ignores.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inboxHandler } from "@plumbline/adapters/inbox/handler";
import { openInboxNotifier, type Inbox } from "@plumbline/adapters/inbox/inbox";
import { foldIncident, type IncidentState, renderMessage, replySince } from "@plumbline/alerts";
import type { Detection, IncidentEvent } from "@plumbline/schemas";
import { chromium } from "playwright-core";
import { detection } from "../../alerts/detection.fixture.ts";
import { STORED_DETECTIONS } from "../../alerts/message/stored-detections.fixture.ts";

const SHOTS = fileURLToPath(new URL("shots/", import.meta.url));
const SETTINGS = { runbooks_url: "/runbooks", console_url: null };
const WIDTHS = [
  { name: "phone", width: 375 },
  { name: "desktop", width: 1_280 },
] as const;
const THEMES = ["light", "dark"] as const;
const AT = "2026-11-24T10:02:10.000Z";

/** The incident of the design, with everything that a card may hold. */
const FULL = detection({
  tenant: "default",
  candidate: { ...detection().candidate, number: 15 },
  incumbent: { ...detection().incumbent!, number: 14 },
  owner: "support-platform",
  change: {
    author: "ana",
    commit: "3fa9c1d0aa",
    is_same: false,
    fields: ["model"],
    lines_added: 1,
    lines_removed: 1,
    lines: [
      { op: "removed", text: "Keep every amount, date and name that matters to the request." },
      { op: "added", text: "Be extra careful with financial information." },
    ],
  },
  labels: { requests: "tickets" },
  evidence: {
    examples: [{ call_id: "new", score: 0.04, before_call_id: "old" }],
    normal: [{ name: "success rate", value: 0.9998, unit: "share", interval: [0.9995, 0.9999], n: 22_540 }],
    impact: { degraded_calls: 3_426, day_calls: 31_000 },
  },
});
const text = (call_id: string, output: string) =>
  [call_id, { call_id, started_at: AT, input: "I was charged 1,240.50 twice on 3 May.", output }] as const;
const TEXTS = new Map([
  text("new", "Customer reports a billing concern."),
  text("old", "Charged 1,240.50 twice on 3 May; wants one refunded."),
]);

type Later = IncidentEvent extends infer Each
  ? Each extends IncidentEvent
    ? Omit<Each, "incident_id" | "at" | "actor">
    : never
  : never;

const back = { ...FULL.incumbent!, units: 412, mean: 0.938, interval: [0.915, 0.961] as const };
/** What leads to each state. */
const STATES: readonly (readonly Later[])[] = [
  [],
  [{ type: "acknowledged" }],
  [{ type: "snoozed", until: "2026-11-24T14:00:00.000Z" }],
  [{ type: "recovered", cause: "rollback", current: { ...back, units: 37 } }],
  [{ type: "recovered", cause: "rollback", current: back }],
  [{ type: "dismissed", why: "the shorter answers are wanted" }],
];

function stateOf(of: Detection, later: readonly Later[], n: number): IncidentState {
  const head = { incident_id: `inc_${n.toString(16).padStart(16, "0")}`, at: AT, actor: "lee" };
  const first = foldIncident(null, { ...head, actor: "monitor", type: "detected", detection: of })!;
  return later.reduce((state, event) => foldIncident(state, { ...head, ...event } as IncidentEvent), first);
}

async function show(inbox: Inbox, states: readonly IncidentState[]): Promise<void> {
  const signal = new AbortController().signal;
  for (const state of states) {
    const message = renderMessage(state, SETTINGS, TEXTS, "full");
    const { ref } = await inbox.post({ ...message, revision: 0 }, { signal });
    await inbox.update(ref, message, replySince(state, 1), { signal });
  }
}

const kinds = [...new Map(STORED_DETECTIONS.map((each) => [each.evidence.measure, each])).values()];
const PAGES = [
  { name: "states", states: STATES.map((later, i) => stateOf(FULL, later, i)) },
  { name: "kinds", states: kinds.map((each, i) => stateOf(each, [], 100 + i)) },
];

await mkdir(SHOTS, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const { name, states } of PAGES) {
  const dir = await mkdtemp(join(tmpdir(), "plumbline-shots-"));
  const inbox = await openInboxNotifier({ dir });
  await show(inbox, states);
  const handle = inboxHandler(inbox);
  const server = createServer((request, response) => handle(request, response, null));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const theme of THEMES) {
    for (const { name: device, width } of WIDTHS) {
      const page = await browser.newPage({ colorScheme: theme, viewport: { width, height: 900 } });
      await page.goto(url);
      const path = join(SHOTS, `${name}-${theme}-${device}.png`);
      await page.screenshot({ path, fullPage: true });
      process.stdout.write(`${path}\n`);
      await page.close();
    }
  }
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true, force: true });
}
await browser.close();
