/**
 * The log of local mode: a folder, one process, nothing lost by kill -9 or power loss.
 *
 * `append` and `commit` resolve after their transaction was flushed to disk; concurrent ones share it. Readers see
 * only what is flushed, so nothing that was handed over can disappear. An idle log runs no timer and keeps no read
 * transaction open (an open one would keep LMDB from using freed pages again).
 */
import { randomUUID } from "node:crypto";
import {
  ConfigError,
  LogError,
  READ_BYTES_MAX,
  READ_RECORDS_MAX,
  type Clock,
  type Committed,
  type EventLog,
  type LogRecord,
  type Position,
} from "@plumbline/ports";
import { TOPIC_NAMES, TOPICS, type Topic } from "@plumbline/schemas";
import { open, type Database, type RootDatabase } from "lmdb";
import { assertMetadataFits } from "../memory/event-log.ts";
import { partitionOf } from "../memory/partition-of.ts";
import { createReaders } from "../memory/readers.ts";
import { assertRecordsFit } from "../memory/record-size.ts";
import {
  HOLDER_WAIT_MS,
  isAlive,
  thisProcess,
  whenFree,
  type Holder,
  type WaitLogger,
} from "../process/holder.ts";
import { createDiskReserve, readDiskRoom, type DiskRoom } from "./disk-reserve.ts";
import { createGroupCommit } from "./group-commit.ts";
import {
  createKey,
  decodeFrame,
  encodeFrames,
  KEY_BYTES,
  offsetOf,
  timestampOf,
  writeKey,
} from "./record-frame.ts";

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

