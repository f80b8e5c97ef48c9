import { createHmac } from "node:crypto";
import type { Clock, Message, Notifier } from "@plumbline/ports";
import { sendJson } from "./send-json.ts";

interface WebhookOptions {
  readonly url: string;
  /** Shared with the receiver, who proves by it that a request is ours. */
  readonly secret: string;
  readonly clock: Pick<Clock, "now">;
  /** Longest wait for one request, ms. */
  readonly timeoutMs?: number;
}

/**
 * Posts each revision of each incident to an address, as JSON of the form `incident.v1`.
 *
 * `X-Plumbline-Delivery` is the same for one revision however often it is sent: a receiver that has seen it ignores it.
 * `X-Plumbline-Signature` is `t=<seconds>,v1=<hex>`, the HMAC-SHA256 of `<seconds>.<body>` under the secret; a receiver
 * compares in constant time and refuses what is older than five minutes.
 */
export function createWebhookNotifier({ url, secret, clock, timeoutMs = 10_000 }: WebhookOptions): Notifier {
  /** Newest revision that was sent, by incident: one that comes late is dropped. */
  const sent = new Map<string, number>();

  async function send(message: Message, reply: string, signal: AbortSignal): Promise<void> {
    const { incident_id, revision } = message;
    if ((sent.get(incident_id) ?? 0) > revision) return;
    const body = JSON.stringify({ type: "incident.v1", ...message, reply });
    const seconds = Math.floor(clock.now() / 1_000);
    const signature = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
    const headers = {
      "x-plumbline-delivery": `${incident_id}.${revision}`,
      "x-plumbline-signature": `t=${seconds},v1=${signature}`,
    };
    await sendJson({ url, body, headers, timeoutMs, signal });
    sent.set(incident_id, revision);
  }

  return {
    name: "webhook",
    async post(message, { signal }) {
      await send(message, "", signal);
      return { ref: message.incident_id };
    },
    async update(_ref, message, reply, { signal }) {
      await send(message, reply, signal);
    },
    // Nothing can be looked for there: what may have arrived is sent again, under the same delivery.
    find: () => Promise.resolve(null),
  };
}
