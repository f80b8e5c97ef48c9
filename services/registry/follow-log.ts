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

export class LogFollower {
  /** Resolves when `isLoaded`. */
  readonly loaded: Promise<void>;
  /**
   * Reads the log to its end. Nothing is folded before the topic was found whole, whoever asks first.
   * @throws LogError when it is away, or not the topic that the state is of
   */
  readonly catchUp: () => Promise<void>;
  private readonly deps: FollowDeps;
  private readonly log: FollowDeps["log"];
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly state: RegistryState;
  private readonly recent = new Map<number, Outcome>();
  private lastReadAt: number | null = null;
  private isWhole = false;
  private hasLoaded = false;
  private readonly setLoaded: () => void;
  /** A rule that throws is a defect: nothing may be folded past the record. */
  private defect: { readonly cause: unknown } | null = null;

  constructor(deps: FollowDeps) {
    this.deps = deps;
    this.log = deps.log;
    this.clock = deps.clock;
    this.logger = deps.logger;
    this.state = deps.state;
    this.catchUp = oneReadAtATime(() => this.readToEnd());
    let setLoaded!: () => void;
    this.loaded = new Promise<void>((resolve) => {
      setLoaded = resolve;
    });
    this.setLoaded = setLoaded;
  }

  /** True once everything that the log held at the start was folded. */
  get isLoaded(): boolean {
    return this.hasLoaded;
  }

  /** When the log was last read to its end, by the clock; null before the first time. */
  get readAt(): number | null {
    return this.lastReadAt;
  }

  /**
   * The outcome of the record at `offset`, once it is folded; null when it was not within `timeoutMs`. Ask for one's
   * own record right after its append: outcomes are kept only for those who wait.
   */
  async outcomeAt(offset: number, timeoutMs: number): Promise<Outcome | null> {
    const deadline = this.clock.now() + timeoutMs;
    for (;;) {
      try {
        await this.catchUp();
      } catch (error) {
        if (!isLogAway(error)) throw error;
      }
      if (this.state.next_offset > offset) return this.recent.get(offset) ?? null;
      if (this.clock.now() >= deadline) return null;
      await this.clock.sleep(OWN_RECORD_MS);
    }
  }

  /** Follows until `signal` aborts. Outages are waited out; a topic of the wrong shape is a fault. */
  async run(signal: AbortSignal): Promise<void> {
    const turn = (): Promise<void> => {
      this.deps.onTurn?.();
      return this.hasLoaded ? this.catchUp() : this.load();
    };
    await supervise(turn, {
      clock: this.clock,
      signal,
      everyMs: this.deps.followMs,
      waitMsMax: BACKOFF_MS_MAX,
      isRetryable: isLogAway,
      onFailed: (error, failures) => {
        if (failures === 1)
          this.logger.warn({ err: error, log_offset: this.state.next_offset }, "registry.log_away");
      },
      onRecovered: (failures) => this.logger.info({ failures }, "registry.log_back"),
    });
  }

  private fold(records: readonly LogRecord[]): readonly Folded[] {
    if (this.defect !== null) throw this.defect.cause;
    try {
      return records.flatMap((record) => foldRecord(this.state, record) ?? []);
    } catch (cause) {
      this.defect = { cause };
      throw cause;
    }
  }

  private async readToEnd(): Promise<void> {
    if (!this.isWhole) {
      await this.assertWhole();
      this.isWhole = true;
    }
    for (;;) {
      const asked = this.clock.now();
      const records = await this.log.read(REGISTRY_TOPIC, PARTITION, this.state.next_offset, {
        recordsMax: READ_MAX,
      });
      const folded = this.fold(records);
      for (const each of folded) this.recent.set(each.offset, each.outcome);
      for (const offset of this.recent.keys()) {
        if (this.recent.size <= RECENT_MAX) break;
        this.recent.delete(offset);
      }
      if (folded.length > 0) this.deps.onFolded(folded);
      if (records.length === 0) {
        this.lastReadAt = asked;
        return;
      }
    }
  }

  private async load(): Promise<void> {
    await this.catchUp();
    this.hasLoaded = true;
    this.setLoaded();
    this.logger.info(
      {
        use_cases: this.state.use_cases.size,
        log_offset: this.state.next_offset,
        bad_records: this.state.bad_records,
      },
      "registry.folded",
    );
  }

  /** @throws LogError `topic_mismatch` when the topic is not the whole history, or not that of the snapshot */
  private async assertWhole(): Promise<void> {
    const watermarks = await this.log.watermarks(REGISTRY_TOPIC);
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
    if (this.state.next_offset > 0) {
      const [first] = await this.log.read(REGISTRY_TOPIC, PARTITION, mark.low, { recordsMax: 1 });
      if (mark.high < this.state.next_offset || first === undefined || logIdOf(first) !== this.state.log_id) {
        throw new LogError(
          "topic_mismatch",
          `${REGISTRY_TOPIC} is not the log that the snapshot is of. Restore the topic, or remove the snapshot file`,
          { retryable: false },
        );
      }
    }
  }
}

/** Outcomes kept for those who wait for them; more than can wait at once. */
const RECENT_MAX = 20_000;
