/** From a promotion that overrides the gate to what people read: registry, log, notifier and inbox are the real ones. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openInboxNotifier, type Inbox, type InboxMessage } from "@plumbline/adapters/inbox/inbox";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { EventLog } from "@plumbline/ports";
import { encodeIncidentEvent, incidentId } from "@plumbline/alerts";
import { createLogger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import type { IncidentEvent, RegistryEvent } from "@plumbline/schemas";
import { expect, onTestFinished, test } from "vitest";
import {
  promoted,
  race,
  registered,
  rolledBack,
  toNewRecord,
  USE_CASE,
  versionOf,
} from "../../test/registry/commands.ts";
import { detection } from "../../alerts/detection.fixture.ts";
import { createRegistry } from "../registry/service.ts";
import { createNotifierService } from "./service.ts";

const logger = createLogger("test", "silent");
const settings = { runbooks_url: null, console_url: null };
/** A channel gets a message a second at most. */
const POLL = { interval: 20 };
const REASON = "the incident cannot wait for an eval";

async function place(): Promise<{ log: EventLog; dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), "plumbline-bypass-"));
  const log = createMemoryEventLog({ clock: systemClock });
  onTestFinished(async () => {
    await log.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { log, dir };
}

/** Registry and notifier as one process; `stop` as when it ends. */
async function start(log: EventLog, dir: string): Promise<{ inbox: Inbox; stop: () => Promise<void> }> {
  const inbox = await openInboxNotifier({ dir });
  const deps = { log, clock: systemClock, logger, settings };
  const notifier = createNotifierService({ ...deps, notifiers: [inbox] });
  const stops = [startRegistry(log), run(notifier)];
  return { inbox, stop: async () => void (await Promise.all(stops.map((stop) => stop()))) };
}

function startRegistry(log: EventLog): () => Promise<void> {
  return run(createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 10 }));
}

function run(service: Service): () => Promise<void> {
  const abort = new AbortController();
  const running = service.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  onTestFinished(stop);
  return stop;
}

const command = (log: EventLog, ...commands: readonly RegistryEvent[]): Promise<unknown> =>
  log.append("plumbline.registry", commands.map(toNewRecord));

const shown = ({ inbox }: { inbox: Inbox }): readonly InboxMessage["message"][] =>
  inbox.messages(null).map(({ message }) => message);

/** How often something was written to the incidents topic. */
async function count(log: EventLog, type: string): Promise<number> {
  const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 1_000 });
  return records.filter(({ value }) => Buffer.from(value).toString().includes(`"type":"${type}"`)).length;
}

test("a bypass is told once: who, what, what was overridden, why, and how to undo it", async () => {
  const { log, dir } = await place();
  const first = await start(log, dir);
  await command(
    log,
    ...race(["two"], new Date()),
    registered("three"),
    // The gate lets this one pass: the bypass overrides nothing.
    promoted("two", 1, { isBypass: true, reason: "not needed" }),
    // Refused: somebody was faster.
    promoted("three", 1, { isBypass: true, reason: "too late", actor: "bob" }),
    promoted("three", 2, { isBypass: true, reason: REASON, actor: "bob" }),
  );
  await expect.poll(() => count(log, "delivered"), POLL).toBe(1);
  const [message, ...others] = shown(first);
  expect(others).toEqual([]);
  expect(message).toMatchObject({
    severity: "SEV3",
    title: `${USE_CASE}: v3 live in production past the gate`,
    preview: expect.stringMatching(
      /^\[SEV3\] ticket-summary: bob put v3 live in production past the gate\. Undo: npx @plumbline\/cli rollback ticket-summary$/,
    ),
  });
  expect(message!.command).toBe(
    `npx @plumbline/cli rollback ticket-summary --reason ${message!.incident_id}`,
  );
  expect(message!.lines).toEqual([
    "Read why, or take v3 back.",
    `bob overrode the gate: ${REASON}`,
    expect.stringMatching(/^Overridden: Nobody evaluated ticket-summary@/),
    expect.stringMatching(/^Overridden: /),
  ]);

  await first.stop();
  const second = await start(log, dir);
  await command(log, promoted("one", 3, { isBypass: true, reason: "back by hand", env: "production" }));
  await expect.poll(() => count(log, "delivered"), POLL).toBe(2);
  expect(shown(second).map(({ lines }) => lines[1])).toEqual([
    "ann overrode the gate: back by hand",
    `bob overrode the gate: ${REASON}`,
  ]);
  expect(await count(log, "gate_bypassed")).toBe(2);
});

