/** Follows the keys topic, so that every process that asks for keys knows the same ones within a second. */
import {
  type Clock,
  ConfigError,
  type EventLog,
  isLogAway,
  oneReadAtATime,
  readPages,
  writeEvent,
} from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import type { Service } from "@plumbline/runtime/run";
import { supervise } from "@plumbline/runtime/supervise";
import { type KeyEvent, KEYS_TOPIC } from "@plumbline/schemas";
import { KeyBook } from "./key-book.ts";

const PARTITION = 0;
const READ_MAX = 1_000;
const FOLLOW_MS = 1_000;
const BACKOFF_MS_MAX = 30_000;

export interface KeyDirectory extends Service {
  readonly book: KeyBook;
  /** True once everything that the log held at the start was folded. */
  readonly isLoaded: boolean;
  /** Reads the log to its end. @throws LogError when it is away */
  catchUp(): Promise<void>;
  /** Like `catchUp`, at most once a second over all callers and without a fault: for a key that is not known yet. */
  refresh(): Promise<void>;
  /** Resolves when `event` is durable and folded here. @throws LogError when the log is away */
  record(event: KeyEvent): Promise<void>;
  /** Notes in the background that a key was used today. */
  noteUse(key_id: string): void;
}

interface KeyDirectoryOptions {
  readonly log: Pick<EventLog, "append" | "read">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Service that asks for the keys, for the message when there is none. */
  readonly service: string;
  /** A process that has another key, such as one of its environment, may start without one on the log. Default true. */
  readonly needsKey?: boolean;
  /** Default 1,000. */
  readonly followMs?: number;
}

/** `run` rejects with a ConfigError when a key is needed and the log has none that holds. */
export function createKeyDirectory(options: KeyDirectoryOptions): KeyDirectory {
  const { log, clock, logger, service, needsKey = true, followMs = FOLLOW_MS } = options;
  const book = new KeyBook();
  const noted = new Map<string, string>();
  let isLoaded = false;
  let refreshedAt = Number.NEGATIVE_INFINITY;

  const catchUp = oneReadAtATime(async () => {
    const from = { from: book.next_offset, recordsMax: READ_MAX };
    for await (const records of readPages(log, KEYS_TOPIC, PARTITION, from)) {
      for (const record of records) book.fold(record);
    }
    isLoaded = true;
  });

  async function record(event: KeyEvent): Promise<void> {
    await log.append(KEYS_TOPIC, [{ key: event.key_id, value: writeEvent(event) }]);
    await catchUp();
  }

  return {
    name: "keys",
    book,
    get isLoaded() {
      return isLoaded;
    },
    catchUp,
    async refresh() {
      const now = clock.now();
      if (now - refreshedAt < followMs) return;
      refreshedAt = now;
      await catchUp().catch(() => undefined);
    },
    record,
    noteUse(key_id) {
      const on = new Date(clock.now()).toISOString().slice(0, 10);
      const known = book.get(key_id)?.last_used_on ?? "";
      if (on <= known || noted.get(key_id) === on) return;
      noted.set(key_id, on);
      const value = writeEvent({ type: "used", key_id, on } satisfies KeyEvent);
      log.append(KEYS_TOPIC, [{ key: key_id, value }]).catch((error: unknown) => {
        // It is for people who tidy up keys; the request itself is served.
        noted.delete(key_id);
        logger.debug({ err: error, key_id }, "keys.use_not_noted");
      });
    },
    async run(signal) {
      let isChecked = !needsKey;
      const turn = async (): Promise<void> => {
        await catchUp();
        if (!isChecked && !book.hasActive(clock.now())) throw noKey(service);
        isChecked = true;
      };
      await supervise(turn, {
        clock,
        signal,
        everyMs: followMs,
        waitMsMax: BACKOFF_MS_MAX,
        isRetryable: isLogAway,
        onFailed: (error, failures) => {
          if (failures === 1) logger.warn({ err: error }, "keys.log_away");
        },
      });
    },
  };
}

function noKey(service: string): ConfigError {
  return new ConfigError(
    `the ${service} asks for API keys and there is none: set PLUMBLINE_ADMIN_KEY on the registry, make keys with \`plumbline keys create\`, then start this again`,
  );
}