export interface Trimmed {
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
   * Never removed: records that a group with a cursor or a running reader has not committed past, or asked to keep; the newest
   * `keepNewestMs`; the last record of a partition, which is how the next offset is known.
   */
  trim(): Promise<readonly Trimmed[]>;
  /**
   * Replaces the values of the records of a topic for which `change` gives another one; offsets, keys, headers and times stay. The
   * pages of the old values are free for the next writes, and are on the disk until then.
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

const FORMAT = 1;
const KEEP_NEWEST_MS = 10 * 60_000;
/** Records removed in one transaction, and records read between two turns of the event loop. */
const SLICE = 2_000;

/**
 * Opens the log in a folder, alone.
 *
 * The folder's holder is recorded in the environment itself, in a transaction, so two starters cannot both win. Each
 * holder has an epoch, and every later transaction is conditional on it: a process that was taken for dead, because
 * it lives in a container that we cannot see into, can no longer write.
 *
 * @throws ConfigError when another process holds the folder, or it cannot be opened
 */
export async function openLmdbEventLog(options: LmdbEventLogOptions): Promise<LmdbEventLog> {
  const { path, clock, partitions: partitionsMax = 1, keepNewestMs = KEEP_NEWEST_MS } = options;
  const environment = openEnvironment(path);
  const { root, records, cursors, about } = environment;
  const partitionsOf = (topic: Topic): number => Math.min(partitionsMax, TOPICS[topic].partitions);

  let epoch: number;
  let topicIds: ReadonlyMap<string, number>;
  let identity: string;
  try {
    const take = () =>
      root.transactionSync(() => {
        const taken = takeFolder(environment, path, clock);
        const shape = settleShape(environment, path, partitionsMax);
        return { epoch: taken, topicIds: shape, identity: settleIdentity(environment) };
      });
    ({ epoch, topicIds, identity } = await whenFree(take, {
      folder: path,
      waitMs: options.holderWaitMs ?? HOLDER_WAIT_MS,
      logger: options.logger,
      holderIn: (error) => (error instanceof HeldByAnother ? error.holder : null),
    }));
  } catch (error) {
    await root.close();
    throw error;
  }

  const marks = new Map<Topic, readonly Mark[]>();
  for (const topic of TOPIC_NAMES) {
    const partitions = Array.from({ length: partitionsOf(topic) }, (_, partition) => partition);
    marks.set(
      topic,
      partitions.map((partition) => findMark(records, topic, topicIds.get(topic)!, partition)),
    );
  }
  let closing: Promise<void> | null = null;

  function markOf(topic: Topic, partition: number): Mark {
    const mark = marks.get(topic)?.[partition];
    if (mark === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
    return mark;
  }
  function assertOpen(): void {
    if (closing !== null) throw new LogError("log_unavailable", "the log is closed", { retryable: false });
  }

  /** Next offsets of the transaction being built. They become the log's when it is durable, and never if it fails. */
  const building = new Map<Mark, number>();

  const commits = createGroupCommit(
    async (apply) => {
      try {
        const isHeld = await about.ifVersion("holder", epoch, apply);
        if (!isHeld) throw takenOver(path);
        for (const [mark, high] of building) mark.high = high;
        for (const mark of building.keys()) readers.appended(mark.topic, mark.partition);
      } catch (error) {
        throw await toLogError(error, path);
      } finally {
        building.clear();
      }
    },
    createDiskReserve(path, options.reserveBytes),
  );

  /** Durable records from an offset on; at least one when there is one, however few bytes are asked for. */
  function recordsFrom(mark: Mark, from: number, recordsMax: number, bytesMax: number): LogRecord[] {
    const found: LogRecord[] = [];
    if (from >= mark.high || recordsMax <= 0) return found;
    const range = {
      start: createKey(mark.topicId, mark.partition, from),
      end: createKey(mark.topicId, mark.partition, mark.high),
      limit: recordsMax,
    };
    let bytes = 0;
    for (const { key, value } of records.getRange(range)) {
      const record = decodeFrame(mark.partition, offsetOf(key), value);
      bytes += record.value.byteLength;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(record);
    }
    return found;
  }

  const committed = (group: string, topic: Topic, partition: number): Committed | null =>
    cursors.get([topic, partition, group]) ?? null;

  const readers = createReaders({
    partitions: partitionsOf,
    committed,
    low: (topic, partition) => markOf(topic, partition).low,
    high: (topic, partition) => markOf(topic, partition).high,
    readBatch: (topic, partition, from, { recordsMax, bytesMax }) =>
      recordsFrom(markOf(topic, partition), from, recordsMax, bytesMax),
  });

  /** The lowest offset that a group still needs, and which group. */
  function neededFrom(topic: Topic, partition: number): { offset: number; group: string | null } {
    const offsets = new Map(
      readers.groupsOf(topic).map((group) => [group, keptFrom(committed(group, topic, partition) ?? NEVER)]),
    );
    for (const { key, value } of cursors.getRange({
      start: [topic, partition],
      end: [topic, partition + 1],
    })) {
      offsets.set(key[2], keptFrom(value));
    }
    let needed: { offset: number; group: string | null } = { offset: Number.MAX_SAFE_INTEGER, group: null };
    for (const [group, offset] of offsets) if (offset < needed.offset) needed = { offset, group };
    return needed;
  }

  /** Keys of the oldest records that are past their time, at most a slice; never the last record's. */
  function expiredKeys(mark: Mark, cutoff: number): Buffer[] {
    const keys: Buffer[] = [];
    if (mark.high === mark.low) return keys;
    const start = createKey(mark.topicId, mark.partition, mark.low);
    const end = createKey(mark.topicId, mark.partition, mark.high - 1);
    for (const { key, value } of records.getRange({ start, end, limit: SLICE })) {
      if (timestampOf(value) >= cutoff) break;
      keys.push(key);
    }
    return keys;
  }

  async function trimPartition(mark: Mark): Promise<Trimmed> {
    const { topic, partition } = mark;
    const cutoff = clock.now() - Math.max(TOPICS[topic].retention_ms, keepNewestMs);
    let removed = 0;
    for (;;) {
      assertOpen();
      const keys = expiredKeys(mark, cutoff);
      // Looked up for each slice: a group may have joined, or committed, meanwhile.
      const needed = neededFrom(topic, partition);
      const removable = keys.filter((key) => offsetOf(key) < needed.offset);
      if (removable.length > 0) {
        const low = offsetOf(removable.at(-1)!) + 1;
        await commits.write(0, () => {
          for (const key of removable) void records.remove(key);
        });
        mark.low = low;
        removed += removable.length;
      }
      if (removable.length < keys.length) return { topic, partition, removed, held_back_by: needed.group };
      if (keys.length < SLICE) return { topic, partition, removed, held_back_by: null };
    }
  }

  return {
    async identity() {
      assertOpen();
      return identity;
    },

    async append(topic, added) {
      assertOpen();
      assertRecordsFit(topic, added);
      if (added.length === 0) return [];
      const frames = encodeFrames(added, clock.now());
      const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
      const targets = added.map(({ key }) => markOf(topic, partitionOf(key, partitionsOf(topic))));
      const positions: Position[] = [];
      await commits.write(bytes, () => {
        for (const [i, mark] of targets.entries()) {
          const offset = building.get(mark) ?? mark.high;
          building.set(mark, offset + 1);
          positions.push({ partition: mark.partition, offset });
          void records.put(writeKey(scratchKey, mark.topicId, mark.partition, offset), frames[i]!);
        }
      });
      return positions;
    },

    async assertAppendable() {
      assertOpen();
      // A write like any other: the reserve, the holder and the disk itself are asked.
      await commits.write(1, () => void about.put("probe", clock.now(), 0));
    },

    subscribe: readers.subscribe,
    claim: readers.claim,

    async commit(group, topic, partition, { offset, metadata, keepFrom = offset }) {
      assertOpen();
      assertMetadataFits(metadata);
      assertGroupFits(group);
      readers.assertHeld(group, topic, partition);
      const cursor = { offset, metadata, ...(keepFrom < offset ? { keepFrom } : {}) };
      await commits.write(0, () => void cursors.put([topic, partition, group], cursor));
    },

    async committed(group, topic, partition) {
      assertOpen();
      return committed(group, topic, partition) ?? NEVER;
    },

    async read(topic, partition, from, { recordsMax = READ_RECORDS_MAX, bytesMax = READ_BYTES_MAX }) {
      assertOpen();
      const mark = markOf(topic, partition);
      const found: LogRecord[] = [];
      let bytes = 0;
      for (let next = from; found.length < recordsMax; next = found.at(-1)!.offset + 1) {
        if (found.length > 0) await new Promise((resolve) => setImmediate(resolve));
        assertOpen();
        const slice = recordsFrom(mark, next, Math.min(SLICE, recordsMax - found.length), bytesMax - bytes);
        if (slice.length === 0) break;
        for (const record of slice) {
          bytes += record.value.byteLength;
          // A slice has at least one record, which is one too many when the slices before it filled the bytes.
          if (found.length > 0 && bytes > bytesMax) return found;
          found.push(record);
        }
      }
      return found;
    },

    async watermarks(topic) {
      assertOpen();
      return marks.get(topic)!.map(({ partition, low, high }) => ({ partition, low, high }));
    },

    async trim() {
      const trimmed: Trimmed[] = [];
      for (const topic of TOPIC_NAMES) {
        if (TOPICS[topic].retention_ms < 0) continue;
        for (const mark of marks.get(topic)!) trimmed.push(await trimPartition(mark));
      }
      return trimmed.filter((each) => each.removed > 0 || each.held_back_by !== null);
    },

    async rewrite(topic, change, { isDryRun = false } = {}) {
      let rewritten = 0;
      for (const mark of marks.get(topic)!) {
        for (let next = mark.low; ;) {
          assertOpen();
          const slice = recordsFrom(mark, next, SLICE, READ_BYTES_MAX);
          if (slice.length === 0) break;
          next = slice.at(-1)!.offset + 1;
          const changed = slice.flatMap((record) => {
            const value = change(record);
            return value === null ? [] : [{ offset: record.offset, frame: frameOf(record, value) }];
          });
          rewritten += changed.length;
          if (changed.length > 0 && !isDryRun) {
            await commits.write(0, () => {
              for (const { offset, frame } of changed) {
                void records.put(writeKey(scratchKey, mark.topicId, mark.partition, offset), frame);
              }
            });
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      return rewritten;
    },

    async forget(group) {
      assertOpen();
      const keys = [...cursors.getKeys()].filter((key) => key[2] === group);
      await commits.write(0, () => {
        for (const key of keys) void cursors.remove(key);
      });
    },

    diskRoom: () => readDiskRoom(path, options.reserveBytes),

    close() {
      closing ??= (async () => {
        readers.close();
        await commits.idle();
        // Fails when somebody else holds the folder by now: then it is theirs to say so.
        await about
          .ifVersion("holder", epoch, () => void about.put("holder", null, epoch + 1))
          .catch(() => false);
        await root.close();
      })();
      return closing;
    },
  };
}

interface Mark {
  readonly topic: Topic;
  readonly topicId: number;
  readonly partition: number;
  /** First offset that is kept. */
  low: number;
  /** One past the last durable offset. */
  high: number;
}

interface Environment {
  readonly root: RootDatabase;
  readonly records: Database<Buffer, Buffer>;
  readonly cursors: Database<Committed, [topic: string, partition: number, group: string]>;
  /** The folder itself: its holder (versioned by epoch), format, partition count and topic ids. */
  readonly about: Database<unknown, string>;
}

/** One for all logs: LMDB copies a key when it is put, and puts are synchronous. */
const scratchKey = Buffer.allocUnsafe(KEY_BYTES);
/** LMDB keys end at 1,978 bytes. */
const GROUP_BYTES_MAX = 1_000;

function openEnvironment(path: string): Environment {
  try {
    // Without overlapping sync LMDB answers a transaction after fdatasync and after its meta page was written with
    // O_DSYNC (seen with strace): one promise means both committed and durable.
    // Without event-turn batching, because the group commit does it, and because LMDB's own batching makes a promise
    // that nobody can handle: a failed transaction (a full disk) would end the process.
    const root = open({
      path,
      noSubdir: false,
      overlappingSync: false,
      eventTurnBatching: false,
      maxDbs: 3,
    });
    return {
      root,
      records: root.openDB("records", { encoding: "binary", keyEncoding: "binary" }),
      cursors: root.openDB("cursors", { encoding: "json" }),
      about: root.openDB("about", { encoding: "json", useVersions: true }),
    };
  } catch (error) {
    throw new ConfigError(
      `cannot open the log in ${path}: is it a folder on a local disk that we may write?`,
      {
        cause: error,
      },
    );
  }
}

class HeldByAnother extends ConfigError {
  readonly holder: string;
  constructor(message: string, holder: string) {
    super(message);
    this.name = "ConfigError";
    this.holder = holder;
  }
}

/** Makes this process the holder and returns its epoch. Runs in a write transaction, of which LMDB allows one at a time. */
function takeFolder({ about }: Environment, path: string, clock: Clock): number {
  const entry = about.getEntry("holder");
  const holder = (entry?.value ?? null) as Holder | null;
  if (holder !== null && isAlive(holder)) {
    const isSelf = holder.pid === process.pid;
    const who = isSelf ? "this very process" : `process ${holder.pid}`;
    const message = `the log in ${path} is in use by ${who} (since ${holder.since}): stop it, or give this one another folder`;
    // Nobody waits for himself.
    throw isSelf ? new ConfigError(message) : new HeldByAnother(message, who);
  }
  const epoch = (entry?.version ?? 0) + 1;
  about.putSync("holder", thisProcess(new Date(clock.now()).toISOString()), epoch);
  return epoch;
}

/** Reads, or writes on first use, what must never change about a folder. */
function settleShape({ about }: Environment, path: string, partitions: number): ReadonlyMap<string, number> {
  const known = about.get("shape") as { format: number; partitions: number; topics: string[] } | undefined;
  if (known !== undefined && known.format !== FORMAT) {
    throw new ConfigError(`the log in ${path} has format ${known.format}, this release reads ${FORMAT}`);
  }
  if (known !== undefined && known.partitions !== partitions) {
    throw new ConfigError(
      `the log in ${path} was made with ${known.partitions} partition(s), not ${partitions}: keys would move`,
    );
  }
  const topics = [...(known?.topics ?? [])];
  for (const topic of TOPIC_NAMES) if (!topics.includes(topic)) topics.push(topic);
  if (topics.length !== known?.topics.length)
    about.putSync("shape", { format: FORMAT, partitions, topics }, 0);
  return new Map(topics.map((topic, id) => [topic, id]));
}

/** Reads, or makes on first use, the name that tells this folder from every other; it moves with a copy of the folder. */
function settleIdentity({ about }: Environment): string {
  const known = about.get("identity");
  if (typeof known === "string") return known;
  const made = `lmdb:${randomUUID()}`;
  about.putSync("identity", made, 0);
  return made;
}

function frameOf({ key, headers, timestamp }: LogRecord, value: Uint8Array): Buffer {
  return encodeFrames([{ key, headers, value }], timestamp)[0]!;
}

function findMark(records: Environment["records"], topic: Topic, topicId: number, partition: number): Mark {
  const start = createKey(topicId, partition, 0);
  // Not the next partition's first key: a reverse range includes where it starts.
  const end = createKey(topicId, partition, Number.MAX_SAFE_INTEGER);
  const [first] = records.getKeys({ start, end, limit: 1 });
  const [last] = records.getKeys({ start: end, reverse: true, limit: 1 });
  return {
    topic,
    topicId,
    partition,
    low: first === undefined ? 0 : offsetOf(first),
    high: first === undefined || last === undefined ? 0 : offsetOf(last) + 1,
  };
}

/** Of a group that never committed. */
const NEVER: Committed = { offset: 0, metadata: "" };

function keptFrom({ offset, keepFrom = offset }: Committed): number {
  return Math.min(offset, keepFrom);
}

function assertGroupFits(group: string): void {
  const size = Buffer.byteLength(group);
  if (size > GROUP_BYTES_MAX)
    throw new RangeError(`a group's name has ${size} bytes, at most ${GROUP_BYTES_MAX}`);
}

function takenOver(path: string): LogError {
  const message = `another process has taken over the log in ${path}: stop this one`;
  return new LogError("log_unavailable", message, { retryable: false });
}

/** Longest wait for LMDB to say why a transaction failed, ms. */
const CAUSE_MS_MAX = 1_000;

/**
 * Translates a failed transaction. The reason comes as a second promise, `commitError`, on the rejection; left alone,
 * its own rejection would end the process.
 */
async function toLogError(error: unknown, path: string): Promise<LogError> {
  if (error instanceof LogError) return error;
  let cause = error;
  if (error instanceof Error && "commitError" in error) {
    let giveUp: (value: unknown) => void = () => undefined;
    const late = new Promise<unknown>((resolve) => (giveUp = resolve));
    const timer = setTimeout(() => giveUp(error), CAUSE_MS_MAX);
    const reason = Promise.resolve(error.commitError).then(
      () => error,
      (why: unknown) => why,
    );
    cause = await Promise.race([reason, late]);
    clearTimeout(timer);
  }
  const isFull = cause instanceof Error && "code" in cause && cause.code === ENOSPC;
  const message = isFull
    ? `the disk of ${path} is full: make room`
    : `the log in ${path} could not be written`;
  return new LogError(isFull ? "log_full" : "log_unavailable", message, { retryable: true, cause });
}

/** LMDB's errors carry the system's number. */
const ENOSPC = 28;
