/**
 * ClickHouse inside this process (chdb): the store of local mode, no server and no account.
 *
 * A connection of the engine runs one statement at a time, remembers settings, and after a failed query prefixes
 * its next answer with the rows it had already produced. Hence: separate lanes for inserts and queries, settings
 * in the text of a statement only, and a cleaning statement after every error.
 *
 * Nothing is flushed to the disk by the engine itself. After `kill -9` everything acknowledged is there; after a
 * loss of power the newest rows may be missing or damaged, and come again from the log.
 *
 * Each running statement occupies a thread of Node's pool (UV_THREADPOOL_SIZE, 4 unless set, shared with files
 * and compression). Start the process with at least the number of connections plus 4.
 */
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type * as chdbModule from "chdb";
import { ConfigError, StoreError } from "@plumbline/ports";
import {
  type ClickHouseConnection,
  INSERT_SETTINGS,
  parseRows,
  QUERY_LIMITS,
  RESULT_SETTINGS,
} from "./connection.ts";
import { HOLDER_WAIT_MS, isAlive, whenFree, type WaitLogger } from "../process/holder.ts";
import { createLanes, type Lanes } from "./lanes.ts";
import { type PartLogger, setAsideDamagedParts, setAsideUncheckedParts } from "./damaged-parts.ts";
import { createReader, READER_SESSIONS } from "./reader.ts";
import { openSpool } from "./spool.ts";
import { bindParameters, withSettings } from "./sql/sql-text.ts";
import {
  clickhouseCodeOf,
  runOn,
  type Session,
  type StatementRunner,
  toStatementError,
} from "./statement.ts";
import { storeErrorOf } from "./translate-error.ts";

type Chdb = typeof chdbModule;
export interface EmbeddedClickHouse extends ClickHouseConnection, StatementRunner {
  /**
   * Runs an INSERT that a client wrote, without its FORMAT clause, on rows in the Native format.
   *
   * @throws StatementError
   */
  executeInsert(sql: string, native: Uint8Array): Promise<void>;
  /**
   * A runner on which the engine itself refuses everything but reading, with limits that a statement can't raise.
   * Unqualified names mean the database `plumbline`. Lives as long as this ClickHouse.
   */
  openReader(): Promise<StatementRunner>;
}

/**
 * Opens `path`, making it when there is none. One process may hold a directory, and a process one directory.
 *
 * @throws StoreError `store_locked` when another process holds the directory
 * @throws ConfigError when chdb isn't installed or doesn't run on this machine
 */
export async function openEmbeddedClickHouse({
  path,
  ingestConnections = 2,
  queryConnections = 2,
  holderWaitMs = HOLDER_WAIT_MS,
  logger,
}: {
  readonly path: string;
  readonly ingestConnections?: number;
  readonly queryConnections?: number;
  /** Longest wait for another process that holds the directory and lives, ms. */
  readonly holderWaitMs?: number;
  /** Is told once that another process is waited for, and of every damaged part that is set aside. */
  readonly logger?: WaitLogger & PartLogger;
}): Promise<EmbeddedClickHouse> {
  const directory = resolve(path);
  const chdb = await loadChdb();
  await mkdir(directory, { recursive: true });
  const configFile = join(directory, "engine.xml");
  // Written once: another process that holds the directory may be reading it.
  const known = await readFile(configFile, "utf8").catch(() => null);
  if (known !== ENGINE_CONFIG) await writeFile(configFile, ENGINE_CONFIG);
  const sessions: Session[] = [];
  const openMark = join(directory, "open");
  const wasClosed = await isMissing(openMark);

  async function openSessions(count: number): Promise<readonly Session[]> {
    const opened: Session[] = [];
    for (let i = 0; i < count; i++) opened.push(await openSession(chdb, directory, configFile));
    sessions.push(...opened);
    return opened;
  }

  const refuse = (): StoreError => new StoreError("store_config", `${directory}: this ClickHouse is closed`);
  // The first connection takes the directory; a process that was just killed may still be giving it back.
  const openFirst = async (): Promise<readonly Session[]> => {
    if (!wasClosed && (await holderOf(directory)) === null)
      for (const part of await setAsideUncheckedParts(directory))
        logger?.warn({ part, why: "it has no checksums" }, "clickhouse.part_set_aside");
    return openSessions(ingestConnections);
  };
  const ingesting = await whenFree(openFirst, {
    folder: directory,
    waitMs: holderWaitMs,
    logger,
    holderIn: async (error) =>
      error instanceof StoreError && error.code === "store_locked"
        ? ((await holderOf(directory)) ?? "a process that has just ended")
        : null,
  });
  const ingest = createLanes(ingesting, refuse);
  const query = createLanes(await openSessions(queryConnections), refuse);
  const pools: Lanes<Session>[] = [ingest, query];
  // After the sessions: whoever has those has the directory, so nobody else's blocks are removed.
  const spool = await openSpool(join(directory, "spool"));
  await writeFile(openMark, "This ClickHouse is in use, or was when its process ended.\n");

  const clickhouse: EmbeddedClickHouse = {
    address: directory,
    async command(sql, parameters = {}) {
      await runOn(
        query,
        (session) => session.queryAsync(bindParameters(sql, parameters), { format: "Null" }),
        (error) => toStoreError(error),
      );
    },
    async insert({ table, columns, types, format, bytes }) {
      if (bytes.length === 0) return;
      const work = async (session: Session): Promise<void> => {
        if (format === "Native") {
          const into = `INSERT INTO ${table} (${columns.join(", ")})`;
          const structure = types && columns.map((name, i) => `${name} ${types[i]!}`).join(", ");
          await spool.insert(
            withSettings(into, INSERT_SETTINGS),
            bytes,
            (sql) => session.queryAsync(sql, { format: "Null" }),
            structure,
          );
        } else {
          await session.insert({ table, columns, values: bytes, format, settings: INSERT_SETTINGS });
        }
      };
      await runOn(ingest, work, (error) => toStoreError(error, true));
    },
    // An insert of this process ends with it, and its sender waits for it.
    endInserts: () => Promise.resolve(),
    async query(sql, parameters = {}) {
      const text = withSettings(bindParameters(sql, parameters), { ...QUERY_LIMITS, ...RESULT_SETTINGS });
      const result = await runOn(
        query,
        (session) => session.queryAsync(text, { format: "JSONEachRow" }),
        (error) => toStoreError(error),
      );
      return parseRows(result.text());
    },
    async execute(sql, format) {
      return (await runOn(query, (session) => session.queryAsync(sql, { format }), toStatementError)).bytes();
    },
    async executeInsert(sql, native) {
      await runOn(
        ingest,
        (session) => spool.insert(sql, native, (each) => session.queryAsync(each, { format: "Null" })),
        toStatementError,
      );
    },
    async openReader() {
      const reader = await createReader(await openSessions(READER_SESSIONS), refuse);
      pools.push(...reader.pools);
      return reader;
    },
    async close() {
      await Promise.all(pools.map((pool) => pool.close()));
      for (const session of sessions) session.close();
      await chdb.drainPending();
      await rm(openMark, { force: true });
    },
  };
  if (!wasClosed) await setAsideDamagedParts(clickhouse, logger);
  return clickhouse;
}

