/**
 * Follows the registry topic into the state: from the first record at the start, then as records arrive.
 *
 * It reads without a group, because every replica needs every record: nothing has to be joined or left behind, and
 * each successful read says how old the state can be at most.
 */
import {
  type Clock,
  type EventLog,
  isLogAway,
  LogError,
  type LogRecord,
  oneReadAtATime,
} from "@plumbline/ports";
import type { Logger } from "@plumbline/runtime/logger";
import { foldRecord, logIdOf, type Folded } from "@plumbline/registry-fold/fold";
import type { Outcome, RegistryState } from "@plumbline/registry-fold/state";
import { supervise } from "@plumbline/runtime/supervise";
import { REGISTRY_TOPIC } from "@plumbline/schemas";

const PARTITION = 0;
const READ_MAX = 1_000;
/** Between two looks for one's own record, ms. A read that follows an append finds it almost always. */
const OWN_RECORD_MS = 10;
const BACKOFF_MS_MAX = 2_000;

export interface LogFollower {
  /** True once everything that the log held at the start was folded. */
  readonly isLoaded: boolean;
  /** When the log was last read to its end, by the clock; null before the first time. */
  readonly readAt: number | null;
  /** Resolves when `isLoaded`. */
  readonly loaded: Promise<void>;
  /** Reads the log to its end. @throws LogError when it is away */
  catchUp(): Promise<void>;
  /**
   * The outcome of the record at `offset`, once it is folded; null when it was not within `timeoutMs`. Ask for one's
   * own record right after its append: outcomes are kept only for those who wait.
   */
  outcomeAt(offset: number, timeoutMs: number): Promise<Outcome | null>;
  /** Follows until `signal` aborts. Outages are waited out; a topic of the wrong shape is a fault. */
  run(signal: AbortSignal): Promise<void>;
}

interface FollowDeps {
  readonly log: Pick<EventLog, "read" | "watermarks">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly state: RegistryState;
  /** How often a quiet log is looked at, ms. */
  readonly followMs: number;
  /** At every look at the log, also at one that fails. */
  readonly onTurn?: () => void;
  /** After each batch of records. */
  readonly onFolded: (folded: readonly Folded[]) => void;
}

export function createLogFollower(deps: FollowDeps): LogFollower {
  const { log, clock, logger, state, followMs, onFolded, onTurn } = deps;
  const recent = new Map<number, Outcome>();
  let readAt: number | null = null;
  let isLoaded = false;
  let setLoaded!: () => void;
  const loaded = new Promise<void>((resolve) => {
    setLoaded = resolve;
  });
  /** A rule that throws is a defect: nothing may be folded past the record. */
  let defect: { readonly cause: unknown } | null = null;

  function fold(records: readonly LogRecord[]): readonly Folded[] {
    if (defect !== null) throw defect.cause;
    try {
      return records.flatMap((record) => foldRecord(state, record) ?? []);
    } catch (cause) {
      defect = { cause };
      throw cause;
    }
  }

  async function readToEnd(): Promise<void> {
    for (;;) {
      const asked = clock.now();
      const records = await log.read(REGISTRY_TOPIC, PARTITION, state.next_offset, { recordsMax: READ_MAX });
      const folded = fold(records);
      for (const each of folded) recent.set(each.offset, each.outcome);
      for (const offset of recent.keys()) {
        if (recent.size <= RECENT_MAX) break;
        recent.delete(offset);
      }
      if (folded.length > 0) onFolded(folded);
      if (records.length === 0) {
        readAt = asked;
        return;
      }
    }
  }

  const catchUp = oneReadAtATime(readToEnd);

  async function load(): Promise<void> {
    const watermarks = await log.watermarks(REGISTRY_TOPIC);
    const [mark] = watermarks;
    if (watermarks.length !== 1 || mark === undefined) {
      throw new LogError(
        "topic_mismatch",
        `${REGISTRY_TOPIC} has ${watermarks.length} partitions, but the order of commands needs exactly 1: make a new topic with one partition and copy`,
        { retryable: false },
      );
    }
    if (mark.low > 0) {
      throw new LogError(
        "topic_mismatch",
        `${REGISTRY_TOPIC} begins at offset ${mark.low}: its history was cut, and with it what is live. Set retention.ms=-1 and cleanup.policy=delete, and restore the topic`,
        { retryable: false },
      );
    }
    if (state.next_offset > 0) {
      const [first] = await log.read(REGISTRY_TOPIC, PARTITION, mark.low, { recordsMax: 1 });
      if (mark.high < state.next_offset || first === undefined || logIdOf(first) !== state.log_id) {
        throw new LogError(
          "topic_mismatch",
          `${REGISTRY_TOPIC} is not the log that the snapshot is of. Restore the topic, or remove the snapshot file`,
          { retryable: false },
        );
      }
    }
    await catchUp();
    isLoaded = true;
    setLoaded();
    logger.info(
      { use_cases: state.use_cases.size, log_offset: state.next_offset, bad_records: state.bad_records },
      "registry.folded",
    );
  }

  return {
    get isLoaded() {
      return isLoaded;
    },
    get readAt() {
      return readAt;
    },
    loaded,
    catchUp,
    async outcomeAt(offset, timeoutMs) {
      const deadline = clock.now() + timeoutMs;
      for (;;) {
        try {
          await catchUp();
        } catch (error) {
          if (!(error instanceof LogError)) throw error;
        }
        if (state.next_offset > offset) return recent.get(offset) ?? null;
        if (clock.now() >= deadline) return null;
        await clock.sleep(OWN_RECORD_MS);
      }
    },
    async run(signal) {
      const turn = (): Promise<void> => {
        onTurn?.();
        return isLoaded ? catchUp() : load();
      };
      await supervise(turn, {
        clock,
        signal,
        everyMs: followMs,
        waitMsMax: BACKOFF_MS_MAX,
        isRetryable: isLogAway,
        onFailed: (error, failures) => {
          if (failures === 1) logger.warn({ err: error, log_offset: state.next_offset }, "registry.log_away");
        },
        onRecovered: (failures) => logger.info({ failures }, "registry.log_back"),
      });
    },
  };
}

/** Outcomes kept for those who wait for them; more than can wait at once. */
const RECENT_MAX = 20_000;
