import { oneReadAtATime, readPages, type Clock, type EventLog } from "@plumbline/ports";
import { ERASURES_TOPIC } from "@plumbline/schemas";
import { ErasureList } from "./erasure-list.ts";

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
  let readAt = Number.NEGATIVE_INFINITY;
  const catchUp = oneReadAtATime(async () => {
    const now = clock.now();
    const from = { from: list.next_offset, recordsMax: READ_MAX };
    for await (const records of readPages(log, ERASURES_TOPIC, PARTITION, from)) {
      for (const record of records) list.fold(record);
    }
    readAt = now;
  });

  return {
    list,
    catchUp,
    async refresh() {
      if (clock.now() - readAt >= FOLLOW_MS) await catchUp();
    },
  };
}
