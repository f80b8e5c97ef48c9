import type * as kafkajs from "kafkajs";
import type { Kafka, Producer } from "kafkajs";
import type { SendResult, Transport } from "./transport.ts";

export interface KafkaTransportOptions {
  /** host:port list; or give `kafka`. */
  readonly brokers?: readonly string[];
  /** An instance with your own TLS, SASL and logging. */
  readonly kafka?: Pick<Kafka, "producer">;
  /** Default `plumbline.calls`. */
  readonly topic?: string;
  /** Written on each record, as the collector writes it from the credential. Default `default`. */
  readonly tenant?: string;
  readonly clientId?: string;
}

/**
 * Publishes events straight to the log, past the collector, keyed by `call_id`. Acknowledged means written to all
 * in-sync replicas. For applications that run beside the brokers; nothing validates the events before the writer
 * does, so what it can't read ends in the dead-letter topic.
 *
 * Needs `kafkajs`, which is loaded at the first send.
 */
export function createKafkaTransport(options: KafkaTransportOptions): Transport {
  const { topic = "plumbline.calls", tenant = "default" } = options;
  let producer: Promise<Producer> | undefined;

  return {
    async send(batch): Promise<SendResult> {
      try {
        producer ??= connect(options);
        const connected = await producer;
        await connected.send({
          topic,
          acks: -1,
          messages: batch.map(({ call_id, json }) => ({ key: call_id, value: json, headers: { tenant } })),
        });
        return { kind: "accepted", accepted: batch.length };
      } catch (error) {
        return toResult(error);
      }
    },
    async close() {
      const connecting = producer;
      producer = undefined;
      await (await connecting)?.disconnect();
    },
  };

  async function connect({
    brokers,
    kafka,
    clientId = "plumbline-emitter",
  }: KafkaTransportOptions): Promise<Producer> {
    try {
      const { Kafka: KafkaClient, Partitioners, logLevel } = await loadKafka();
      const client =
        kafka ?? new KafkaClient({ clientId, brokers: [...(brokers ?? [])], logLevel: logLevel.NOTHING });
      // The emitter retries, with the batch back in its bounded queue. No retry around a retry.
      const created = client.producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        retry: { retries: 0 },
      });
      await created.connect();
      return created;
    } catch (error) {
      producer = undefined;
      throw error;
    }
  }
}

/** Broker error codes: MESSAGE_TOO_LARGE and RECORD_LIST_TOO_LARGE. */
const TOO_LARGE_CODES: ReadonlySet<unknown> = new Set([10, 18]);

function toResult(error: unknown): SendResult {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  if (TOO_LARGE_CODES.has(code)) return { kind: "too_large" };
  const detail = String(message);
  // Wrong credentials don't heal by waiting.
  if (name === "KafkaJSSASLAuthenticationError") return { kind: "refused", detail };
  return { kind: "retry", afterMs: null, detail };
}

type KafkaModule = Pick<typeof kafkajs, "Kafka" | "Partitioners" | "logLevel">;

/** CommonJS seen from an ES module: its names are on `default`, and not always beside it. */
async function loadKafka(): Promise<KafkaModule> {
  const module: KafkaModule & { default?: KafkaModule } = await import("kafkajs");
  return module.default ?? module;
}
