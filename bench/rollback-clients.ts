/**
 * A process of the rollback bench: applications, each with a client of its own, that ask for the prompt all the time
 * and emit a call now and then. `rollback-fleet.ts` starts it and talks to it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type Client } from "@plumbline/client/node";
import { USE_CASE } from "../test/registry/commands.ts";
import type { FromClients, ToClients } from "./rollback-fleet.ts";

/** Between two looks of an application at its prompt, ms: what is measured is at most this much too long. */
const LOOK_MS = 10;

interface Application {
  readonly client: Client;
  version: string;
  /** When it first served `version`, ms since the epoch, as calls are dated. */
  since: number;
  hasCalled: boolean;
}

// Every client's emitter waits for the end of the process.
process.setMaxListeners(0);
const applications: Application[] = [];
let looksPerCall = 1;
let expected: string | null = null;
let isStopped = false;
let serving: Promise<void> = Promise.resolve();

function tell(message: FromClients): void {
  process.send?.(message);
}

process.on("message", (message: ToClients) => {
  switch (message.kind) {
    case "start":
      serving = start(message).then(serve);
      break;
    case "expect":
      expected = message.version;
      break;
    case "stop":
      isStopped = true;
      void serving.then(stop);
  }
});

async function start(given: ToClients & { kind: "start" }): Promise<void> {
  const { registries, collector, clients, callMs, sendMs } = given;
  looksPerCall = Math.max(1, Math.round(callMs / LOOK_MS));
  for (let i = 0; i < clients; i++) {
    const client = createClient({
      url: collector,
      registryUrl: registries[i % registries.length]!,
      app: "bench",
      useCases: [USE_CASE],
      // Thousands that start in one instant wait for one another; how long is not what is measured.
      firstWaitMs: 60_000,
      requestTimeoutMs: 60_000,
      // The registries are stopped on purpose, and a busy collector is asked again: what is lost is counted.
      onWarning: () => undefined,
      // No folder: two hundred applications on one disk would measure its syncs.
      telemetry: { flushIntervalMs: sendMs },
    });
    applications.push({ client, version: "", since: 0, hasCalled: false });
  }
}

async function serve(): Promise<void> {
  for (let look = 0; !isStopped; look++) {
    for (const [i, application] of applications.entries()) {
      const prompt = await application.client.prompt(USE_CASE);
      if (application.version !== prompt.version)
        Object.assign(application, { version: prompt.version, since: Date.now(), hasCalled: false });
      if ((look + i) % looksPerCall === 0) {
        application.client.emit({ ...prompt.tags, status: "ok", latency_ms: 0 });
        application.hasCalled = true;
      }
    }
    if (expected !== null && applications.every((each) => each.version === expected && each.hasCalled)) {
      expected = null;
      tell({ kind: "serving", since: applications.map(({ since }) => since) });
    }
    await sleep(LOOK_MS);
  }
}

async function stop(): Promise<void> {
  await Promise.all(applications.map(({ client }) => client.close()));
  const emitted = applications.reduce((sum, { client }) => sum + client.stats().emitter.emitted, 0);
  tell({ kind: "stopped", emitted });
  process.disconnect();
}