async function isMissing(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) === null;
}

function toStoreError(error: unknown, isInsert = false): Error {
  const message = error instanceof Error ? error.message : String(error);
  const code = clickhouseCodeOf(error);
  if (code === null) return new StoreError("store_unknown", message, { cause: error });
  return storeErrorOf(code, message, { cause: error, isInsert });
}

/** Imported on demand: a process that speaks HTTP to a server never loads half a gigabyte of engine. */
async function loadChdb(): Promise<Chdb> {
  try {
    return await import("chdb");
  } catch (cause) {
    throw new ConfigError(
      `the in-process ClickHouse (npm package chdb) can't be loaded on ${process.platform}-${process.arch}: ` +
        "run `npm install chdb` (Linux with glibc, or macOS), or set PLUMBLINE_CLICKHOUSE_URL to a ClickHouse server",
      { cause },
    );
  }
}

/**
 * The engine would look at its own memory many times a second, which an idle process feels. Its caches are made for a
 * server, 5 GiB of marks alone; here they share a process with everything else. A merge holds a block of each part that it
 * reads: up to 100 parts of long texts would be more than all the rest of the process. A loss of power may damage every part
 * of the last minutes: they are set aside, however many they are, where the engine would refuse to start above 100.
 */
const ENGINE_CONFIG = `<clickhouse>
  <memory_worker_period_ms>1000</memory_worker_period_ms>
  <mark_cache_size>67108864</mark_cache_size>
  <index_mark_cache_size>16777216</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <merge_tree>
    <max_parts_to_merge_at_once>8</max_parts_to_merge_at_once>
    <max_suspicious_broken_parts>1000000</max_suspicious_broken_parts>
    <max_suspicious_broken_parts_bytes>1000000000000</max_suspicious_broken_parts_bytes>
  </merge_tree>
</clickhouse>
`;

async function openSession(chdb: Chdb, directory: string, configFile: string): Promise<Session> {
  const open = (): Session =>
    new chdb.Session(directory, { connectionArgs: [`--config-file=${configFile}`] });
  try {
    return open();
  } catch {
    const holder = await holderOf(directory);
    if (holder !== null) {
      throw new StoreError(
        "store_locked",
        `${directory} is in use by another process (${holder}): stop it first, or choose another data directory`,
      );
    }
  }
  try {
    // Nobody holds it, at least not any more.
    return open();
  } catch (cause) {
    throw new StoreError(
      "store_config",
      `can't open ClickHouse data in ${directory}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/**
 * Holder of the directory, "pid 123", or null without one. The driver doesn't tell why it failed to open,
 * but the engine writes its process id into the file that it locks.
 */
async function holderOf(directory: string): Promise<string | null> {
  const status = await readFile(join(directory, "status"), "utf8").catch(() => "");
  const pid = Number(/^PID: (\d+)$/m.exec(status)?.[1]);
  if (!Number.isInteger(pid) || pid === process.pid) return null;
  if (!isAlive({ pid, started: null })) return null;
  return `pid ${pid}`;
}
