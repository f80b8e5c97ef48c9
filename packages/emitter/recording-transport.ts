import type { LlmCall } from "./llm-call.ts";
import type { OutgoingCall, SendResult, Transport } from "./transport.ts";

export interface RecordingTransport extends Transport {
  /** Every event that was accepted, in order, as a receiver would parse it. */
  readonly calls: readonly LlmCall[];
  /** Sizes of all batches, including those not accepted. */
  readonly batchSizes: readonly number[];
}

/**
 * A transport for tests of applications: keeps what it is sent, needs no network.
 *
 * @param answer decides about each batch; by default everything is accepted
 */
export function createRecordingTransport(
  answer: (batch: readonly OutgoingCall[]) => SendResult | Promise<SendResult> = (batch) => ({
    kind: "accepted",
    accepted: batch.length,
  }),
): RecordingTransport {
  const calls: LlmCall[] = [];
  const batchSizes: number[] = [];
  return {
    calls,
    batchSizes,
    async send(batch) {
      batchSizes.push(batch.length);
      const result = await answer(batch);
      if (result.kind === "accepted") {
        for (const { json } of batch.slice(0, result.accepted)) calls.push(JSON.parse(json) as LlmCall);
      }
      return result;
    },
  };
}