test("a bypass that nobody lived to tell is told by the next process, by two replicas still once", async () => {
  const { log, dir } = await place();
  await command(log, registered("one"), promoted("one", 0, { isBypass: true, reason: REASON }));
  const replicas = [await start(log, dir), await start(log, join(dir, "other"))];
  await expect.poll(() => count(log, "delivered"), POLL).toBe(1);
  // A second announcement of the first would be before the one of the next.
  await command(log, registered("two"), promoted("two", 1, { isBypass: true, reason: REASON }));
  await expect.poll(() => count(log, "delivered"), POLL).toBe(2);
  expect(replicas.flatMap(shown)).toHaveLength(2);
});

/** What the monitor asserts about a version that replaced "one". */
function regression(text: string, afterMs = 0): IncidentEvent {
  const at = new Date(Date.now() + afterMs).toISOString();
  return {
    type: "detected",
    incident_id: incidentId(`regression of ${text}`),
    at,
    actor: "monitor",
    detection: detection({
      tenant: "default",
      use_case: USE_CASE,
      candidate: { ...detection().candidate, prompt_version: versionOf(text) },
      incumbent: { ...detection().incumbent!, prompt_version: versionOf("one") },
      window: { start: new Date(Date.parse(at) - 3_600_000).toISOString(), end: at },
    }),
  };
}

test("a rollback changes the open regression and the bypass of that version, once, also after a restart", async () => {
  const { log, dir } = await place();
  const assert = (event: IncidentEvent): Promise<unknown> =>
    log.append("plumbline.incidents", [encodeIncidentEvent(event)]);
  const first = await start(log, dir);
  await command(
    log,
    ...race(["two"], new Date()),
    registered("three"),
    promoted("three", 1, { isBypass: true, reason: REASON, actor: "bob" }),
  );
  await assert(regression("three"));
  await assert(regression("other"));
  await expect.poll(() => count(log, "delivered"), POLL).toBe(3);
  const byId = (id: string): InboxMessage["message"] =>
    first.inbox.messages(null).find(({ message }) => message.incident_id === id)!.message;
  const { incident_id } = regression("three");
  expect(byId(incident_id).preview).toContain("Roll back to");

  await first.stop();
  // The rollback is in the log when nobody lives to tell it, then two registries do.
  await command(log, rolledBack(2, { actor: "policy", from: "three" }), rolledBack(2, { from: "three" }));
  startRegistry(log);
  const { inbox } = await start(log, dir);
  await expect.poll(() => count(log, "delivered"), POLL).toBe(5);
  // Told again by a replica that was slow.
  const records = await log.read("plumbline.incidents", 0, 0, { recordsMax: 1_000 });
  const told = records.find(({ value }) => Buffer.from(value).toString().includes('"type":"rolled_back"'))!;
  await log.append("plumbline.incidents", [{ key: told.key, value: told.value }]);
  await assert(regression("four"));
  await expect.poll(() => count(log, "delivered"), POLL).toBe(6);

  const blamed = inbox.messages(null).find(({ message }) => message.incident_id === incident_id)!;
  expect(blamed.message).toMatchObject({
    state: "watching",
    revision: 2,
    preview: expect.stringMatching(/Rolled back to v1 by policy \(\d+ \w+, \d\d:\d\d UTC\), watching\.$/),
  });
  expect(JSON.stringify(blamed.message)).not.toContain("Roll back to");
  expect(blamed.thread).toMatchObject([
    { text: expect.stringMatching(/ · Rolled back to v1 by policy: loses amounts\.$/) },
  ]);
  const closed = inbox.messages(null).find(({ message }) => message.title.includes("past the gate"))!;
  expect(closed.message).toMatchObject({
    state: "resolved",
    revision: 2,
    title: `${USE_CASE}: v3 taken back in production, put live past the gate`,
    preview: expect.stringMatching(/\. Taken back by policy$/),
  });
  expect(closed.message.command).toBeNull();
  expect(closed.thread).toMatchObject([{ text: expect.stringMatching(/v3 was taken back by policy/) }]);
  // Another version's regression is as it was.
  const { incident_id: other } = regression("other");
  expect(inbox.messages(null).find(({ message }) => message.incident_id === other)!.message).toMatchObject({
    state: "firing",
    revision: 1,
  });
});

test("a regression that somebody notices after the rollback does not ask for one", async () => {
  const { log, dir } = await place();
  const running = await start(log, dir);
  await command(log, ...race(["two"], new Date()), promoted("two", 1), rolledBack(2));
  await expect.poll(() => count(log, "rolled_back"), POLL).toBe(1);
  await log.append("plumbline.incidents", [encodeIncidentEvent(regression("two", -1_000))]);
  await expect.poll(() => count(log, "delivered"), POLL).toBe(1);
  expect(shown(running)).toMatchObject([
    { state: "watching", preview: expect.stringContaining("Rolled back to v1 by ann") },
  ]);
});
