/**
 * The folder of a log: its tables, and who holds it.
 *
 * The folder's holder is recorded in the environment itself, in a transaction, so two starters cannot both win. Each
 * holder has an epoch, and every later transaction is conditional on it: a process that was taken for dead, because
 * it lives in a container that we cannot see into, can no longer write.
 */
import { randomUUID } from "node:crypto";
import { ConfigError, LogError, type Clock, type Committed } from "@plumbline/ports";
import { TOPIC_NAMES } from "@plumbline/schemas";
import { open, type Database, type RootDatabase } from "lmdb";
import {
  HOLDER_WAIT_MS,
  isAlive,
  thisProcess,
  whenFree,
  type Holder,
  type WaitLogger,
} from "../process/holder.ts";

interface FolderOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly partitions: number;
  readonly holderWaitMs?: number | undefined;
  readonly logger?: WaitLogger | undefined;
}

interface Environment {
  readonly root: RootDatabase;
  readonly records: Database<Buffer, Buffer>;
  readonly cursors: Database<Committed, [topic: string, partition: number, group: string]>;
  /** The folder itself: its holder (versioned by epoch), format, partition count and topic ids. */
  readonly about: Database<unknown, string>;
}

const FORMAT = 1;

/** The tables of a folder that this process holds. */
export class Folder {
  readonly records: Environment["records"];
  readonly cursors: Environment["cursors"];
  readonly #path: string;
  readonly #environment: Environment;
  readonly #epoch: number;
  readonly topicIds: ReadonlyMap<string, number>;
  /** The name that tells this folder from every other. */
  readonly identity: string;

  /** @throws ConfigError when another process holds the folder, or it cannot be opened */
  static async open(options: FolderOptions): Promise<Folder> {
    const { path, clock, partitions, holderWaitMs = HOLDER_WAIT_MS, logger } = options;
    const environment = openEnvironment(path);
    const take = () =>
      environment.root.transactionSync(() => ({
        epoch: takeFolder(environment, path, clock),
        topicIds: settleShape(environment, path, partitions),
        identity: settleIdentity(environment),
      }));
    try {
      const taken = await whenFree(take, {
        folder: path,
        waitMs: holderWaitMs,
        logger,
        holderIn: (error) => (error instanceof HeldByAnother ? error.holder : null),
      });
      return new Folder(path, environment, taken);
    } catch (error) {
      await environment.root.close();
      throw error;
    }
  }

  private constructor(
    path: string,
    environment: Environment,
    taken: { epoch: number; topicIds: ReadonlyMap<string, number>; identity: string },
  ) {
    this.records = environment.records;
    this.cursors = environment.cursors;
    this.topicIds = taken.topicIds;
    this.identity = taken.identity;
    this.#path = path;
    this.#environment = environment;
    this.#epoch = taken.epoch;
  }

  /**
   * Applies puts and removes in one transaction, which is durable when this resolves.
   *
   * @throws LogError `log_full`, or `log_unavailable` when another process has taken the folder over
   */
  async transact(apply: () => void): Promise<void> {
    try {
      const isHeld = await this.#environment.about.ifVersion("holder", this.#epoch, apply);
      if (!isHeld) throw takenOver(this.#path);
    } catch (error) {
      throw await toLogError(error, this.#path);
    }
  }

  /** Puts a value that nobody reads, within `transact`. */
  probe(now: number): void {
    void this.#environment.about.put("probe", now, 0);
  }

  /** Gives the folder back and closes it. */
  async close(): Promise<void> {
    const { about, root } = this.#environment;
    // Fails when somebody else holds the folder by now: then it is theirs to say so.
    await about
      .ifVersion("holder", this.#epoch, () => void about.put("holder", null, this.#epoch + 1))
      .catch(() => false);
    await root.close();
  }
}

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
