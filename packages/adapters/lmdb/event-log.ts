/**
 * The log of local mode: a folder, one process, nothing lost by kill -9 or power loss.
 *
 * `append` and `commit` resolve after their transaction was flushed to disk; concurrent ones share it. Readers see
 * only what is flushed, so nothing that was handed over can disappear. An idle log runs no timer and keeps no read
 * transaction open (an open one would keep LMDB from using freed pages again).
 */
import {
  LogError,
  READ_BYTES_MAX,
  READ_RECORDS_MAX,
  type Clock,
  type Committed,
  type EventLog,
  type LogRecord,
  type NewRecord,
  type Position,
  type ReadLimits,
  type Watermark,
} from "@plumbline/ports";
import { TOPIC_NAMES, TOPICS, type Topic } from "@plumbline/schemas";
import { assertMetadataFits, assertRecordsFit } from "../log-core/record-size.ts";
import { partitionOf } from "../log-core/partition-of.ts";
import { Readers } from "../log-core/readers.ts";
import type { WaitLogger } from "../process/holder.ts";
import { createDiskReserve, readDiskRoom, type DiskRoom } from "./disk-reserve.ts";
import { Folder } from "./folder.ts";
import { createGroupCommit, type GroupCommit } from "./group-commit.ts";
import { encodeFrames, offsetOf } from "./record-frame.ts";
import { frameOf, RecordTable, type Partition } from "./record-table.ts";

export interface LmdbEventLogOptions {
  /** A folder of its own; made when missing. On a local disk: LMDB does not work on network file systems. */
  readonly path: string;
  readonly clock: Clock;
  /** Most partitions of a topic; a topic never has more than `TOPICS` gives it. Fixed when the folder is made. Default 1. */
  readonly partitions?: number;
  /** Free space on the disk below which appends are refused with `log_full`. Default 5 % of the disk, at most 1 GiB. */
  readonly reserveBytes?: number;
  /**
   * Records younger than this are never trimmed, whatever the topic's retention, ms. Default 10 minutes. ClickHouse
   * does not sync its inserts: after a power loss the rows of the last minutes are written again from the log.
   */
  readonly keepNewestMs?: number;
  /** Longest wait for another process that holds the folder and lives, ms. Default 10 s. */
  readonly holderWaitMs?: number;
  /** Is told once that another process is waited for. */
  readonly logger?: WaitLogger;
}

interface Trimmed {
  readonly topic: Topic;
  readonly partition: number;
  readonly removed: number;
  /** The group whose committed offset kept older records from being removed; null when none did. */
  readonly held_back_by: string | null;
}

export interface LmdbEventLog extends EventLog {
  /**
   * Removes records older than their topic's `retention_ms`, and reports every partition where it removed some or
   * was held back. To be called on a schedule; the log has no timer of its own.
   *
   * Never removed: records that a group with a cursor or a running reader has not committed past, or asked to keep; the
   * newest `keepNewestMs`; the last record of a partition, which is how the next offset is known.
   */
  trim(): Promise<readonly Trimmed[]>;
  /**
   * Replaces the values of the records of a topic for which `change` gives another one; offsets, keys, headers and times
   * stay. The pages of the old values are free for the next writes, and are on the disk until then.
   *
   * @returns how many records it replaced, or would have
   */
  rewrite(
    topic: Topic,
    change: (record: LogRecord) => Uint8Array | null,
    options?: { readonly isDryRun?: boolean },
  ): Promise<number>;
  /** Forgets a group that will not come back, so that it holds back no trim. Its next reader starts at the oldest record. */
  forget(group: string): Promise<void>;
  /** Room on the disk of the folder. */
  diskRoom(): Promise<DiskRoom>;
}

const KEEP_NEWEST_MS = 10 * 60_000;
/** Records removed in one transaction, and records read between two turns of the event loop. */
const SLICE = 2_000;

/**
 * Opens the log in a folder, alone.
 *
 * @throws ConfigError when another process holds the folder, or it cannot be opened
 */
export async function openLmdbEventLog(options: LmdbEventLogOptions): Promise<LmdbEventLog> {
  const { path, clock, partitions = 1, holderWaitMs, logger } = options;
  return new FolderEventLog(await Folder.open({ path, clock, partitions, holderWaitMs, logger }), options);
}

/** The first offset of a partition that a group still needs. */
interface Needed {
  readonly offset: number;
  readonly group: string | null;
}

class FolderEventLog implements LmdbEventLog {
  readonly subscribe: Readers["subscribe"];
  readonly claim: Readers["claim"];
  readonly #options: LmdbEventLogOptions;
  readonly #folder: Folder;
  readonly #table: RecordTable;
  readonly #commits: GroupCommit;
  readonly #readers: Readers;
  /** Next offsets of the transaction being built. They become the log's when it is durable, and never if it fails. */
  readonly #building = new Map<Partition, number>();
  #closing: Promise<void> | null = null;

