import type { Clock, EventLog } from "@plumbline/ports";
import { ErasureList } from "./erasure-list.ts";

export const ERASURES_TOPIC = "plumbline.erasures";
const PARTITION = 0;
const READ_MAX = 1_000;
/** How old the list may be where records are written, ms. An erasure is carried out later than that. */
export const FOLLOW_MS = 1_000;

export interface ErasureFollower {
  readonly list: ErasureList;
  /** Reads the topic to its end. @throws LogError when the log is away */
  catchUp(): Promise<void>;
  /** Like `catchUp`, when the last time was `FOLLOW_MS` ago or more. */
  refresh(): Promise<void>;
}

export function createErasureFollower(log: Pick<EventLog, "read">, clock: Clock): ErasureFollower {
  const list = new ErasureList();
  let reading: Promise<void> = Promise.resolve();
  let readAt = Number.NEGATIVE_INFINITY;

  async function readToEnd(): Promise<void> {
    const now = clock.now();
    for (;;) {
      const records = await log.read(ERASURES_TOPIC, PARTITION, list.next_offset, { recordsMax: READ_MAX });
      for (const record of records) list.fold(record);
      if (records.length === 0) break;
    }
    readAt = now;
  }

  function catchUp(): Promise<void> {
    const mine = reading.catch(() => undefined).then(readToEnd);
    reading = mine;
    mine.catch(() => undefined);
    return mine;
  }

  return {
    list,
    catchUp,
    async refresh() {
      if (clock.now() - readAt >= FOLLOW_MS) await catchUp();
    },
  };
}
