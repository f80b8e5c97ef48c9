/** From a promotion that overrides the gate to what people read: registry, log, notifier and inbox are the real ones. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { openInboxNotifier, type Inbox } from "@plumbline/adapters/inbox/inbox";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import type { EventLog, Message } from "@plumbline/ports";
import { createLogger } from "@plumbline/runtime/logger";
import type { RegistryEvent } from "@plumbline/schemas";
import { expect, onTestFinished, test } from "vitest";
import { promoted, race, registered, toNewRecord, USE_CASE } from "../../test/registry/commands.ts";
import { createRegistry } from "../registry/service.ts";
import { createNotifierService } from "./service.ts";

const logger = createLogger("test", "silent");
const links = { runbooks_url: null, console_url: null };
/** A channel gets a message a second at most. */
const POLL = { timeout: 10_000, interval: 20 };
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
  const registry = createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 10 });
  const deps = { log, clock: systemClock, logger, links };
  const notifier = createNotifierService({ ...deps, notifiers: [inbox] });
  const abort = new AbortController();
  const running = Promise.all([registry.run(abort.signal), notifier.run(abort.signal)]);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  onTestFinished(stop);
  return { inbox, stop };
}

const command = (log: EventLog, ...commands: readonly RegistryEvent[]): Promise<unknown> =>
  log.append("plumbline.registry", commands.map(toNewRecord));

const shown = ({ inbox }: { inbox: Inbox }): readonly Message[] =>
  inbox.messages().map(({ message }) => message);

/** How often something was written to the incidents topic. */
async function count(log: EventLog, type: string): Promise<number> {
  const records = await log.read("plumbline.incidents", 0, 0, 1_000);
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
      /^\[SEV3\] ticket-summary: bob put v3 live in production past the gate \(eval_missing, .*\)\. Undo: plumbline rollback ticket-summary$/,
    ),
  });
  expect(message!.lines).toEqual([
    `bob overrode the gate: ${REASON}`,
    expect.stringMatching(/^Overridden: Nobody evaluated ticket-summary@/),
    expect.stringMatching(/^Overridden: /),
    `Undo: plumbline rollback ticket-summary --reason "${message!.incident_id}"`,
  ]);

  await first.stop();
  const second = await start(log, dir);
  await command(log, promoted("one", 3, { isBypass: true, reason: "back by hand", env: "production" }));
  await expect.poll(() => count(log, "delivered"), POLL).toBe(2);
  expect(shown(second).map(({ lines }) => lines[0])).toEqual([
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
