/** An application whose second prompt version loses facts: what the judge, the monitor and the notifier must tell once. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { post } from "./post.ts";

export const QUALITY_USE_CASE = "oracle-quality";
const VERSIONS = { v1: `sha256:${"1".repeat(64)}`, v2: `sha256:${"2".repeat(64)}` } as const;
const CALLS = 25;
const REST_MS = 250;

interface Passage {
  readonly input: string;
  readonly v1: string;
  readonly v2: string;
}

export interface PassageSender {
  /** From now on this version answers. */
  deploy(version: keyof typeof VERSIONS): void;
  /** Calls of this version that the collector acknowledged. */
  acknowledged(version: keyof typeof VERSIONS): number;
  stop(): Promise<void>;
}

/** Sends at a steady pace; repeats a batch until it is acknowledged. */
export function startPassages(collectorUrl: string): PassageSender {
  const passages = gunzipSync(
    readFileSync(new URL("../../../examples/ticket-summary/fixtures/passages.jsonl.gz", import.meta.url)),
  )
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Passage);
  const agent = new Agent({ keepAlive: true });
  const acknowledged = { v1: 0, v2: 0 };
  let version: keyof typeof VERSIONS = "v1";
  let isStopped = false;
  let sent = 0;

  const sending = (async () => {
    while (!isStopped) {
      const answering = version;
      const lines = Array.from({ length: CALLS }, () => {
        const passage = passages[sent++ % passages.length]!;
        return JSON.stringify({
          call_id: randomUUID(),
          started_at: new Date().toISOString(),
          app: "oracle",
          use_case: QUALITY_USE_CASE,
          prompt_version: VERSIONS[answering],
          provider: "openai",
          model: "gpt-5-mini",
          status: "ok",
          latency_ms: 900,
          input: passage.input,
          output: passage[answering],
        });
      });
      for (let isTaken = false; !isTaken && !isStopped; await sleep(REST_MS)) {
        const answer = await post(agent, new URL("/v1/calls", collectorUrl), lines.join("\n"), {
          "content-type": "application/x-ndjson",
        });
        isTaken = answer.status === 200;
      }
      acknowledged[answering] += CALLS;
    }
  })();
  return {
    deploy(next) {
      version = next;
    },
    acknowledged: (of) => acknowledged[of],
    async stop() {
      isStopped = true;
      await sending;
      agent.destroy();
    },
  };
}
