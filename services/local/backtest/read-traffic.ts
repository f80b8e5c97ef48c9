/**
 * History as files: events, one JSON object a line, and optionally a plan of arrivals over them. Rows come in the order
 * of their time; both files are checked from end to end before anything is replayed.
 */
import { plainWords } from "@plumbline/schemas";
import { z } from "zod";
import { BadFileError } from "./bad-file.ts";
import { readLines } from "./read-lines.ts";

const count = z.number().int().nonnegative();
const instant = z.string().refine((value) => INSTANT.test(value) && !Number.isNaN(Date.parse(value)), {
  error: "must be a UTC time such as 2024-01-15T00:00:00.000Z",
});
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** One line of an events file. Null is what the source does not say. */
export const EventRow = z.object({
  ts: instant,
  use_case: z.string().min(1).max(200),
  prompt_version: z.string().min(1).max(200).nullable(),
  model: z.string().min(1).max(200).nullable(),
  input: z.string().nullable(),
  output: z.string().nullable(),
  prompt_tokens: count.nullable(),
  completion_tokens: count.nullable(),
  latency_ms: z.number().nonnegative().nullable(),
  label: z
    .looseObject({
      quality: z.number().min(0).max(1).nullish(),
      faithful: z.boolean().nullish(),
      spans: count.nullish(),
    })
    .nullable(),
  meta: z.record(z.string(), z.unknown()).default({}),
});
export type EventRow = z.output<typeof EventRow>;

/** One call to replay. */
export interface Arrival {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly prompt_version: string | null;
  readonly row: EventRow;
}

export interface TrafficFiles {
  readonly events: string;
  readonly arrivals?: string | undefined;
}

const ARRIVALS_HEADER = "ts,item_id,prompt_version,output_version";

/** @throws BadFileError, MissingFileError */
export async function* readTraffic({ events, arrivals }: TrafficFiles): AsyncGenerator<Arrival> {
  if (arrivals === undefined) {
    for await (const { row, at } of readEvents(events)) yield { at, prompt_version: row.prompt_version, row };
    return;
  }
  const rows = new Map<string, EventRow>();
  for await (const { row } of readEvents(events)) {
    const item = row.meta["item_id"];
    if (typeof item === "string") rows.set(keyOf(item, row.prompt_version ?? ""), row);
  }
  yield* readArrivals(arrivals, rows, events);
}

async function* readEvents(file: string): AsyncGenerator<{ row: EventRow; at: number }> {
  let before = -Infinity;
  for await (const { number, text } of readLines(file)) {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new BadFileError(
        file,
        number,
        "",
        `is not JSON: ${error instanceof Error ? error.message : "?"}`,
      );
    }
    const parsed = EventRow.safeParse(json, { error: plainWords });
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new BadFileError(file, number, issue.path.join("."), issue.message);
    }
    before = inOrder(file, number, parsed.data.ts, before);
    yield { row: parsed.data, at: before };
  }
  if (before === -Infinity) throw new BadFileError(file, 0, "", "holds no event");
}

async function* readArrivals(
  file: string,
  rows: ReadonlyMap<string, EventRow>,
  events: string,
): AsyncGenerator<Arrival> {
  let before = -Infinity;
  for await (const { number, text } of readLines(file)) {
    if (number === 1) {
      if (text.trim() !== ARRIVALS_HEADER)
        throw new BadFileError(file, 1, "", `must be "${ARRIVALS_HEADER}"`);
      continue;
    }
    const [ts = "", item = "", version = "", outputVersion = "", ...rest] = text.trim().split(",");
    if (rest.length > 0)
      throw new BadFileError(file, number, "", `must have four fields, ${ARRIVALS_HEADER}`);
    if (!instant.safeParse(ts).success) {
      throw new BadFileError(file, number, "ts", "must be a UTC time such as 2024-01-15T00:00:00.000Z");
    }
    if (version === "") throw new BadFileError(file, number, "prompt_version", "is empty");
    const row = rows.get(keyOf(item, outputVersion));
    if (row === undefined) {
      const why = `${events} has no event with meta.item_id "${item}" and prompt_version "${outputVersion}"`;
      throw new BadFileError(file, number, "item_id", why);
    }
    before = inOrder(file, number, ts, before);
    yield { at: before, prompt_version: version, row };
  }
  if (before === -Infinity) throw new BadFileError(file, 0, "", "holds no arrival");
}

function inOrder(file: string, line: number, ts: string, before: number): number {
  const at = Date.parse(ts);
  if (at < before)
    throw new BadFileError(file, line, "ts", "is earlier than the line before; sort the file by ts");
  return at;
}

function keyOf(item: string, version: string): string {
  return JSON.stringify([item, version]);
}
