/**
 * The topics of the log: names, partition counts, retention. `infra/kafka` creates them from this file, and a
 * service checks them at start: a topic with the wrong shape loses order or history silently.
 */
import { DAY_MS } from "./time.ts";

/** Topics that several rooms read from their first record, in one partition. */
export const REGISTRY_TOPIC = "plumbline.registry";
export const DEAD_LETTERS_TOPIC = "plumbline.calls.dead_letter";
export const KEYS_TOPIC = "plumbline.keys";
export const ERASURES_TOPIC = "plumbline.erasures";

interface TopicSpec {
  /** Partitions on Kafka. Local mode, with one writer, keeps one partition of everything. */
  readonly partitions: number;
  /** Milliseconds that a record is kept; -1 keeps it for ever. */
  readonly retention_ms: number;
  /** Largest record, bytes. */
  readonly record_bytes_max: number;
  readonly purpose: string;
}

const MIB = 1_048_576;

export const TOPICS = {
  "plumbline.calls": {
    partitions: 4,
    retention_ms: 7 * DAY_MS,
    record_bytes_max: MIB,
    purpose: "call events, keyed by call_id",
  },
  "plumbline.calls.dead_letter": {
    partitions: 1,
    retention_ms: 30 * DAY_MS,
    record_bytes_max: 2 * MIB,
    purpose: "records that can't become rows, with the reason",
  },
  "plumbline.verdicts": {
    partitions: 2,
    retention_ms: 30 * DAY_MS,
    record_bytes_max: MIB,
    purpose: "what the judge decided, keyed by call_id",
  },
  "plumbline.feedback": {
    partitions: 1,
    retention_ms: 30 * DAY_MS,
    record_bytes_max: MIB,
    purpose: "what people said about calls",
  },
  "plumbline.registry": {
    partitions: 1,
    retention_ms: -1,
    record_bytes_max: MIB,
    purpose: "commands to the registry; its state is the fold",
  },
  "plumbline.incidents": {
    partitions: 1,
    retention_ms: -1,
    record_bytes_max: MIB,
    purpose: "detections and what people did about them",
  },
  "plumbline.keys": {
    partitions: 1,
    retention_ms: -1,
    record_bytes_max: MIB,
    purpose: "API keys made, revoked and used, without their secrets; which keys exist is the fold",
  },
  "plumbline.erasures": {
    partitions: 1,
    retention_ms: -1,
    record_bytes_max: MIB,
    purpose:
      "what people asked to erase, by hash, and what was removed; the writer keeps it from coming back",
  },
  "plumbline.schedule": {
    partitions: 16,
    retention_ms: DAY_MS,
    record_bytes_max: MIB,
    purpose: "its partitions divide the use cases among job replicas",
  },
} as const satisfies Record<string, TopicSpec>;

export type Topic = keyof typeof TOPICS;
export const TOPIC_NAMES = Object.keys(TOPICS) as readonly Topic[];
