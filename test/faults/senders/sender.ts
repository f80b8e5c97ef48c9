/**
 * Applications that send calls and note what was acknowledged. They know where the collector is meant to be and nothing
 * of whether it lives: while it is dead they try again at once, as senders behind a load balancer would.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Batch, Ledger } from "../oracle/ledger.ts";

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
const ANSWER_MS = 30_000;
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
      const body = ledger.bodyOf(batch);
      for (let isOver = false; !isOver && !isStopped;) {
        const answer = await post(agent, target, body, batch);
        if (answer !== "unreached") batch.tries += 1;
        if (answer === "acknowledged") batch.outcome = answer;
        else await sleep(RETRY_MS);
        isOver = answer === "acknowledged" || (answer === "unanswered" && !repeats(lane));
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

/** Sends one batch once, and says whether all of it was acknowledged. */
export async function sendOnce(ledger: Ledger, url: string, calls: number): Promise<boolean> {
  const batch = ledger.issue(++numbersGiven, calls);
  const agent = new Agent();
  batch.tries = 1;
  const answer = await post(agent, new URL("/v1/calls", url), ledger.bodyOf(batch), batch);
  if (answer === "acknowledged") batch.outcome = answer;
  agent.destroy();
  return answer === "acknowledged";
}

/** `unreached`: nobody listened, so nothing was sent. Any other failure may have been stored. */
type Answer = "acknowledged" | "unanswered" | "unreached";

/** @throws Error when the collector answers that it took a part: the calls of the suite are all valid */
function post(agent: Agent, target: URL, body: string, batch: Batch): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(target, {
      agent,
      method: "POST",
      timeout: ANSWER_MS,
      headers: { "content-type": "application/x-ndjson", "content-length": Buffer.byteLength(body) },
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "ECONNREFUSED" ? "unreached" : "unanswered"),
    );
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => resolve("unanswered"));
      response.on("close", () => {
        if (response.statusCode !== 200 || !response.complete) return resolve("unanswered");
        const { accepted } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { accepted: number };
        if (accepted === batch.calls) resolve("acknowledged");
        else reject(new Error(`the collector took ${accepted} of ${batch.calls} valid calls`));
      });
    });
    outgoing.end(body);
  });
}
