import { Kafka, logLevel, type Producer, type ProducerRecord } from "kafkajs";
import { expect, test } from "vitest";
import { createEmitter } from "./emitter.ts";
import { createKafkaTransport } from "./kafka.ts";

const CALL = { use_case: "ticket-summary", model: "gpt-5-mini", status: "ok", latency_ms: 800 } as const;

/** A client whose producer is replaced at the edge where the network begins. */
function fakeKafka(send: (record: ProducerRecord) => Promise<void>): Pick<Kafka, "producer"> {
  return {
    producer: () =>
      ({
        connect: async () => undefined,
        disconnect: async () => undefined,
        send: async (record: ProducerRecord) => {
          await send(record);
          return [];
        },
      }) as unknown as Producer,
  };
}

test("events are published keyed by call_id, acknowledged by all replicas", async () => {
  const records: ProducerRecord[] = [];
  const kafka = fakeKafka(async (record) => void records.push(record));
  const emitter = createEmitter({
    app: "support",
    transport: createKafkaTransport({ kafka, tenant: "team-a" }),
  });
  emitter.emit(CALL);
  expect((await emitter.close()).acknowledged).toBe(1);

  expect(records).toMatchObject([{ topic: "plumbline.calls", acks: -1 }]);
  const [message] = records[0]!.messages;
  const call = JSON.parse(String(message!.value)) as { call_id: string };
  expect(message).toMatchObject({ key: call.call_id, headers: { tenant: "team-a" } });
});

test.each([
  { name: "a broker that is away", error: new Error("ECONNREFUSED"), kind: "retry" },
  {
    name: "a batch over the broker's limit",
    error: Object.assign(new Error("large"), { code: 10 }),
    kind: "too_large",
  },
  {
    name: "wrong credentials",
    error: Object.assign(new Error("no"), { name: "KafkaJSSASLAuthenticationError" }),
    kind: "refused",
  },
])("$name is $kind", async ({ error, kind }) => {
  const transport = createKafkaTransport({ kafka: fakeKafka(async () => Promise.reject(error)) });
  const sent = transport.send([{ call_id: "1", json: "{}" }], { signal: new AbortController().signal });
  expect(await sent).toMatchObject({ kind });
});

test("without a broker, kafkajs itself gives up at once and the emitter keeps the event", async () => {
  const kafka = new Kafka({ brokers: ["127.0.0.1:1"], logLevel: logLevel.NOTHING, connectionTimeout: 500 });
  const emitter = createEmitter({
    app: "support",
    transport: createKafkaTransport({ kafka }),
    onWarning: () => undefined,
  });
  emitter.emit(CALL);
  await emitter.flush(300);
  expect(emitter.stats().queue_events).toBe(1);
  await emitter.close(10);
});
