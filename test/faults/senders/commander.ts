/** People who promote versions past the gate, and note which promotions the registry acknowledged. */
import { randomBytes } from "node:crypto";
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { documentOf, versionOf } from "../../registry/commands.ts";
import { post } from "./post.ts";

export interface Commanders {
  /** Reasons of the promotions, each one's own. */
  readonly sent: ReadonlySet<string>;
  readonly acknowledged: ReadonlySet<string>;
  /** Promotions that lost against another one of the same revision. */
  conflicts(): number;
  stop(): Promise<void>;
}

const TEXTS = ["one", "two"] as const;
/** Slack takes about one message a second, and each promotion past the gate is one. */
const REST_MS = 2_500;
/** The registry's history answers so many. */
const PROMOTIONS_MAX = 400;

/** Two commanders, each at a replica of its own, promote the same use case against each other. */
export async function startCommanders(useCase: string, urls: readonly string[]): Promise<Commanders> {
  const agent = new Agent({ keepAlive: true });
  const sent = new Set<string>();
  const acknowledged = new Set<string>();
  let conflicts = 0;
  let isStopped = false;

  const command = (url: string, path: string, body: object) =>
    post(agent, new URL(`/v1/use-cases/${useCase}/${path}`, url), JSON.stringify(body), {
      "content-type": "application/json",
      "x-plumbline-actor": "ann",
    });
  for (const text of TEXTS) {
    const registration = { prompt_version: versionOf(text, useCase), document: documentOf(text, useCase) };
    for (let status = 0; status !== 200 && status !== 201; await sleep(20))
      ({ status } = await command(urls[0]!, "versions", registration));
  }

  const lanes = urls.map(async (url) => {
    while (!isStopped && sent.size < PROMOTIONS_MAX) {
      const live = await liveOf(url, useCase);
      if (live !== null) {
        const next = TEXTS.find((text) => versionOf(text, useCase) !== live.version) ?? "one";
        const reason = `oracle ${randomBytes(6).toString("hex")}`;
        sent.add(reason);
        const answer = await command(url, "promote", {
          prompt_version: versionOf(next, useCase),
          expected_revision: live.revision,
          bypass: { reason },
        });
        if (answer.kind === "answered" && answer.status === 200) acknowledged.add(reason);
        if (answer.status === 409) conflicts += 1;
      }
      await sleep(REST_MS);
    }
  });
  return {
    sent,
    acknowledged,
    conflicts: () => conflicts,
    async stop() {
      isStopped = true;
      await Promise.all(lanes);
      agent.destroy();
    },
  };
}

/** What is live, or null while the registry is dead. */
async function liveOf(
  url: string,
  useCase: string,
): Promise<{ revision: number; version: string | null } | null> {
  try {
    const answer = await fetch(`${url}/v1/live?use_cases=${useCase}`);
    if (!answer.ok) return null;
    const { use_cases } = (await answer.json()) as {
      use_cases: Record<string, { revision: number; live: readonly { prompt_version: string }[] }>;
    };
    const known = use_cases[useCase];
    return { revision: known?.revision ?? 0, version: known?.live[0]?.prompt_version ?? null };
  } catch {
    return null;
  }
}

/** Reasons of the promotions that took effect, as often as they stand in the registry's history. */
export async function reasonsInHistory(url: string, useCase: string): Promise<readonly string[]> {
  const answer = await fetch(`${url}/v1/use-cases/${useCase}/history?limit=500`);
  if (!answer.ok) throw new Error(`history: ${answer.status} ${await answer.text()}`);
  const { entries } = (await answer.json()) as {
    entries: readonly { type: string; reason: string; outcome: { kind: string; changed?: boolean } }[];
  };
  return entries
    .filter(
      ({ type, outcome }) => type === "promoted" && outcome.kind === "accepted" && outcome.changed === true,
    )
    .map(({ reason }) => reason);
}
