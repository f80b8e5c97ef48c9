/** A registry where a prompt and its policy are live, and a collector: each can be killed and started again. */
import { systemClock } from "@plumbline/adapters/clock/system-clock";
import { createMemoryEventLog } from "@plumbline/adapters/memory/event-log";
import { policyHash } from "@plumbline/prompts";
import { createLogger } from "@plumbline/runtime/logger";
import { LlmCall, PolicyFile } from "@plumbline/schemas";
import { createCollector } from "@plumbline/services/collector/service";
import { createRegistry } from "@plumbline/services/registry/service";
import { expect } from "vitest";
import { documentOf, USE_CASE, versionOf } from "../registry/commands.ts";

export interface Infrastructure {
  readonly collectorUrl: string;
  readonly registryUrl: string;
  /** The hash of the live prompt. */
  readonly version: string;
  /** Waits until so many calls were stored since the last time, and returns all that were, in the order of their start. */
  newCalls(count: number): Promise<readonly LlmCall[]>;
  killRegistry(): Promise<void>;
  killCollector(): Promise<void>;
  /** At its former address. */
  startCollector(): Promise<void>;
  stop(): Promise<void>;
}

interface Running {
  readonly url: string;
  readonly kill: () => Promise<void>;
}

const TEXT = "Summarise.";

/** @param policy as its file has it, without `use_case` */
export async function startInfrastructure(policy: object): Promise<Infrastructure> {
  const logger = createLogger("test", "silent");
  const log = createMemoryEventLog({ clock: systemClock, partitions: 1 });
  const registry = await run(createRegistry({ log, clock: systemClock, logger, port: 0, followMs: 10 }));
  const startCollector = async (port: number): Promise<Running> =>
    run(createCollector({ log, clock: systemClock, logger, port }));
  let collector = await startCollector(0);
  const { url: collectorUrl } = collector;
  await publish(registry.url, policy);
  let seen = 0;
  return {
    collectorUrl,
    registryUrl: registry.url,
    version: versionOf(TEXT),
    async newCalls(count) {
      const stored = async () => log.read("plumbline.calls", 0, seen, { recordsMax: 1_000 });
      await expect.poll(async () => (await stored()).length).toBeGreaterThanOrEqual(count);
      const records = await stored();
      seen += records.length;
      const decoder = new TextDecoder();
      return records
        .map(({ value }) => LlmCall.parse(JSON.parse(decoder.decode(value))))
        .toSorted((a, b) => a.started_at.localeCompare(b.started_at));
    },
    killRegistry: registry.kill,
    killCollector: () => collector.kill(),
    async startCollector() {
      collector = await startCollector(Number(new URL(collectorUrl).port));
    },
    async stop() {
      await registry.kill();
      await collector.kill();
      await log.close();
    },
  };
}

async function run(service: {
  readonly url: Promise<string>;
  run(signal: AbortSignal): Promise<void>;
}): Promise<Running> {
  const abort = new AbortController();
  const running = service.run(abort.signal);
  return {
    url: await service.url,
    kill: async () => {
      abort.abort();
      await running;
    },
  };
}

async function publish(url: string, policy: object): Promise<void> {
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${url}/v1/use-cases/${USE_CASE}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-plumbline-actor": "ann" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };
  await post("versions", { prompt_version: versionOf(TEXT), document: documentOf(TEXT) });
  await post("promote", {
    prompt_version: versionOf(TEXT),
    expected_revision: 0,
    bypass: { reason: "the first one of a test" },
    reason: "test",
  });
  const parsed = PolicyFile.parse({ use_case: USE_CASE, ...policy });
  await post("policies", { policy: parsed, policy_hash: policyHash(parsed), expected_revision: 1 });
}
