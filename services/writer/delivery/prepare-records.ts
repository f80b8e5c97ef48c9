import type { LogRecord, Origin } from "@plumbline/ports";
import type { RejectedInTurn } from "./dead-letters.ts";
import type { Destination, Outcome } from "./destination.ts";
import { withRecordTime } from "./record-time.ts";

/** Records prepared in one turn of the event loop. */
const TURN_RECORDS = 500;

interface Prepared<Row> {
  readonly rows: readonly Row[];
  readonly rejected: readonly RejectedInTurn[];
  readonly duplicates: number;
  /** Records after the last rejected one. */
  readonly acceptedAfter: number;
}

/**
 * Makes rows of records. One that makes our own code fail is a rejected record like any other, and its neighbours are
 * rows.
 *
 * @param at when the batch was first written, ms: the time of records that have none
 */
export async function prepareRecords<Row extends Origin, State>(
  records: readonly LogRecord[],
  destination: Pick<Destination<Row, State>, "prepare">,
  state: State,
  at: number,
): Promise<Prepared<Row>> {
  const rows: Row[] = [];
  const rejected: RejectedInTurn[] = [];
  let duplicates = 0;
  let accepted = 0;
  for (const [i, record] of records.entries()) {
    const outcome = prepareOne(record, destination, state, at);
    if (outcome.kind === "rejected") {
      const { reason, detail } = outcome;
      rejected.push({ record, reason, detail, acceptedBefore: accepted });
      accepted = 0;
    } else {
      if (outcome.kind === "row") rows.push(outcome.row);
      else duplicates += 1;
      accepted += 1;
    }
    // Preparing a whole block would hold the event loop, and with it the collector, for a third of a second.
    if ((i + 1) % TURN_RECORDS === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { rows, rejected, duplicates, acceptedAfter: accepted };
}

function prepareOne<Row extends Origin, State>(
  record: LogRecord,
  destination: Pick<Destination<Row, State>, "prepare">,
  state: State,
  at: number,
): Outcome<Row> {
  try {
    return destination.prepare(withRecordTime(record, at), state);
  } catch (error) {
    const name = error instanceof Error ? error.name : "unknown";
    // Not the message: it may quote the record.
    return { kind: "rejected", reason: `exception:${name}`, detail: `${name} while the record became a row` };
  }
}