  constructor(folder: Folder, options: LmdbEventLogOptions) {
    this.#options = options;
    this.#folder = folder;
    this.#table = new RecordTable(folder, (topic) => this.#partitionsOf(topic));
    this.#commits = createGroupCommit(
      (apply) => this.#flush(apply),
      createDiskReserve(options.path, options.reserveBytes),
    );
    this.#readers = new Readers({
      partitions: (topic) => this.#partitionsOf(topic),
      committed: (group, topic, partition) => this.#committed(group, topic, partition),
      low: (topic, partition) => this.#table.partition(topic, partition).low,
      high: (topic, partition) => this.#table.partition(topic, partition).high,
      readBatch: (topic, partition, from, { recordsMax, bytesMax }) =>
        this.#table.read(this.#table.partition(topic, partition), from, recordsMax, bytesMax),
    });
    this.subscribe = (topic, subscribeOptions, handle) =>
      this.#readers.subscribe(topic, subscribeOptions, handle);
    this.claim = (group, topic, signal) => this.#readers.claim(group, topic, signal);
  }

  async identity(): Promise<string> {
    this.#assertOpen();
    return this.#folder.identity;
  }

  async append(topic: Topic, added: readonly NewRecord[]): Promise<readonly Position[]> {
    this.#assertOpen();
    assertRecordsFit(topic, added);
    if (added.length === 0) return [];
    const frames = encodeFrames(added, this.#options.clock.now());
    const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
    const targets = added.map(({ key }) =>
      this.#table.partition(topic, partitionOf(key, this.#partitionsOf(topic))),
    );
    const positions: Position[] = [];
    await this.#commits.write(bytes, () => {
      for (const [i, mark] of targets.entries()) {
        const offset = this.#building.get(mark) ?? mark.high;
        this.#building.set(mark, offset + 1);
        positions.push({ partition: mark.partition, offset });
        this.#table.put(mark, offset, frames[i]!);
      }
    });
    return positions;
  }

  async assertAppendable(): Promise<void> {
    this.#assertOpen();
    // A write like any other: the reserve, the holder and the disk itself are asked.
    await this.#commits.write(1, () => this.#folder.probe(this.#options.clock.now()));
  }

  async commit(
    group: string,
    topic: Topic,
    partition: number,
    { offset, metadata, keepFrom = offset }: Committed,
  ): Promise<void> {
    this.#assertOpen();
    assertMetadataFits(metadata);
    assertGroupFits(group);
    this.#readers.assertHeld(group, topic, partition);
    const cursor = { offset, metadata, ...(keepFrom < offset ? { keepFrom } : {}) };
    await this.#commits.write(0, () => void this.#folder.cursors.put([topic, partition, group], cursor));
  }

  async committed(group: string, topic: Topic, partition: number): Promise<Committed> {
    this.#assertOpen();
    return this.#committed(group, topic, partition) ?? NEVER;
  }

  async read(
    topic: Topic,
    partition: number,
    from: number,
    { recordsMax = READ_RECORDS_MAX, bytesMax = READ_BYTES_MAX }: ReadLimits,
  ): Promise<readonly LogRecord[]> {
    this.#assertOpen();
    const mark = this.#table.partition(topic, partition);
    const found: LogRecord[] = [];
    let bytes = 0;
    for (let next = from; found.length < recordsMax; next = found.at(-1)!.offset + 1) {
      if (found.length > 0) await new Promise((resolve) => setImmediate(resolve));
      this.#assertOpen();
      const slice = this.#table.read(
        mark,
        next,
        Math.min(SLICE, recordsMax - found.length),
        bytesMax - bytes,
      );
      if (slice.length === 0) break;
      for (const record of slice) {
        bytes += record.value.byteLength;
        // A slice has at least one record, which is one too many when the slices before it filled the bytes.
        if (found.length > 0 && bytes > bytesMax) return found;
        found.push(record);
      }
    }
    return found;
  }

  async watermarks(topic: Topic): Promise<readonly Watermark[]> {
    this.#assertOpen();
    return this.#table.of(topic).map(({ partition, low, high }) => ({ partition, low, high }));
  }

  async trim(): Promise<readonly Trimmed[]> {
    const trimmed: Trimmed[] = [];
    for (const topic of TOPIC_NAMES) {
      if (TOPICS[topic].retention_ms < 0) continue;
      for (const mark of this.#table.of(topic)) trimmed.push(await this.#trimPartition(mark));
    }
    return trimmed.filter((each) => each.removed > 0 || each.held_back_by !== null);
  }

  async rewrite(
    topic: Topic,
    change: (record: LogRecord) => Uint8Array | null,
    { isDryRun = false }: { readonly isDryRun?: boolean } = {},
  ): Promise<number> {
    let rewritten = 0;
    for (const mark of this.#table.of(topic)) {
      for (let next = mark.low; ;) {
        this.#assertOpen();
        const slice = this.#table.read(mark, next, SLICE, READ_BYTES_MAX);
        if (slice.length === 0) break;
        next = slice.at(-1)!.offset + 1;
        const changed = slice.flatMap((record) => {
          const value = change(record);
          return value === null ? [] : [{ offset: record.offset, frame: frameOf(record, value) }];
        });
        rewritten += changed.length;
        if (changed.length > 0 && !isDryRun) {
          await this.#commits.write(0, () => {
            for (const { offset, frame } of changed) this.#table.put(mark, offset, frame);
          });
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return rewritten;
  }

  async forget(group: string): Promise<void> {
    this.#assertOpen();
    const keys = [...this.#folder.cursors.getKeys()].filter((key) => key[2] === group);
    await this.#commits.write(0, () => {
      for (const key of keys) void this.#folder.cursors.remove(key);
    });
  }

  diskRoom(): Promise<DiskRoom> {
    return readDiskRoom(this.#options.path, this.#options.reserveBytes);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #partitionsOf(topic: Topic): number {
    return Math.min(this.#options.partitions ?? 1, TOPICS[topic].partitions);
  }

  #assertOpen(): void {
    if (this.#closing !== null)
      throw new LogError("log_unavailable", "the log is closed", { retryable: false });
  }

  #committed(group: string, topic: Topic, partition: number): Committed | null {
    return this.#folder.cursors.get([topic, partition, group]) ?? null;
  }

  /** Makes a transaction durable, then lets readers see what it appended. */
  async #flush(apply: () => void): Promise<void> {
    try {
      await this.#folder.transact(apply);
      for (const [mark, high] of this.#building) mark.high = high;
      for (const { topic, partition } of this.#building.keys()) this.#readers.appended(topic, partition);
    } finally {
      this.#building.clear();
    }
  }

  /** The lowest offset that a group still needs, and which group. */
  #neededFrom(topic: Topic, partition: number): Needed {
    const offsets = new Map(
      this.#readers
        .groupsOf(topic)
        .map((group) => [group, keptFrom(this.#committed(group, topic, partition) ?? NEVER)]),
    );
    for (const { key, value } of this.#folder.cursors.getRange({
      start: [topic, partition],
      end: [topic, partition + 1],
    })) {
      offsets.set(key[2], keptFrom(value));
    }
    let needed: Needed = { offset: Number.MAX_SAFE_INTEGER, group: null };
    for (const [group, offset] of offsets) if (offset < needed.offset) needed = { offset, group };
    return needed;
  }

  async #trimPartition(mark: Partition): Promise<Trimmed> {
    const { topic, partition } = mark;
    const { clock, keepNewestMs = KEEP_NEWEST_MS } = this.#options;
    const cutoff = clock.now() - Math.max(TOPICS[topic].retention_ms, keepNewestMs);
    let removed = 0;
    for (;;) {
      this.#assertOpen();
      const keys = this.#table.expiredKeys(mark, cutoff, SLICE);
      // Looked up for each slice: a group may have joined, or committed, meanwhile.
      const needed = this.#neededFrom(topic, partition);
      const removable = keys.filter((key) => offsetOf(key) < needed.offset);
      if (removable.length > 0) {
        const low = offsetOf(removable.at(-1)!) + 1;
        await this.#commits.write(0, () => this.#table.remove(removable));
        mark.low = low;
        removed += removable.length;
      }
      if (removable.length < keys.length) return { topic, partition, removed, held_back_by: needed.group };
      if (keys.length < SLICE) return { topic, partition, removed, held_back_by: null };
    }
  }

  async #close(): Promise<void> {
    this.#readers.close();
    await this.#commits.idle();
    await this.#folder.close();
  }
}

/** LMDB keys end at 1,978 bytes. */
const GROUP_BYTES_MAX = 1_000;

/** Position of a group that never committed. */
const NEVER: Committed = { offset: 0, metadata: "" };

function keptFrom({ offset, keepFrom = offset }: Committed): number {
  return Math.min(offset, keepFrom);
}

function assertGroupFits(group: string): void {
  const size = Buffer.byteLength(group);
  if (size > GROUP_BYTES_MAX)
    throw new RangeError(`a group's name has ${size} bytes, at most ${GROUP_BYTES_MAX}`);
}
