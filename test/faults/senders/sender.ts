/**
 * Applications that send calls and note what was acknowledged. They know where the collector is meant to be and nothing
 * of whether it lives: while it is dead they try again at once, as senders behind a load balancer would.
 */
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Batch, Ledger, Outcome } from "../oracle/ledger.ts";
import { post } from "./post.ts";

export interface SendersOptions {
  readonly ledger: Ledger;
  /** Of the collector. */
  readonly url: string;
  readonly senders: number;
  readonly callsABatch: number;
  /**
   * Whether a sender repeats a batch until it is answered, as an emitter does, or goes on to the next one. What the
   * former sends is in the log several times.
   */
  readonly repeats: (sender: number) => boolean;
  /** Rest between two batches of one sender, ms. Default none. */
  readonly restMs?: number;
}

export interface Senders {
  /** Ends after the batches in flight; resolves once every sender rests. */
  stop(): Promise<void>;
}

const RETRY_MS = 5;
let numbersGiven = 0;

/** Starts senders that send until they are stopped. Each has a number of its own, whoever started it. */
export function startSenders(options: SendersOptions): Senders {
  const { ledger, senders, callsABatch, repeats, restMs = 0 } = options;
  const agent = new Agent({ keepAlive: true });
  const target = new URL("/v1/calls", options.url);
  let isStopped = false;

  const lanes = Array.from({ length: senders }, async (_, lane) => {
    const sender = ++numbersGiven;
    while (!isStopped) {
      const batch = ledger.issue(sender, callsABatch);
      const body = ledger.linesOf(batch).join("\n");
      for (let isOver = false; !isOver && !isStopped;) {
        const outcome = await send(agent, target, body, batch);
        if (outcome !== "acknowledged") await sleep(RETRY_MS);
        isOver = outcome === "acknowledged" || (outcome === "unanswered" && !repeats(lane));
      }
      if (restMs > 0) await sleep(restMs);
    }
  });
  return {
    async stop() {
      isStopped = true;
      await Promise.all(lanes);
      agent.destroy();
    },
  };
}

/** A batch of a sender of its own, not sent yet. */
export function newBatch(ledger: Ledger, calls: number): Batch {
  return ledger.issue(++numbersGiven, calls);
}

/** Sends a batch once, and says whether all of it was acknowledged. */
export async function sendBatch(url: string, batch: Batch, lines: readonly string[]): Promise<boolean> {
  const agent = new Agent();
  const outcome = await send(agent, new URL("/v1/calls", url), lines.join("\n"), batch);
  agent.destroy();
  return outcome === "acknowledged";
}

/** Sends one new batch once, and says whether all of it was acknowledged. */
export function sendOnce(ledger: Ledger, url: string, calls: number): Promise<boolean> {
  const batch = newBatch(ledger, calls);
  return sendBatch(url, batch, ledger.linesOf(batch));
}

const NDJSON = { "content-type": "application/x-ndjson" };

/**
 * What became of one try of a batch.
 *
 * @throws Error when the collector answers that it took a part: the calls of the suite are all valid
 */
async function send(agent: Agent, target: URL, body: string, batch: Batch): Promise<Outcome | "unreached"> {
  const answer = await post(agent, target, body, NDJSON);
  if (answer.kind === "unreached") return "unreached";
  batch.tries += 1;
  if (answer.kind === "unanswered" || answer.status !== 200) return "unanswered";
  const { accepted } = JSON.parse(answer.body) as { accepted: number };
  if (accepted !== batch.calls)
    throw new Error(`the collector took ${accepted} of ${batch.calls} valid calls`);
  batch.outcome = "acknowledged";
  return "acknowledged";
}
