/**
 * Dead letters as rows: what an analyst counts them by. The bytes stay in the log.
 *
 * Everything in the topic becomes a row, whatever it is: a record refused here would be a dead letter of a dead letter.
 */
import type { DeadLetterRow, LogRecord } from "@plumbline/ports";
import { DEAD_LETTERS_TOPIC, REDRIVEN_BY, VALUE_BYTES } from "@plumbline/schemas";
import type { Destination } from "./delivery/destination.ts";
import { storedIn, type DestinationDeps } from "./delivery/stored-in.ts";

const NAME_CHARS_MAX = 200;
const DETAIL_CHARS_MAX = 512;
/** A record is looked into for its sender up to this size; what we made ourselves is smaller. */
const LOOK_BYTES_MAX = 1_048_576;

export function deadLetterDestination(deps: DestinationDeps): Destination<DeadLetterRow, null> {
  return {
    ...storedIn("dead_letters", DEAD_LETTERS_TOPIC, deps),
    memoryOffsets: 0,
    createState: () => null,
    remember: async () => undefined,
    insert: (rows) => deps.store.insertDeadLetters(rows),
    prepare: (record) => ({
      kind: "row",
      row: { ...toDeadLetterRow(record), log_epoch: deps.logEpoch },
    }),
  };
}

/** toDeadLetterRow reads a record of the dead-letter topic; what is missing or malformed in it becomes an empty value. */
function toDeadLetterRow(record: LogRecord): DeadLetterRow {
  const { headers } = record;
  const isNote = headers[REDRIVEN_BY] !== undefined;
  const written = timeAt(record.timestamp) ?? new Date(EARLIEST_MS).toISOString();
  return {
    topic: textOf(headers["topic"]),
    partition: indexOf(headers["partition"], 65_535),
    offset: indexOf(headers["offset"], Number.MAX_SAFE_INTEGER),
    type: isNote ? "redriven" : "dead_letter",
    tenant: textOf(headers["tenant"] ?? "default"),
    ...(isNote ? NOBODY : senderOf(record.value)),
    reason: textOf(headers["reason"]) || "unknown",
    detail: textOf(headers["detail"], DETAIL_CHARS_MAX),
    bytes: indexOf(headers[VALUE_BYTES], Number.MAX_SAFE_INTEGER) || record.value.length,
    first_seen: timeOf(headers["first_seen"], written),
    redriven_by: textOf(headers[REDRIVEN_BY]),
    log_partition: record.partition,
    log_offset: record.offset,
    ingested_at: written,
  };
}

type Sender = Pick<DeadLetterRow, "app" | "emitter_id" | "sequence">;
const NOBODY: Sender = { app: "", emitter_id: "", sequence: null };

function senderOf(value: Uint8Array): Sender {
  if (value.length > LOOK_BYTES_MAX) return NOBODY;
  try {
    const event: unknown = JSON.parse(new TextDecoder().decode(value));
    if (typeof event !== "object" || event === null) return NOBODY;
    const { app, emitter_id, sequence } = event as Record<string, unknown>;
    return {
      app: typeof app === "string" ? textOf(app) : "",
      emitter_id: typeof emitter_id === "string" ? textOf(emitter_id) : "",
      sequence: Number.isSafeInteger(sequence) && (sequence as number) >= 0 ? (sequence as number) : null,
    };
  } catch {
    return NOBODY;
  }
}

/** Text that the store surely takes: bounded, and without half a surrogate pair. */
function textOf(text: string | undefined, charsMax = NAME_CHARS_MAX): string {
  return Buffer.from((text ?? "").slice(0, charsMax), "utf8").toString("utf8");
}

function indexOf(text: string | undefined, most: number): number {
  const value = Number(text);
  return text !== undefined && /^\d+$/.test(text) && value <= most ? value : 0;
}

/** A time that the column holds; foreign producers write what they like. */
function timeOf(text: string | undefined, otherwise: string): string {
  return timeAt(Date.parse(text ?? "")) ?? otherwise;
}

function timeAt(ms: number): string | null {
  return ms >= EARLIEST_MS && ms < LATEST_MS ? new Date(ms).toISOString() : null;
}

const EARLIEST_MS = Date.parse("2000-01-01T00:00:00Z");
const LATEST_MS = Date.parse("2200-01-01T00:00:00Z");
